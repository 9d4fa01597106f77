"""Why cases fail, and which rung that calls for."""

from __future__ import annotations

import pytest

from pytest_ladder.core.diagnosis import CALLS_FOR, called_for, diagnose, diagnosed, exempts
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.ladder import Label
from pytest_ladder.core.rungs import Kind


def label(case: str, kind: str, rung: str = "rag", at: str = "2026-01-01") -> Label:
    return Label(case, rung, kind, "ada", at)


def test_failures_are_counted_by_label_and_the_rest_is_unknown():
    labels = [label("a", "form"), label("b", "facts"), label("never failed", "form")]

    assert diagnose(["a", "b", "c", "d"], labels, "rag") == {"form": 1, "facts": 1, "unknown": 2}


def test_where_nothing_failed_there_is_nothing_to_diagnose():
    assert diagnose([], [label("a", "form")], "rag") == {}


def test_the_label_of_another_rung_says_nothing():
    assert diagnose(["a"], [label("a", "form", rung="prompt")], "rag") == {"unknown": 1}


def test_the_latest_label_of_a_case_wins_whatever_their_order():
    labels = [label("a", "form", at="2026-03-01"), label("a", "facts", at="2026-02-01")]

    assert diagnose(["a"], labels, "rag") == {"form": 1}


def test_unknown_failures_are_not_diagnosed():
    assert diagnosed({FailureKind.FORM: 3, FailureKind.UNKNOWN: 9}) == 3


def test_every_kind_of_failure_says_what_it_calls_for():
    assert set(CALLS_FOR) == set(FailureKind)
    assert CALLS_FOR[FailureKind.UNKNOWN] == ()


def test_fine_tuning_is_called_for_by_form_and_economy_alone():
    assert {kind for kind, rungs in CALLS_FOR.items() if Kind.FINE_TUNE in rungs} == {"form", "economy"}


def test_form_never_calls_for_retrieval():
    assert not {Kind.RAG, Kind.ADVANCED_RAG} & set(CALLS_FOR[FailureKind.FORM])


@pytest.mark.parametrize(
    ("kind", "form", "facts", "exempt"),
    [
        (Kind.RAG, 58, 0, False),  # 0 of 58: the upper bound is 5.03 %
        (Kind.RAG, 59, 0, True),  # 0 of 59: 4.95 %
        (Kind.RAG, 91, 1, False),
        (Kind.RAG, 92, 1, True),
        (Kind.DECOMPOSE, 0, 59, True),
        (Kind.PROMPT, 59, 0, False),
        (Kind.PROMPT, 0, 59, True),
        (Kind.ADVANCED_RAG, 59, 0, True),
    ],
)
def test_a_rung_is_exempt_where_its_failures_are_surely_few(kind: Kind, form: int, facts: int, exempt: bool):
    assert exempts(kind, {FailureKind.FORM: form, FailureKind.FACTS: facts}) is exempt


def test_unknown_failures_exempt_nothing():
    assert not exempts(Kind.RAG, {FailureKind.FORM: 49, FailureKind.UNKNOWN: 1000})


def test_the_most_frequent_known_kind_is_what_calls():
    assert called_for({FailureKind.UNKNOWN: 9, FailureKind.FORM: 2, FailureKind.FACTS: 1}) is FailureKind.FORM
    assert called_for({FailureKind.FORM: 2, FailureKind.FACTS: 2}) is FailureKind.FACTS
    assert called_for({FailureKind.UNKNOWN: 9, FailureKind.FORM: 0}) is None
