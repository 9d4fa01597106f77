"""The retriever `hybrid`: what `bm25` and `dense` find, fused by rank."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_ladder.backends import bm25, dense
from pytest_ladder.backends.bm25 import Bm25
from pytest_ladder.backends.dense import Dense, embedder_of
from pytest_ladder.backends.options import Rule, check_options, is_integer, is_number
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.fusion import K, reciprocal_rank_fusion
from pytest_ladder.core.ports import Document, Hit

DEPTH = 100
RULES = {
    **bm25.RULES, **dense.RULES,
    "depth": Rule(lambda value: is_integer(value) and value > 0, "a whole number from 1"),
    "rrf_k": Rule(lambda value: is_number(value) and 0 < value < math.inf, "a number above 0"),
    "bm25_weight": Rule(lambda value: is_number(value) and 0 < value < math.inf, "a number above 0"),
}  # fmt: skip


def build_hybrid(documents: Sequence[Document], options: Mapping[str, Json], home: Path | None = None) -> Hybrid:
    """Build the retriever from the options of `bm25` and of `dense`, and `depth`, `rrf_k` and `bm25_weight`.

    Raises:
        InvalidRequest: another option, a value that cannot be used, no `embedder`, or its folder is not there.
    """
    check_options(options, RULES, "retriever hybrid")
    words = Bm25(documents, **{key: value for key, value in options.items() if key in bm25.RULES})
    meaning = Dense(documents, embedder_of(options, home, "retriever hybrid"))
    depth, rrf_k = int(options.get("depth", DEPTH)), float(options.get("rrf_k", K))
    return Hybrid(documents, words, meaning, depth, rrf_k, float(options.get("bm25_weight", 1.0)))


class Hybrid:
    """Fuses the two rankings by reciprocal rank: neither's scores need to be comparable with the other's."""

    def __init__(
        self,
        documents: Sequence[Document],
        words: Bm25,
        meaning: Dense,
        depth: int,
        rrf_k: float,
        bm25_weight: float = 1.0,
    ) -> None:
        """Join the two.

        Args:
            documents: The corpus of both.
            words: Ranks by words.
            meaning: Ranks by embeddings.
            depth: How far down each ranking counts, at the least as far as what is asked for.
            rrf_k: The constant of reciprocal rank fusion, above 0.
            bm25_weight: What a place in the ranking by words counts beside one in the other, above 0.
        """
        self._documents = tuple(documents)
        self._places = {id(document): place for place, document in enumerate(self._documents)}
        self._words = words
        self._meaning = meaning
        self._depth = depth
        self._rrf_k = rrf_k
        self._weights = (bm25_weight, 1.0)

    async def prepare(self) -> None:
        """Index and embed the corpus, beside the event loop."""
        await self._words.prepare()
        await self._meaning.prepare()

    def search(self, query: str, top_k: int, /) -> list[Hit]:
        """The best documents by their ranks, best first; ties by position in the corpus."""
        depth = max(self._depth, top_k)
        return self._fused(self._words.search(query, depth), self._meaning.search(query, depth), top_k)

    async def find(self, query: str, top_k: int, /) -> list[Hit]:
        """The same, the query embedded together with those of others that are asked at the same time."""
        depth = max(self._depth, top_k)
        return self._fused(self._words.search(query, depth), await self._meaning.find(query, depth), top_k)

    def _fused(self, words: Sequence[Hit], meaning: Sequence[Hit], top_k: int) -> list[Hit]:
        rankings = [[self._places[id(hit.document)] for hit in hits] for hits in (words, meaning)]
        scores = reciprocal_rank_fusion(rankings, self._rrf_k, self._weights)
        best = sorted(scores, key=lambda place: (-round(scores[place], 12), place))[: max(top_k, 0)]
        return [Hit(self._documents[place], scores[place]) for place in best]
