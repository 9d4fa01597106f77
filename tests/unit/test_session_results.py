"""What the evaluation of a rung leaves, across processes; and its worst cases, as far as they may be shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_ladder.core.answers import CaseError
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.entries import Figure, RungEntry, Verdict
from pytest_ladder.core.evaluation import grade
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.scores import Score, Unscored
from pytest_ladder.core.summary import Miss
from pytest_ladder.session.measuring.misses import MOST, misses, shown
from pytest_ladder.session.measuring.results import Report, RungResult
from tests.builders import case, graded, ladder, record

ENTRY = RungEntry(
    "support", "prompt", Kind.PROMPT, "e", "c", "f", "a", 2, 1, {"answer": {"all": Figure(1 / 3, 2, 0.1, None)}},
    Verdict.SHORT, latency={"p50": None}, waiver={"kind": "größe"},
)  # fmt: skip


def result(**parts: Any) -> RungResult:
    return RungResult("prompt", graded({"c1": 0.0, "c2": 1.0}), ENTRY, **parts)


def test_a_report_crosses_a_process_and_is_the_same():
    miss = Miss("c1", "answer", 0.0, "größe\u2028")
    measured = result(asked=2, missing=("c1",), notes=("n",), misses=(miss,), holdout=ENTRY)
    sent = Report.of("/p/ladder.toml", "short", measured, requested=True, smoke=False)

    text = sent.dump()

    assert text.isascii()
    assert Report.load(text) == sent


def test_the_entry_of_a_report_is_the_entry_with_figures_rounded():
    sent = Report.load(Report.of("/p/ladder.toml", "short", result(), requested=False, smoke=False).dump())

    assert sent.entry is not None
    back = RungEntry.from_dict(sent.entry)
    assert back.as_dict() == ENTRY.as_dict()
    assert back.scores["answer"]["all"].mean == 0.333333


def test_a_report_without_an_entry_has_none():
    sent = Report.of("/p/ladder.toml", "error", replace(result(), entry=None), requested=False, smoke=True)

    assert (sent.entry, sent.holdout, sent.smoke) == (None, None, True)


def test_a_rung_judged_without_its_answers_says_so():
    assert Report.of("p", "met", result(unverifiable=True), requested=False, smoke=False).note == (
        "answers not verifiable here"
    )


# --- the worst cases -------------------------------------------------------------------------------------------------


def test_the_worst_come_first_and_no_more_than_a_few():
    found = misses(graded({f"c{i}": i / 10 for i in range(11)}), "text")

    assert [miss.case for miss in found] == [f"c{i}" for i in range(MOST)]
    assert found[1] == Miss("c1", "answer", 0.1, "question c1", "yes", "yes", "")


def test_a_case_that_is_right_is_no_miss():
    assert misses(graded({"c1": 1.0}), "text") == ()


def test_with_ids_only_no_text_is_kept():
    outcomes = {("c1", 0, "answer"): Score(0.0, "said `yes`")}
    found = grade(ladder(), "prompt", EvalSet((case("c1"),)), [record("c1")], [], outcomes)

    assert misses(found, "ids") == (Miss("c1", "answer", 0.0),)
    assert misses(found, "text")[0].note == "said `yes`"


def test_what_has_no_score_is_told_with_the_reason_and_a_case_in_error_is_not():
    cases = EvalSet((case("c1"), case("c2")))
    outcomes = {("c1", 0, "answer"): Unscored("why")}
    found = grade(ladder(), "prompt", cases, [record("c1")], [CaseError("c2", 0, "boom")], outcomes)

    assert [(miss.case, miss.score, miss.note) for miss in misses(found, "text")] == [("c1", None, "why")]
    assert misses(found, "ids")[0].note == ""


@pytest.mark.parametrize(("value", "text"), [("as it is", "as it is"), ({"a": "ü"}, '{"a": "ü"}'), (5, "5")])
def test_a_value_is_shown_as_text(value: object, text: str):
    assert shown(value) == text
