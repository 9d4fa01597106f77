"""How fast the default retriever is: the same queries through it and through rank_bm25, whose scores it gives."""

from __future__ import annotations

import random
import statistics
import time

from measure import Figure, main
from rank_bm25 import BM25Okapi

from pytest_ladder.backends.bm25 import Bm25, words
from pytest_ladder.core.ports import Document

VOCABULARY = 20_000


def drawn(rng: random.Random, names: list[str], weights: list[float], length: int) -> str:
    return " ".join(rng.choices(names, weights, k=length))


def measure(chunks: int, queries: int, seed: int) -> list[Figure]:
    """Chunks of 30 words whose frequencies fall as in a language (Zipf), and queries of 8 of them."""
    rng = random.Random(seed)
    names, weights = [f"w{rank}" for rank in range(VOCABULARY)], [1 / (rank + 1) for rank in range(VOCABULARY)]
    texts = [drawn(rng, names, weights, 30) for _ in range(chunks)]
    asked = [drawn(rng, names, weights, 8) for _ in range(queries)]
    theirs = BM25Okapi([words(text) for text in texts])
    began = time.perf_counter()
    ours = Bm25([Document(f"d{place}", text) for place, text in enumerate(texts)])
    built = time.perf_counter() - began
    pairs = [_pair(theirs, ours, query) for query in asked]
    slow, fast = (statistics.median(times) for times in zip(*pairs, strict=True))
    return [
        Figure("retrieval", f"bm25: index of {chunks} chunks", built, "s"),
        Figure("retrieval", "rank_bm25: a query, median", 1000 * slow, "ms"),
        Figure("retrieval", "bm25: a query, median", 1000 * fast, "ms"),
        Figure(
            "retrieval", "rank_bm25 over bm25, median of the pairs", statistics.median(a / b for a, b in pairs), "x"
        ),
    ]


def _pair(theirs: BM25Okapi, ours: Bm25, query: str) -> tuple[float, float]:
    began = time.perf_counter()
    scores = theirs.get_scores(words(query))
    between = time.perf_counter()
    hits = ours.search(query, 10)
    ended = time.perf_counter()
    best = sorted(scores, reverse=True)[: len(hits)]
    assert all(abs(hit.score - score) < 1e-9 for hit, score in zip(hits, best, strict=True)), "not the same scores"
    return between - began, ended - between


if __name__ == "__main__":
    assert __doc__
    main(__doc__, {"chunks": 100_000, "queries": 20, "seed": 1}, measure)
