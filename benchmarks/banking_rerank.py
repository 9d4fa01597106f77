"""A cross-encoder trained to tell whether two utterances mean the same intent: all-MiniLM-L6-v2 with a fresh head."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from banking_data import WEIGHTS, Row, intent_of

from pytest_ladder.backends.bm25 import Bm25
from pytest_ladder.backends.embedder import DOCUMENT, Embedder
from pytest_ladder.core.fusion import reciprocal_rank_fusion
from pytest_ladder.core.ports import Document

Candidates = Mapping[str, Sequence[Document]]
"""Row id -> what the retriever finds for its text, best first, the row itself left out."""
Groups = Sequence[tuple[str, list[str]]]
"""A text, and the texts that it is compared with: the right one, then wrong ones."""


@dataclass(frozen=True)
class Recipe:
    """How it is trained; groups of one right text and several wrong ones, by the loss of the right one's share."""

    rows: int = 60
    """Of each intent, at most, the first of the file; so it trains in minutes on two cores."""
    negatives: int = 3
    """Wrong texts a group: the first candidates of as many other intents."""
    depth: int = 50
    """How many candidates are looked at."""
    groups: int = 16
    """Groups in one step."""
    learning_rate: float = 1.5e-4
    warmup: float = 0.1
    """Share of the steps in which the rate rises; then it falls to 0."""
    frozen: int = 3
    """Layers, from the lowest, that stay as they are, with the embeddings; for the same reason."""
    epochs: int = 1
    length: int = 96
    """Tokens of a pair; longer ones are cut."""
    seed: int = 17


MADE_OF = "made-of.json"
"""The file beside the weights that says what they were trained from: they are trained again where it differs."""


def made_of(rows: Sequence[Row], recipe: Recipe) -> str:
    """What decides the weights: the recipe and the digest of the rows, in their order."""
    digest = hashlib.sha256(json.dumps([(row.id, row.text) for row in rows]).encode()).hexdigest()
    return json.dumps({"recipe": asdict(recipe), "rows": digest, "weights": WEIGHTS}, indent=2) + "\n"


def groups_of(rows: Sequence[Row], candidates: Candidates, recipe: Recipe) -> Groups:
    """For each row: its text, and the texts of a group, the right one first; a row without either is left out."""
    rng = random.Random(recipe.seed)
    made, left = [], Counter({row.intent: recipe.rows for row in rows})
    for row in rows:
        left[row.intent] -= 1
        if left[row.intent] < 0:
            continue
        found = candidates[row.id][: recipe.depth]
        right = [document for document in found if intent_of(document.id) == row.intent]
        wrong = list({intent_of(d.id): d for d in reversed(found) if intent_of(d.id) != row.intent}.values())
        wrong = sorted(wrong, key=found.index)[: recipe.negatives]
        if right and wrong:
            filled = wrong + rng.choices(wrong, k=recipe.negatives - len(wrong))
            made.append((row.text, [shown(document) for document in (rng.choice(right), *filled)]))
    return made


def shown(document: Document) -> str:
    """A document as the reranker reads it."""
    return f"{document.title}\n{document.text}".strip()


def train(base: Path, groups: Groups, recipe: Recipe, out: Path, log: Callable[[str], None]) -> None:
    """Train and save; on the CPU, with every seed fixed."""
    import torch
    from sentence_transformers import CrossEncoder

    torch.manual_seed(recipe.seed)
    model = CrossEncoder(str(base), num_labels=1, device="cpu")
    _freeze(model.model, recipe.frozen)
    learnt = [weight for weight in model.model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=recipe.learning_rate, weight_decay=0.01)
    steps = list(_steps(groups, recipe))
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step / len(steps), recipe.warmup))
    model.model.train()
    began, running = time.perf_counter(), 0.0
    for step, batch in enumerate(steps, 1):
        with torch.autocast("cpu", torch.bfloat16):
            loss = _loss(model, batch, recipe.length)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        rate.step()
        running += (loss.item() - running) / min(step, 50)
        if step % 20 == 0 or step == len(steps):
            log(f"step {step} of {len(steps)}, loss {running:.3f}, {time.perf_counter() - began:.0f} s")
    model.model.eval()
    model.save_pretrained(str(out))


def _loss(model: Any, batch: Groups, length: int) -> Any:
    import torch

    pairs = [(query, text) for query, texts in batch for text in texts]
    tokens = model.tokenizer(
        [a for a, _ in pairs], [b for _, b in pairs], padding=True, truncation=True, max_length=length,
        return_tensors="pt",
    )  # fmt: skip
    scores = model.model(**tokens).logits[:, 0].view(len(batch), -1)
    return torch.nn.functional.cross_entropy(scores.float(), torch.zeros(len(batch), dtype=torch.long))


def _freeze(model: Any, layers: int) -> None:
    frozen = ("embeddings.", *(f"encoder.layer.{n}." for n in range(layers)))
    for name, weight in model.named_parameters():
        weight.requires_grad_(not name.partition(".")[2].startswith(frozen))


def _steps(groups: Groups, recipe: Recipe) -> Iterator[Groups]:
    """Groups of like length together, so that little is padded, in a shuffled order."""
    rng = random.Random(recipe.seed)
    for _ in range(recipe.epochs):
        order = sorted(groups, key=lambda group: (len(group[0]) + max(map(len, group[1]))) * rng.uniform(0.9, 1.1))
        steps = [order[start : start + recipe.groups] for start in range(0, len(order), recipe.groups)]
        rng.shuffle(steps)
        yield from steps


def _rate(done: float, warmup: float) -> float:
    return done / warmup if done < warmup else (1 - done) / (1 - warmup)


def mined(rows: Sequence[Row], corpus: Sequence[Document], embedder: Embedder, depth: int) -> Candidates:
    """What `hybrid` finds for each row in a corpus that holds it; the row itself left out."""
    import numpy as np

    words = Bm25(corpus)
    matrix = embedder.embed([shown(document) for document in corpus], DOCUMENT)
    queries = embedder.embed([row.text for row in rows], DOCUMENT)  # all-MiniLM-L6-v2 embeds both roles alike
    made = {}
    for row, query in zip(rows, queries, strict=True):
        near = np.argsort(-np.round(matrix @ query, 6), kind="stable")[: depth + 1]
        rankings = [[hit.document for hit in words.search(row.text, depth + 1)], [corpus[place] for place in near]]
        by_id = {document.id: document for ranking in rankings for document in ranking}
        fused = reciprocal_rank_fusion([document.id for document in ranking] for ranking in rankings)
        made[row.id] = [by_id[id_] for id_ in fused if id_ != row.id][:depth]
    return made
