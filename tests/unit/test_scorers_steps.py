"""The scorer `steps`."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case
from pytest_ladder.core.scorers import apply, build_scorer
from pytest_ladder.core.scores import Score, Scored, Unscored


def scored(gold: list[Any], answers: list[Any], **options: Any) -> Score | Unscored:
    steps = tuple({"input": "?", "expected": value} for value in gold)
    trace = ({"step": "plan", "questions": ["a?"]}, "text", *({"step": "answer", "answer": one} for one in answers))
    return apply(build_scorer("steps", options), Scored(Case("c", "?", steps=steps), Answer("x", steps=trace)))


@pytest.mark.parametrize(
    ("gold", "answers", "value"),
    [
        (["Alder lamp", "2 months"], ["Alder lamp [KB-1]", "It is 2 months."], 1.0),
        (["Alder lamp", "2 months"], ["alder  LAMP", "12 months"], 0.5),
        (["Alder lamp", "2 months"], ["2 months", "Alder lamp"], 0.5),
        (["a", "b", "c"], ["b", "a", "c"], 2 / 3),
        (["a", "b"], ["a and b"], 1.0),
        (["a", "b"], ["no", "b", "a", "b"], 1.0),
        (["a", "a"], ["a"], 1.0),
        ([2, "x"], ["2.5", "x"], 0.5),
        ([5], ["1,5"], 0.0),
        (["$5"], ["US$5."], 1.0),
        ([["two", "2"]], ["it is 2"], 1.0),
        (["yes"], [{"said": "yes"}], 1.0),
    ],
)
def test_it_is_the_share_of_values_found_in_their_order(gold, answers, value):
    found = scored(gold, answers)
    assert isinstance(found, Score)
    assert found.value == pytest.approx(value)
    assert bool(found.note) == (value < 1)


def test_the_note_names_the_first_value_that_is_missing_or_the_order():
    assert scored(["a", "b", "c"], ["a"]) == Score(1 / 3, "no answer to step 2 of 3: b")
    assert scored(["a", "b"], ["b", "a"]) == Score(0.5, "the steps were not answered in their order")
    assert scored(["a"], []) == Score(0.0, "the trace holds no answer of a step")


def test_case_and_order_count_as_the_options_say():
    assert scored(["a", "b"], ["b", "a"], ordered=False) == Score(1.0)
    assert scored(["Lamp"], ["lamp"], case_sensitive=True) == Score(0.0, "no answer to step 1 of 1: Lamp")


@pytest.mark.parametrize("gold", [[], [None], [{"a": 1}], [" "], ["a", None]])
def test_a_case_without_gold_steps_or_a_value_of_one_is_unscored(gold):
    assert isinstance(scored(gold, ["a"]), Unscored)


def test_white_space_never_counts():
    assert scored(["a\n b"], ["x a  b"]) == Score(1.0)
