"""The retriever `bm25s` against the library itself, and against `bm25`, whose scores are k1 + 1 times as high."""

from __future__ import annotations

import random

import pytest

from pytest_ladder.backends.retrievers import build_retriever
from pytest_ladder.core.ports import Document
from tests.extras import needs

needs("bm25s", "bm25s", module=True)


def corpus(seed: int, size: int) -> list[list[str]]:
    rng = random.Random(seed)
    vocabulary = [f"w{rank}" for rank in range(200)]
    weights = [1 / (rank + 1) for rank in range(200)]
    return [rng.choices(vocabulary, weights, k=rng.randint(1, 30)) for _ in range(size)]


def documents(texts: list[list[str]]) -> list[Document]:
    return [Document(str(place), " ".join(text)) for place, text in enumerate(texts)]


def scores(hits) -> dict[int, float]:
    return {int(hit.document.id): hit.score for hit in hits}


@pytest.mark.parametrize(("k1", "b"), [(1.5, 0.75), (0.9, 0.4), (2.0, 0.0), (1.2, 1.0)])
@pytest.mark.parametrize("seed", range(5))
def test_of_words_in_fewer_than_half_of_the_documents_bm25_gives_k1_plus_1_times_the_score(seed, k1, b):
    texts = corpus(seed, 61)
    rare = {word for text in texts for word in text if sum(word in other for other in texts) < len(texts) / 2}
    theirs = build_retriever("bm25s", documents(texts), {"k1": k1, "b": b, "method": "robertson"})
    ours = build_retriever("bm25", documents(texts), {"k1": k1, "b": b})
    for query in corpus(seed + 100, 10):
        asked = " ".join(word for word in query if word in rare)
        expected, got = (retriever.search(asked, len(texts)) for retriever in (ours, theirs))
        assert {place: (k1 + 1) * score for place, score in scores(got).items()} == pytest.approx(scores(expected))
        assert asked == "" or expected


def test_words_of_at_least_half_of_the_documents_weigh_nothing_in_robertson_and_something_in_bm25():
    texts = [["a", "x"], ["a", "y"], ["a", "z"], ["b", "v"], ["c", "u"]]
    options = {"method": "robertson"}
    assert build_retriever("bm25s", documents(texts), options).search("a", 5) == []
    assert len(build_retriever("bm25", documents(texts), {}).search("a", 5)) == 3
    assert len(build_retriever("bm25s", documents(texts), {}).search("a", 5)) == 3


@pytest.mark.parametrize("method", ["lucene", "robertson", "atire", "bm25l", "bm25+"])
@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_the_librarys_own_retrieval(seed, method):
    import bm25s

    texts = corpus(seed, 80)
    library = bm25s.BM25(method=method)
    library.index(texts, show_progress=False)
    retriever = build_retriever("bm25s", documents(texts), {"method": method})
    for query in corpus(seed + 100, 10):
        places, values = library.retrieve([query], k=10, show_progress=False)
        hits = retriever.search(" ".join(query), 10)
        assert [hit.score for hit in hits] == pytest.approx(list(values[0][: len(hits)]), rel=1e-5)
        by_place = dict(zip(map(int, places[0]), map(float, values[0]), strict=True))
        assert all(by_place.get(place, hit) == pytest.approx(hit, rel=1e-5) for place, hit in scores(hits).items())
