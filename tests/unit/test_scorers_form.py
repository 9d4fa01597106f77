"""Tool calls, fields, length, style, and words that the documents have."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case
from pytest_ladder.core.scorers import apply, build_scorer
from pytest_ladder.core.scores import Score, Scored, Unscored
from pytest_ladder.errors import InvalidRequest


def calls(*written: str) -> tuple[dict[str, Any], ...]:
    """`name` or `name(x)`: a call, with x as its argument."""
    found = []
    for text in written:
        name, _, argument = text.rstrip(")").partition("(")
        found.append({"name": name, "arguments": {"x": argument}} if argument else {"name": name})
    return tuple(found)


def tools(expected: tuple[str, ...], made: tuple[str, ...], **options: Any) -> Score:
    scored = Scored(Case("c", "q", tools=calls(*expected)), Answer("", tool_calls=calls(*made)))
    found = apply(build_scorer("tool_calls", options), scored)
    assert isinstance(found, Score)
    return found


@pytest.mark.parametrize(
    ("expected", "made", "precision", "recall"),
    [
        (("find", "book"), ("find", "book"), 1.0, 1.0),
        (("find",), ("find", "find"), 0.5, 1.0),
        (("find", "book"), ("find",), 1.0, 0.5),
        (("find",), (), 1.0, 0.0),
        ((), ("find",), 0.0, 1.0),
        ((), (), 1.0, 1.0),
    ],
)
def test_calls_are_matched_by_name_each_once(
    expected: tuple[str, ...], made: tuple[str, ...], precision: float, recall: float
):
    found = [tools(expected, made, measure=measure).value for measure in ("precision", "recall", "f1")]
    total = precision + recall

    assert found[:2] == [precision, recall]
    assert found[2] == pytest.approx(2 * precision * recall / total if total else 0.0)


def test_arguments_count_where_they_are_asked_for():
    assert tools(("find(a)",), ("find(b)",)).value == 1.0
    assert tools(("find(a)",), ("find(b)",), arguments=True).value == 0.0
    assert tools(("find(a)", "find"), ("find(b)", "find(a)"), arguments=True).value == 1.0, "any fits the second"


def test_order_counts_where_it_is_asked_for():
    assert tools(("find", "book"), ("book", "find"), measure="recall").value == 1.0
    assert tools(("find", "book"), ("book", "find"), measure="recall", ordered=True).value == 0.5
    assert tools(("find", "book"), ("find", "look", "book"), measure="recall", ordered=True).value == 1.0


def test_the_note_names_what_was_not_called():
    assert tools(("find", "book"), ("find",)).note == "not called: book"
    assert tools((), ("pay",)).note == "called without need: pay"


def test_a_call_without_a_name():
    bad = Scored(Case("c", "q", tools=({"tool": "find"},)), Answer(""))

    assert apply(build_scorer("tool_calls", {}), bad) == Unscored("an expected tool call has no name")


# --- fields


EXPECTED = {"total": 12, "paid": True, "to": {"name": "Ada", "city": "Ulm"}, "tags": ["a", "b"]}


def fields(answer: str, **options: Any) -> Any:
    return apply(build_scorer("json_fields", options), Scored(Case("c", "q", EXPECTED), Answer(answer)))


def test_the_share_of_right_fields_objects_opened():
    found = fields('{"total": 12, "paid": true, "to": {"name": "Ada", "city": "Bonn"}, "tags": ["a", "b"]}')

    assert found == Score(4 / 5, "wrong: to.city")


def test_all_fields_or_nothing():
    assert fields('{"total": 12}', mode="all") == Score(0.0, "wrong: paid, to.name, to.city, tags")


def test_only_the_fields_that_are_named():
    assert fields('{"to": {"name": "ADA", "city": "Ulm"}}', fields=["to"], case_sensitive=False) == Score(1.0)


def test_fields_that_were_not_expected_count_where_they_may_not_be_there():
    whole = '{"total": 12, "paid": true, "to": {"name": "Ada", "city": "Ulm"}, "tags": ["a", "b"], "x": 1}'

    assert fields(whole) == Score(1.0)
    assert fields(whole, extra=False) == Score(5 / 6, "not expected: x")


@pytest.mark.parametrize(("answer", "note"), [("no", "the answer is not JSON"), ("[1]", "the answer is no object")])
def test_what_is_no_object_is_wrong(answer: str, note: str):
    assert fields(answer) == Score(0.0, note)


def test_true_is_not_one():
    assert fields('{"paid": 1}', fields=["paid"]).value == 0.0


# --- length, style, groundedness


@pytest.mark.parametrize(
    ("unit", "many"), [("words", 6), ("characters", 25), ("lines", 2), ("sentences", 2)]
)  # fmt: skip
def test_each_unit_counts(unit: str, many: int):
    text = "One is 1.5 long.\nAnd two!"
    exact = build_scorer("length", {"least": many, "most": many, "unit": unit})
    less = build_scorer("length", {"most": many - 1, "unit": unit})

    assert apply(exact, Scored(Case("c", "q"), Answer(text))) == Score(1.0)
    assert apply(less, Scored(Case("c", "q"), Answer(text))) == Score(0.0, f"{many} {unit}")


def test_a_length_that_cannot_be():
    with pytest.raises(InvalidRequest, match="`most` is below `least`"):
        build_scorer("length", {"least": 5, "most": 2})


def test_style_is_the_share_of_rules_that_are_kept():
    rules = {"require": ["regards"], "forbid": ["sorry", "!"]}
    found = apply(build_scorer("style", rules), Scored(Case("c", "q"), Answer("Sorry. Kind Regards")))

    assert found == Score(2 / 3, "has 'sorry'")


def test_a_style_without_a_rule_or_with_a_broken_one():
    with pytest.raises(InvalidRequest, match="there is no rule"):
        build_scorer("style", {})
    with pytest.raises(InvalidRequest, match="regular expression"):
        build_scorer("style", {"forbid": ["("]})


def test_groundedness_is_the_share_of_words_that_the_documents_have():
    documents = {"d1": "The warranty of the lamp is 24 months.", "d2": "Other text."}
    case = Case("c", "q", evidence=("d1",))

    found = apply(build_scorer("groundedness", {}), Scored(case, Answer("Warranty: 24 years."), documents))
    of_retrieved = apply(
        build_scorer("groundedness", {"against": "retrieved"}),
        Scored(case, Answer("Other text", retrieved=("d2",)), documents),
    )

    assert found == Score(1 - 1 / 3, "not in the documents: years")
    assert of_retrieved == Score(1.0)
    assert isinstance(apply(build_scorer("groundedness", {}), Scored(Case("c", "q"), Answer("x"))), Unscored)
