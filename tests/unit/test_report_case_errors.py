"""Why cases are in error, each reason once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_ladder.core.answers import CaseError
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.evaluation import grade
from pytest_ladder.core.scores import Outcome, Score, Unscored
from pytest_ladder.report.case_errors import case_errors
from tests.builders import case, ladder, record


def told(errors: Sequence[str | None], unscored: Sequence[str | None] = (), show: str = "text") -> list[str]:
    """The lines for cases c0, c1, ... that end in these errors, or were answered and not scored; None is fine."""
    spec = ladder(show=show)
    ids = [f"c{place}" for place in range(max(len(errors), len(unscored)))]
    failed = [CaseError(id_, 0, error) for id_, error in zip(ids, errors, strict=False) if error]
    answered = [id_ for id_ in ids if id_ not in {error.case for error in failed}]
    outcomes: dict[tuple[str, int, str], Outcome] = {(id_, 0, "answer"): Score(1.0) for id_ in answered}
    outcomes |= {(id_, 0, "answer"): Unscored(why) for id_, why in zip(ids, unscored, strict=False) if why}
    evaluation = grade(spec, "rag", EvalSet(tuple(map(case, ids))), [record(i) for i in answered], failed, outcomes)
    return case_errors(spec, evaluation).splitlines()


def test_the_same_reason_is_told_once_with_the_cases_that_show_it():
    assert told(["boom"] * 5) == [
        "evals/ladder.toml: rung rag: 5 of 5 cases in error.",
        "  c0, c1, c2 and 2 more: boom",
        "  Nothing was answered; the next run asks again.",
    ]


@pytest.mark.parametrize(
    "messages",
    [
        ("no case c0", "no case c1"),
        ("bad value 'x'", "bad value 'why'"),
        ("<Index at 0x7f1b2c>", "<Index at 0x7f1b3d>"),
        ("request 0a1b2c3d4e failed", "request 9f8e7d6c5b failed"),
        ("waited 12 s", "waited 7 s"),
    ],
)
def test_messages_that_differ_by_the_case_alone_are_one_reason(messages: tuple[str, str]):
    assert told(messages)[1:-1] == [f"  c0, c1: {messages[0]}"]


@pytest.mark.parametrize(
    "messages", [("boom (few.py:3)", "boom (few.py:9)"), ("boom", "bang"), ("`text` is bad", "`steps` is bad")]
)
def test_messages_that_differ_by_more_are_told_each(messages: tuple[str, str]):
    assert told(messages)[1:-1] == [f"  c0: {messages[0]}", f"  c1: {messages[1]}"]


def test_the_commonest_reasons_come_first_and_the_rest_is_counted():
    lines = told(["one", *"abcdef", "one"])
    assert lines[1] == "  c0, c7: one"
    assert lines[-2] == "  and 2 other reasons"


@pytest.mark.parametrize(
    ("errors", "unscored", "mend"),
    [
        (["boom", None], (), "What was answered is on record; the next run asks only for the rest."),
        (["boom", None], (None, "odd"), "What was answered is on record; the next run asks only for the rest."),
        ([None, None], ("odd", None), "Mend the scorer: nothing is asked again."),
        (["boom", "boom"], (), "Nothing was answered; the next run asks again."),
    ],
)
def test_what_to_do_fits_what_went_wrong(errors: list[str | None], unscored: tuple[str | None, ...], mend: str):
    assert told(errors, unscored)[-1] == f"  {mend}"


def test_an_unscored_case_is_told_with_its_metric_and_reason():
    assert told([], ["KeyError: 'a' (s.py:2)"])[1] == "  c0: unscored by answer: KeyError: 'a' (s.py:2)"


def test_no_text_is_shown_where_privacy_asks_for_ids():
    assert told(["secret", None], (None, "secret"), show="ids")[1:-1] == ["  c0: system", "  c1: unscored by answer"]
