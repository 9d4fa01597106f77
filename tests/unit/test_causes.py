"""What the record shows of why a case failed."""

from __future__ import annotations

import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case
from pytest_ladder.core.causes import cause
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.results import CaseResult
from pytest_ladder.core.rungs import Kind, RungSpec

STEPS = ({"input": "which?", "expected": "it"}, {"input": "what of it?", "expected": "that"})


def failed(
    evidence: str = "", retrieved: str = "", steps: tuple = (), repeats: int = 1, needed: int | None = None
) -> CaseResult:
    answers = (Answer("wrong", retrieved=tuple(retrieved.split())),) * repeats
    named = tuple(evidence.split())
    return CaseResult(Case("c", "q", evidence=named, evidence_needed=needed, steps=steps), answers, {})


def rung(kind: Kind = Kind.RAG, **options: str) -> RungSpec:
    return RungSpec(kind.value, kind, options=options)


@pytest.mark.parametrize("kind", [Kind.PROMPT, Kind.FEW_SHOT, Kind.OPTIMIZE, Kind.FINE_TUNE])
def test_what_was_never_shown_is_a_fact_that_is_missing(kind: Kind):
    assert cause(rung(kind), failed("a")) is FailureKind.FACTS


@pytest.mark.parametrize("kind", [Kind.RAG, Kind.ADVANCED_RAG, Kind.DECOMPOSE, Kind.FINE_TUNE])
def test_of_a_rung_with_a_corpus_it_was_not_retrieved(kind: Kind):
    assert cause(rung(kind, corpus="kb.jsonl"), failed("a")) is FailureKind.RETRIEVAL


def test_of_steps_that_may_have_called_a_tool_nothing_is_told():
    assert cause(rung(Kind.DECOMPOSE), failed("a")) is None


def test_of_a_system_that_names_no_document_nothing_is_told():
    assert cause(rung(Kind.PROMPT), failed("a"), own=True) is None


@pytest.mark.parametrize(
    ("evidence", "retrieved", "kind"),
    [("a", "x y", "retrieval"), ("a b", "x a", "retrieval"), ("a", "x a", None), ("a b", "b x a", None)],
)
def test_one_step_fails_by_retrieval_where_evidence_is_missing(evidence: str, retrieved: str, kind: str | None):
    assert cause(rung(), failed(evidence, retrieved)) == kind
    assert cause(rung(), failed(evidence, retrieved), own=True) == kind


MANY = " ".join(map(str, range(11)))


@pytest.mark.parametrize(
    ("evidence", "needed", "retrieved", "kind"),
    [
        ("a b", 1, "x b", None),
        ("a b", 1, "x y", "retrieval"),
        ("a b c", 2, "a x", "retrieval"),
        ("a b c", 2, "a c", None),
        (MANY, None, "x 7", None),
        (MANY, None, "x y", "retrieval"),
        (MANY, 11, "7 8 9", "retrieval"),
        (MANY.removesuffix(" 10"), None, "7 8 9", "retrieval"),
        ("a a a a a a a a a a b", None, "a", "retrieval"),
    ],
)
def test_as_much_evidence_as_an_answer_needs_is_enough(evidence: str, needed: int | None, retrieved: str, kind: str):
    assert cause(rung(), failed(evidence, retrieved, needed=needed)) == kind


@pytest.mark.parametrize(
    ("retrieved", "kind"), [("x y", "retrieval"), ("a x", "reasoning"), ("b", "reasoning"), ("a b", "reasoning")]
)
def test_several_steps_fail_by_reasoning_once_some_evidence_is_there(retrieved: str, kind: str):
    assert cause(rung(), failed("a b", retrieved, STEPS)) == kind


def test_one_gold_step_is_not_several():
    assert cause(rung(), failed("a b", "a", STEPS[:1])) is FailureKind.RETRIEVAL


def test_what_any_repeat_retrieved_counts_as_retrieved():
    found = failed("a", "x")
    both = CaseResult(found.case, (*found.answers, Answer("wrong", retrieved=("a",))), {})

    assert cause(rung(), both) is None


@pytest.mark.parametrize("result", [failed(), failed("", "x", STEPS), failed("a", repeats=0)])
def test_without_evidence_or_answers_nothing_is_told(result: CaseResult):
    assert cause(rung(Kind.PROMPT), result) is None
