"""Cases and eval sets: what is shown to whatever answers, and what their digests cover."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from pytest_ladder.core.cases import Case, EvalSet, Question

FULL = Case(
    "a", "capital of Peru", expected="Lima", slices=("south",), evidence=("kb-2",), steps=({"input": "1"},),
    tools=({"name": "search"},), metadata={"tone": "short"},
)  # fmt: skip


def test_a_question_has_no_field_that_gives_the_answer_away():
    assert {field.name for field in fields(Question)} == {"id", "input", "metadata"}
    assert FULL.question == Question("a", "capital of Peru", {"tone": "short"})


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("plain", "plain"),
        ({"question": "q", "input": "i"}, "q"),
        ({"text": "t", "lang": "de"}, "t"),
        ({"a": 1}, "{'a': 1}"),
    ],
)
def test_the_text_of_a_question(given: object, text: str):
    assert Question("a", given).text == text


@pytest.mark.parametrize("change", [{"expected": "Quito"}, {"slices": ()}, {"evidence": ()}, {"id": "b"}, {"line": 9}])
def test_what_no_answer_depends_on_leaves_the_input_digest_alone(change: dict[str, object]):
    assert replace(FULL, **change).input_digest == FULL.input_digest


@pytest.mark.parametrize("change", [{"input": "capital of Chile"}, {"metadata": {}}])
def test_what_an_answer_depends_on_changes_the_input_digest(change: dict[str, object]):
    assert replace(FULL, **change).input_digest != FULL.input_digest


def test_the_order_of_cases_and_slices_changes_no_digest():
    one, two = Case("1", "a", slices=("x", "y")), Case("2", "b")
    turned = replace(one, slices=("y", "x", "x"))

    assert EvalSet((one, two)).digest == EvalSet((two, turned)).digest
    assert EvalSet((one, two)).digest != EvalSet((one, replace(two, expected="c"))).digest


def test_slices_are_the_whole_set_first_then_by_name():
    one, two = Case("1", "a", slices=("y", "x")), Case("2", "b", slices=("y",))
    slices = EvalSet((one, two)).slices

    assert list(slices) == ["all", "x", "y"]
    assert [len(cases) for cases in slices.values()] == [2, 1, 2]
