"""Settings of the rungs, chosen on a split of the training data: the test set has no part in it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from banking_data import EMBEDDER, Row, documents
from banking_rerank import shown
from banking_systems import centroids, linear_probe, named, vote

from pytest_ladder.backends.cross_encoder import CrossEncoder
from pytest_ladder.backends.embedder import QUERY, Embedder
from pytest_ladder.backends.retrievers import build_retriever
from pytest_ladder.core.fusion import reciprocal_rank_fusion
from pytest_ladder.core.ports import Document

TEMPLATES = ("{}", "A customer asks about {}.")
EXAMPLES = 5
DENSE = {"embedder": EMBEDDER, "device": "cpu"}
DEPTH = 100
KS, BYS = (1, 3, 5, 10, 20, 30), ("rank", "count")
WEIGHTS, RRF_KS = (0.25, 0.5, 1.0), (2, 10, 60)
CS = (3.0, 10.0)
POOLS = (3, 5)
RERANKED = 300
"""Rows of the development split that the reranker's settings are chosen on: it reads every candidate anew."""

Chosen = dict[str, Any]
Rankings = Sequence[Sequence[str]]


def choose(home: Path, fit: Sequence[Row], dev: Sequence[Row], reranker: str, log: Callable[[str], None]) -> Chosen:
    """The settings of every rung that did best on `dev` with `fit` as examples; ties to those named first."""
    embed = Embedder(EMBEDDER, home, "cpu")
    embed.embed([row.text for row in dev], QUERY)
    chosen = _by_embedding(embed, fit, dev)
    corpus = documents(fit, titled=False)
    words, near = (_found(name, options, corpus, home, dev) for name, options in (("bm25", {}), ("dense", DENSE)))
    chosen["words"], chosen["nearest"] = _voted(dev, words), _voted(dev, near)
    chosen["hybrid"] = _best(
        {"bm25_weight": weight, "rrf_k": rrf_k, **_voted(dev, _fused(words, near, weight, rrf_k))}
        for weight, rrf_k in itertools.product(WEIGHTS, RRF_KS)
    )
    log(json.dumps(chosen))
    fused = _fused(words, near, chosen["hybrid"]["bm25_weight"], chosen["hybrid"]["rrf_k"])
    step = len(dev) // RERANKED
    chosen["reranked"] = _reranked(home, dev[::step], fused[::step], reranker)
    log(json.dumps(chosen["reranked"]))
    return chosen


def _by_embedding(embed: Embedder, fit: Sequence[Row], dev: Sequence[Row]) -> Chosen:
    queries, truth = embed.embed([row.text for row in dev], QUERY), [row.intent for row in dev]
    examples = [{"text": row.text, "intent": row.intent} for row in fit]

    def right(names: Sequence[str], matrix: Any) -> float:
        return _share(
            names[int(place)] == intent for place, intent in zip((queries @ matrix.T).argmax(1), truth, strict=True)
        )

    by_name = {template: named(truth, template, embed) for template in TEMPLATES}
    labels = _best({"template": template, "dev": right(*by_name[template])} for template in TEMPLATES)
    names, matrix = by_name[labels["template"]]
    shots = [{"examples": EXAMPLES, "with_name": flag} for flag in (False, True)]
    few_shot = _best({**shot, "dev": right(names, centroids(examples, names, matrix, shot, embed))} for shot in shots)
    probe = _best({"C": c, "dev": float(linear_probe(examples, c, embed).score(queries, truth))} for c in CS)
    return {"labels": labels, "few_shot": few_shot, "probe": probe}


def _found(
    name: str, options: Mapping[str, Any], corpus: Sequence[Document], home: Path, dev: Sequence[Row]
) -> list[list[Document]]:
    retriever = build_retriever(name, corpus, options, home=home)
    return [[hit.document for hit in retriever.search(row.text, DEPTH)] for row in dev]


def _fused(
    words: Sequence[Sequence[Document]], near: Sequence[Sequence[Document]], weight: float, rrf_k: int
) -> list[list[Document]]:
    """What `hybrid` makes of the two rankings."""
    made = []
    for pair in zip(words, near, strict=True):
        by_id = {document.id: document for ranking in pair for document in ranking}
        scores = reciprocal_rank_fusion([[d.id for d in ranking] for ranking in pair], rrf_k, (weight, 1.0))
        made.append([by_id[id_] for id_ in scores][: max(KS)])
    return made


def _reranked(home: Path, dev: Sequence[Row], fused: Sequence[Sequence[Document]], reranker: str) -> Chosen:
    model = CrossEncoder(f"local:{reranker}", {"device": "cpu"}, home)
    pools = [candidates[: max(POOLS)] for candidates in fused]
    scores = [
        asyncio.run(model.scores(row.text, [shown(document) for document in pool]))
        for row, pool in zip(dev, pools, strict=True)
    ]

    def ordered(pool: Sequence[Document], given: Sequence[float], size: int) -> list[Document]:
        order = sorted(range(len(pool[:size])), key=lambda place: -round(given[place], 6))
        return [pool[place] for place in order]

    return _best(
        {"pool": size, **_voted(dev, [ordered(p, g, size) for p, g in zip(pools, scores, strict=True)])}
        for size in POOLS
    )


def _voted(dev: Sequence[Row], found: Sequence[Sequence[Document]]) -> Chosen:
    """How many documents vote, and how."""
    prompts = [[{"content": "\n".join(["found:", *(document.id for document in hits)])}] for hits in found]
    return _best(
        {"k": k, "by": by, "dev": _share(vote(p, k, by) == row.intent for p, row in zip(prompts, dev, strict=True))}
        for k, by in itertools.product(KS, BYS)
    )


def _share(right: Any) -> float:
    outcomes = list(right)
    return round(sum(outcomes) / len(outcomes), 4)


def _best(tried: Any) -> Chosen:
    return dict(max(tried, key=lambda found: found["dev"]))
