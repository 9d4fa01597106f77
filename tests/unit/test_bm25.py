from __future__ import annotations

import pytest

from pytest_ladder.backends.bm25 import Bm25, build_bm25, words
from pytest_ladder.backends.retrievers import build_retriever
from pytest_ladder.core.ports import Document
from pytest_ladder.errors import InvalidRequest


def documents(*texts: str) -> list[Document]:
    return [Document(f"d{place}", text) for place, text in enumerate(texts)]


def found(retriever: Bm25, query: str, top_k: int = 10) -> list[str]:
    return [hit.document.id for hit in retriever.search(query, top_k)]


def test_words_are_lowercased_unicode_words():
    assert words("Die GRÖẞE von KB-12, naïve ﬁt") == ["die", "größe", "von", "kb", "12", "naïve", "fit"]


def test_ideographs_are_words_of_their_own():
    assert words("退款 in 3 days") == ["退", "款", "in", "3", "days"]


@pytest.mark.parametrize("corpus", [[], documents(""), documents("", "...")])
def test_a_corpus_without_words_finds_nothing(corpus):
    assert Bm25(corpus).search("refund", 3) == []


@pytest.mark.parametrize("query", ["", "?!", "zebra"])
def test_a_query_that_shares_no_word_finds_nothing(query):
    assert found(Bm25(documents("refund", "delivery", "colour")), query) == []


def test_documents_without_a_shared_word_stay_out_of_the_result():
    assert found(Bm25(documents("refund period", "delivery", "colour", "size")), "refund") == ["d0"]


def test_empty_documents_beside_others_do_no_harm_even_with_full_length_normalisation():
    hits = Bm25(documents("", "refund", "delivery", "colour"), b=1).search("refund", 3)
    assert [hit.document.id for hit in hits] == ["d1"]
    assert hits[0].score > 0


@pytest.mark.parametrize(
    ("texts", "query", "best"),
    [
        (["refund period"], "refund", "d0"),
        (["refund period", "delivery time"], "delivery", "d1"),
        (["refund of the fee", "the fee of the loan", "the the the"], "the loan", "d1"),
        (["a refund", "a delivery"], "a delivery", "d1"),
    ],
)
def test_a_tiny_corpus_is_ranked_by_positive_scores(texts, query, best):
    hits = Bm25(documents(*texts)).search(query, 3)
    assert hits[0].document.id == best
    assert all(hit.score > 0 for hit in hits)


def test_a_term_in_exactly_half_of_the_documents_still_counts():
    retriever = Bm25(documents("red fan", "red lamp", "blue oven", "blue drill", "green kettle", "red iron"))
    assert found(retriever, "red") == ["d0", "d1", "d5"]


def test_ties_keep_the_order_of_the_corpus():
    assert found(Bm25(documents("other", "refund", "fan", "refund", "lamp", "refund")), "refund", 2) == ["d1", "d3"]


def test_the_title_is_searched_too():
    corpus = [Document("a", "Thirty days.", "Refunds"), Document("b", "Two days."), Document("c", "Blue.")]
    assert found(Bm25(corpus), "refunds") == ["a"]


def test_no_more_than_top_k_come_back():
    assert found(Bm25(documents(*["refund"] * 5, *["x"] * 9)), "refund", 2) == ["d0", "d1"]


def test_options_reach_the_formula():
    corpus = documents("refund " * 5 + "fee fee fee fee", "refund", "lamp", "fan", "iron")
    assert found(build_bm25(corpus, {"b": 0.0, "k1": 5.0}), "refund")[0] == "d0"
    assert found(build_bm25(corpus, {"b": 1.0, "k1": 0.1}), "refund")[0] == "d1"


@pytest.mark.parametrize(
    ("options", "text"),
    [({"k": 1}, "k1"), ({"k1": 0}, "above 0"), ({"b": 2}, "from 0 to 1"), ({"b": True}, "from 0 to 1")],
)
def test_an_option_it_cannot_use_is_named(options, text):
    with pytest.raises(InvalidRequest, match=text):
        build_bm25(documents("x"), options)


def test_an_unknown_retriever_is_told_the_known_ones():
    with pytest.raises(
        InvalidRequest, match=r"got 'bm-25'; expected bm25 \| bm25s \| dense \| hybrid\. Did you mean `bm25`\?"
    ):
        build_retriever("bm-25", [], {})
