"""The rungs of the ladder that no retriever answers by itself, and the model that votes: copied beside ladder.toml."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from pytest_ladder import Answer, Question
from pytest_ladder.backends.embedder import DOCUMENT, Embedder

HERE = Path(__file__).parent


def vote(messages: list[dict[str, str]], k: int = 10, by: str = "rank") -> str:
    """The "model": the intent that most of the first k documents have, each counting 1, or 1 over its place.

    The prompt lists the ids of the documents below its first line, and an id begins with its intent. Ties go to
    the intent named first.
    """
    ids = messages[-1]["content"].splitlines()[1 : k + 1]
    votes: Counter[str] = Counter()
    for place, id_ in enumerate(ids, 1):
        votes[id_.rpartition("/")[0]] += 1 / place if by == "rank" else 1
    return max(votes, key=votes.__getitem__) if votes else ""


@cache
def settings() -> dict[str, Any]:
    """What was chosen on the development split."""
    chosen: dict[str, Any] = json.loads((HERE / "settings.json").read_text(encoding="utf-8"))
    return chosen


@cache
def embedder() -> Embedder:
    """The one that the retrievers of the ladder use too, with their cache."""
    return Embedder(settings()["embedder"], HERE, "cpu")


@cache
def rows() -> list[dict[str, str]]:
    """The training utterances."""
    return [json.loads(line) for line in (HERE / "train.jsonl").read_text(encoding="utf-8").splitlines()]


async def labels(case: Question) -> Answer:
    """Zero-shot: the intent whose name lies nearest."""
    names, matrix = _names()
    return Answer(names[int((matrix @ await embedder().query(case.text)).argmax())])


async def few_shot(case: Question) -> Answer:
    """The intent whose few examples lie nearest in the mean."""
    names, matrix = _centroids()
    return Answer(names[int((matrix @ await embedder().query(case.text)).argmax())])


async def probe(case: Question) -> Answer:
    """A linear classifier over the embeddings of every training utterance."""
    return Answer(str(_probe().predict([await embedder().query(case.text)])[0]))


@cache
def _names() -> tuple[list[str], Any]:
    return named([row["intent"] for row in rows()], settings()["labels"]["template"], embedder())


@cache
def _centroids() -> tuple[list[str], Any]:
    names, matrix = _names()
    return names, centroids(rows(), names, matrix, settings()["few_shot"], embedder())


@cache
def _probe() -> Any:
    return linear_probe(rows(), settings()["probe"]["C"], embedder())


def named(intents: list[str], template: str, embed: Embedder) -> tuple[list[str], Any]:
    """The intents, sorted, and the embeddings of their names as words in a template."""
    names = sorted(set(intents))
    texts = [template.format(name.replace("_", " ").replace("?", "").lower()) for name in names]
    return names, embed.embed(texts, DOCUMENT)


def centroids(
    examples: list[dict[str, str]], names: list[str], matrix: Any, chosen: dict[str, Any], embed: Embedder
) -> Any:
    """The mean embedding of the first `examples` utterances of each intent, with its name's where that is chosen."""
    import numpy as np

    means = []
    for place, name in enumerate(names):
        texts = [row["text"] for row in examples if row["intent"] == name][: chosen["examples"]]
        vectors = embed.embed(texts, DOCUMENT)
        mean = np.vstack([vectors, matrix[place]]).mean(0) if chosen["with_name"] else vectors.mean(0)
        means.append(mean / np.linalg.norm(mean))
    return np.stack(means)


def linear_probe(examples: list[dict[str, str]], c: float, embed: Embedder) -> Any:
    """Logistic regression on the embeddings; its optimiser draws nothing at random."""
    from sklearn.linear_model import LogisticRegression

    vectors = embed.embed([row["text"] for row in examples], DOCUMENT)
    return LogisticRegression(C=c, max_iter=300).fit(vectors, [row["intent"] for row in examples])
