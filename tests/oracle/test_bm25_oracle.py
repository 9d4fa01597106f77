"""The retriever `bm25` against rank_bm25 itself, wherever rank_bm25 gives every term a positive weight."""

from __future__ import annotations

import random

import pytest
from rank_bm25 import BM25Okapi

from pytest_ladder.backends.bm25 import Bm25
from pytest_ladder.core.ports import Document


def corpus(seed: int, size: int) -> list[list[str]]:
    rng = random.Random(seed)
    vocabulary = [f"w{rank}" for rank in range(200)]
    weights = [1 / (rank + 1) for rank in range(200)]
    return [rng.choices(vocabulary, weights, k=rng.randint(1, 30)) for _ in range(size)]


def sane(oracle: BM25Okapi) -> bool:
    return oracle.average_idf > 0 and all(weight != 0 for weight in oracle.idf.values())


@pytest.mark.parametrize(("k1", "b"), [(1.5, 0.75), (0.9, 0.4), (2.0, 0.0), (1.2, 1.0)])
@pytest.mark.parametrize("seed", range(5))
def test_scores_and_order_are_those_of_rank_bm25(seed, k1, b):
    texts = corpus(seed, 61)  # odd, so that no term stands in exactly half of the documents
    oracle = BM25Okapi(texts, k1=k1, b=b)
    assert sane(oracle)
    retriever = Bm25([Document(str(place), " ".join(text)) for place, text in enumerate(texts)], k1=k1, b=b)
    for query in corpus(seed + 100, 10):
        expected = oracle.get_scores(query)
        hits = retriever.search(" ".join(query), len(texts))
        assert {int(hit.document.id) for hit in hits} == {i for i, text in enumerate(texts) if set(text) & set(query)}
        for hit in hits:
            assert hit.score == pytest.approx(expected[int(hit.document.id)], rel=1e-12)
        order = sorted((int(hit.document.id) for hit in hits), key=lambda place: (-round(expected[place], 9), place))
        assert [int(hit.document.id) for hit in hits] == order


def test_only_the_terms_that_rank_bm25_gives_no_weight_differ():
    texts = [["a", "x"], ["a", "y"], ["b", "z"], ["b", "v"], ["c", "u"], ["a", "t"]]
    oracle = BM25Okapi(texts)
    assert oracle.idf["a"] == 0
    retriever = Bm25([Document(str(place), " ".join(text)) for place, text in enumerate(texts)])
    assert [hit.score for hit in retriever.search("b z", 1)] == pytest.approx([max(oracle.get_scores(["b", "z"]))])
    assert all(hit.score > 0 for hit in retriever.search("a", 6))
