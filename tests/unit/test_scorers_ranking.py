"""Retrieval, apart from what was made of it."""

from __future__ import annotations

import math

import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case
from pytest_ladder.core.scorers import apply, build_scorer
from pytest_ladder.core.scores import Score, Scored, Unscored
from pytest_ladder.errors import InvalidRequest


def value(name: str, retrieved: str, evidence: str, **options: int) -> float:
    found = apply(
        build_scorer(name, options),
        Scored(Case("c", "q", evidence=tuple(evidence.split())), Answer("", retrieved=tuple(retrieved.split()))),
    )
    assert isinstance(found, Score)
    return found.value


@pytest.mark.parametrize(
    ("retrieved", "evidence", "k", "recall", "precision", "rank"),
    [
        ("a b c", "a", 3, 1.0, 1 / 3, 1.0),
        ("a b c", "b d", 3, 0.5, 1 / 3, 0.5),
        ("a b c", "c", 2, 0.0, 0.0, 0.0),
        ("a", "a b", 4, 0.5, 0.25, 1.0),
        ("b b a", "a", 2, 1.0, 0.5, 0.5),
    ],
)
def test_the_first_k_documents(retrieved: str, evidence: str, k: int, recall: float, precision: float, rank: float):
    assert value("recall_at_k", retrieved, evidence, k=k) == pytest.approx(recall)
    assert value("precision_at_k", retrieved, evidence, k=k) == pytest.approx(precision)
    assert value("reciprocal_rank", retrieved, evidence, k=k) == pytest.approx(rank)


def test_ndcg_discounts_by_place():
    assert value("ndcg_at_k", "x a", "a") == pytest.approx(1 / math.log2(3))
    assert value("ndcg_at_k", "a b x", "a b") == 1.0
    assert value("ndcg_at_k", "a", "a b", k=1) == 1.0, "no ranking of one document is better"


@pytest.mark.parametrize(
    ("retrieved", "evidence", "expected"),
    [
        ("a b x", "a b", 1.0),
        ("x a", "a", 1 / 2),
        ("a x b", "a b", (1 + 2 / 3) / 2),
        ("x a y b", "a b c", (1 / 2 + 2 / 4) / 2),
        ("x y", "a", 0.0),
        ("a a x", "a", 1.0),
    ],
)
def test_context_precision_is_the_mean_precision_at_the_places_of_evidence(retrieved, evidence, expected):
    assert value("context_precision", retrieved, evidence) == pytest.approx(expected)


def test_context_precision_looks_at_the_first_k_alone():
    assert value("context_precision", "x a b", "a b", k=2) == 0.5
    assert value("context_precision", "x a b", "a b", k=1) == 0.0


def test_context_recall_is_recall():
    assert value("context_recall", "x a y", "a b") == value("recall_at_k", "x a y", "a b") == 0.5
    assert value("context_recall", "x a", "a", k=1) == 0.0


def test_without_k_every_document_counts():
    assert value("recall_at_k", "x y z a", "a") == 1.0
    assert value("precision_at_k", "x y z a", "a") == 0.25


def test_a_case_without_evidence_is_unscored_and_an_answer_without_retrieval_is_wrong():
    scorer = build_scorer("recall_at_k", {})

    assert apply(scorer, Scored(Case("c", "q"), Answer("", retrieved=("a",)))) == Unscored("the case names no evidence")
    assert apply(scorer, Scored(Case("c", "q", evidence=("a",)), Answer(""))) == Score(0.0, "nothing was retrieved")


def test_the_note_names_what_is_missing():
    found = apply(
        build_scorer("recall_at_k", {}), Scored(Case("c", "q", evidence=("b", "a")), Answer("", retrieved=("x",)))
    )

    assert found == Score(0.0, "not among: a, b")


def test_of_much_missing_evidence_the_note_names_the_first():
    scored = Scored(Case("c", "q", evidence=tuple("abcdefgh")), Answer("", retrieved=("b",)))

    assert apply(build_scorer("recall_at_k", {}), scored) == Score(1 / 8, "not among: a, c, d, e, f and 2 more")


@pytest.mark.parametrize("k", [0, -1, 1.5, True, "3"])
def test_k_is_a_whole_number_from_1(k: object):
    with pytest.raises(InvalidRequest, match="a whole number from 1"):
        build_scorer("ndcg_at_k", {"k": k})
