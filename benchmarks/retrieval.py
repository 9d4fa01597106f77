"""How fast retrieval is: queries through bm25, rank_bm25 and bm25s in turns, and embeddings beside the library."""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that wait leave the cores to others

from banking_data import EMBEDDER, base
from measure import Figure, main
from rank_bm25 import BM25Okapi

from pytest_ladder.backends.bm25 import Bm25, words
from pytest_ladder.backends.bm25s_index import Bm25s
from pytest_ladder.backends.embedder import DOCUMENT, Embedder
from pytest_ladder.core.ports import Document, Hit, Retriever

VOCABULARY = 20_000
PASSES = 3
"""Times that the texts are embedded by either side, in turns."""


def drawn(rng: random.Random, names: list[str], weights: list[float], length: int) -> str:
    return " ".join(rng.choices(names, weights, k=length))


def measure(chunks: int, queries: int, texts: int, seed: int) -> list[Figure]:
    """Chunks of 30 words whose frequencies fall as in a language (Zipf), and queries of 8 of them."""
    rng = random.Random(seed)
    names, weights = [f"w{rank}" for rank in range(VOCABULARY)], [1 / (rank + 1) for rank in range(VOCABULARY)]
    corpus = [Document(f"d{n}", drawn(rng, names, weights, 30)) for n in range(chunks)]
    asked = [drawn(rng, names, weights, 8) for _ in range(queries)]
    with tempfile.TemporaryDirectory() as folder:
        return [*by_words(corpus, asked, Path(folder)), *by_embedding(corpus[:texts], Path(folder))]


def by_words(corpus: Sequence[Document], asked: Sequence[str], home: Path) -> list[Figure]:
    theirs, theirs_s = timed(lambda: BM25Okapi([words(document.text) for document in corpus]))
    ours, built_s = timed(lambda: indexed(Bm25(corpus)))
    by_choice, first_s = timed(lambda: indexed(Bm25s(corpus, home)))
    again, second_s = timed(lambda: indexed(Bm25s(corpus, home)))
    assert again.search(asked[0], 10) == by_choice.search(asked[0], 10), "not the same index"
    rows = [_asked(theirs, ours, by_choice, query) for query in asked]
    slow, fast, chosen = (statistics.median(times) for times in zip(*rows, strict=True))
    size = len(corpus)
    return [
        Figure("retrieval", f"rank_bm25: index of {size} chunks", theirs_s, "s"),
        Figure("retrieval", f"bm25: index of {size} chunks", built_s, "s"),
        Figure("retrieval", f"bm25s: index of {size} chunks, written to disk", first_s, "s"),
        Figure("retrieval", "bm25s: the same in a second run, read", second_s, "s"),
        Figure("retrieval", "rank_bm25: a query, median", 1000 * slow, "ms"),
        Figure("retrieval", "bm25: a query, median", 1000 * fast, "ms"),
        Figure("retrieval", "bm25s: a query, median", 1000 * chosen, "ms"),
        Figure(
            "retrieval", "rank_bm25 over bm25, median of the pairs", statistics.median(a / b for a, b, _ in rows), "x"
        ),
        Figure(
            "retrieval", "rank_bm25 over bm25s, median of the pairs", statistics.median(a / c for a, _, c in rows), "x"
        ),
    ]


def indexed(retriever: Any) -> Retriever:
    """A retriever that has been searched once, so that its index is there."""
    retriever.search("w1", 1)
    found: Retriever = retriever
    return found


def timed(make: Callable[[], Any]) -> tuple[Any, float]:
    """What a function gives, and its wall seconds."""
    began = time.perf_counter()
    made = make()
    return made, time.perf_counter() - began


def _asked(theirs: BM25Okapi, ours: Retriever, by_choice: Retriever, query: str) -> tuple[float, float, float]:
    def sorted_out() -> Any:
        return theirs.get_scores(words(query))

    scores, slow = timed(sorted_out)
    hits, fast = timed(lambda: ours.search(query, 10))
    _, chosen = timed(lambda: by_choice.search(query, 10))
    _same(hits, sorted(scores, reverse=True))
    return slow, fast, chosen


def _same(hits: Sequence[Hit], best: Sequence[float]) -> None:
    assert all(abs(hit.score - score) < 1e-9 for hit, score in zip(hits, best, strict=False)), "not the same scores"


def by_embedding(corpus: Sequence[Document], home: Path) -> list[Figure]:
    """The library's `encode` and ours in turns, each time on other texts; then ours again, from the cache."""
    from sentence_transformers import SentenceTransformer

    library, ours = SentenceTransformer(str(base()), device="cpu"), Embedder(EMBEDDER, home, "cpu")
    library.encode(["warm"])
    ours.embed(["warm"], DOCUMENT)
    parts = [[f"{document.text} {turn}" for document in corpus] for turn in range(PASSES)]
    pairs = []
    for part in parts:
        _, alone = timed(lambda part=part: library.encode(part, batch_size=32, show_progress_bar=False))
        _, through = timed(lambda part=part: ours.embed(part, DOCUMENT))
        pairs.append((alone, through))
    fresh = Embedder(EMBEDDER, home, "cpu")
    _, again = timed(lambda: fresh.embed([text for part in parts for text in part], DOCUMENT))
    alone, through = (statistics.median(times) for times in zip(*pairs, strict=True))
    return [
        Figure("retrieval", f"sentence-transformers: {len(corpus)} texts, median", alone, "s"),
        Figure("retrieval", f"dense: the same {len(corpus)} texts, kept on disk, median", through, "s"),
        Figure("retrieval", "dense over sentence-transformers, median of the pairs", _ratio(pairs), "x"),
        Figure("retrieval", f"dense: {PASSES * len(corpus)} texts in a second run, from the cache", again, "s"),
    ]


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    return statistics.median(through / alone for alone, through in pairs)


if __name__ == "__main__":
    assert __doc__
    main(__doc__, {"chunks": 100_000, "queries": 20, "texts": 400, "seed": 1}, measure)
