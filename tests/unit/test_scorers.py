"""What each built-in scorer calls right and wrong, and how it refuses options it cannot use."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case
from pytest_ladder.core.scorers import SCORERS, aapply, apply, build_scorer
from pytest_ladder.core.scores import Score, Scored, Unscored
from pytest_ladder.errors import InvalidRequest

SCHEMA = {"type": "object", "required": ["total"], "properties": {"total": {"type": "integer"}}}


def outcome(
    name: str, answer: str | Answer, expected: Any = None, *, corpus: tuple[str, ...] = (), case: Case | None = None,
    **options: Any,
) -> Score | Unscored:  # fmt: skip
    answer = Answer(answer) if isinstance(answer, str) else answer
    return apply(
        build_scorer(name, options), Scored(case or Case("c", "q", expected), answer, dict.fromkeys(corpus, ""))
    )


def value(name: str, answer: str | Answer, expected: Any = None, **parts: Any) -> float:
    found = outcome(name, answer, expected, **parts)
    assert isinstance(found, Score), found
    return found.value


# --- the registry and the options


def test_an_unknown_scorer_is_answered_with_the_registry_and_the_nearest_name() -> None:
    with pytest.raises(InvalidRequest) as caught:
        build_scorer("exact_mach", {})

    assert ", ".join(SCORERS) in str(caught.value)
    assert str(caught.value).endswith("Did you mean 'exact_match'?")


@pytest.mark.parametrize("name", SCORERS)
def test_every_scorer_refuses_an_option_it_does_not_know(name: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^scorer '{name}': unknown option, got 'fenceed'; expected one of"):
        build_scorer(name, {"fenceed": True})


@pytest.mark.parametrize(
    ("name", "options", "fault"),
    [
        ("exact_match", {"strip": "yes"}, "wrong type of 'strip', got 'yes'; expected true or false"),
        ("exact_match", {"field": 3}, "wrong type of 'field', got 3; expected a text"),
        ("contains", {"mode": "al"}, "unknown value of 'mode', got 'al'; expected one of all, any. Did you mean 'all'"),
        ("regex", {"pattern": "("}, "is not a regular expression: missing"),
        ("numeric", {"absolute": -1}, "wrong type of 'absolute', got -1; expected a number from 0"),
        ("numeric", {"relative": True}, "wrong type of 'relative', got True"),
        ("numeric", {"relative": float("inf")}, "wrong type of 'relative', got inf"),
        ("label", {}, "the option 'labels' is missing; expected a list of texts"),
        ("label", {"labels": []}, "wrong type of 'labels'"),
        ("label", {"labels": "spam"}, "wrong type of 'labels', got 'spam'"),
        ("json_schema", {"schema": "note.json"}, "wrong type of 'schema', got 'note.json'; expected a table"),
        ("json_schema", {"schema": {"type": "strin"}}, r"is not a JSON Schema, at \$.type"),
        ("citation", {"pattern": "["}, "is not a regular expression"),
        ("citation", {"require": "all"}, "unknown value of 'require'"),
        ("abstention", {"phrases": [""]}, "wrong type of 'phrases'"),
    ],
)
def test_options_that_cannot_be_used_are_refused(name: str, options: Mapping[str, Any], fault: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^scorer '{name}': .*{fault}"):
        build_scorer(name, options)


@pytest.mark.parametrize("name", ["exact_match", "contains", "regex", "numeric", "token_f1", "abstention"])
def test_a_case_without_expected_value_is_unscored(name: str) -> None:
    assert outcome(name, "yes") == Unscored("the case has no expected value")


@pytest.mark.parametrize("name", ["exact_match", "contains", "regex", "numeric", "token_f1"])
def test_every_scorer_reads_a_field_of_an_expected_object(name: str) -> None:
    expected = {"answer": "42", "source": "kb-1"}

    assert value(name, "42", expected, field="answer") == 1.0
    assert outcome(name, "42", expected, field="anser") == Unscored("expected has no field 'anser'")


@pytest.mark.parametrize("name", ["contains", "regex", "token_f1"])
def test_an_expected_object_without_a_field_picked_is_unscored(name: str) -> None:
    assert outcome(name, "42", {"answer": "42", "source": "x"}) == Unscored(
        "expected is an object: pick one of answer, source by the option `field`"
    )


def test_an_answer_field_is_read_of_the_parsed_value_or_of_the_text() -> None:
    assert value("exact_match", Answer("...", parsed={"answer": "yes"}), "yes", answer_field="answer") == 1.0
    assert value("exact_match", '```json\n{"answer": 7}\n```', 7, answer_field="answer") == 1.0
    assert value("exact_match", "yes", "yes", answer_field="answer") == 0.0


# --- exact_match, contains, regex


@pytest.mark.parametrize(
    ("answer", "expected", "options", "score"),
    [
        ("30 days", "30 days", {}, 1),
        (" 30 days\n", "30 days", {}, 1),
        (" 30 days\n", "30 days", {"strip": False}, 0),
        ("30 Days", "30 days", {}, 0),
        ("30 Days", "30 days", {"case_sensitive": False}, 1),
        ("30  days", "30 days", {}, 0),
        ("30\n days", "30 days", {"collapse_whitespace": True}, 1),
        ("30 days.", "30 days", {}, 0),
        ("30 days.", "30 days", {"strip_punctuation": True}, 1),
        ("cafe\u0301", "caf\u00e9", {}, 1),
        ("no", ["nope", "no"], {}, 1),
        ("no", ["nope", "never"], {}, 0),
        ("", "", {}, 1),
        ("42", 42, {}, 1),
        ("true", True, {}, 1),
    ],
)
def test_exact_match(answer: str, expected: Any, options: dict[str, Any], score: float) -> None:
    assert value("exact_match", answer, expected, **options) == score


def test_exact_match_compares_an_expected_object_as_a_value() -> None:
    assert value("exact_match", '{"b": 2, "a": 1}', {"a": 1, "b": 2}) == 1.0
    assert value("exact_match", Answer("", parsed={"a": 2}), {"a": 1}) == 0.0
    assert outcome("exact_match", "a = 1", {"a": 1}) == Score(0.0, "the answer is not JSON")


@pytest.mark.parametrize("expected", [[], [None], [["a"]], [{"a": 1}]])
def test_an_expected_value_of_no_use_is_unscored(expected: Any) -> None:
    assert isinstance(outcome("exact_match", "a", expected), Unscored)


@pytest.mark.parametrize(
    ("answer", "expected", "options", "score"),
    [
        ("within 30 days", "30 days", {}, 1),
        ("within a month", "30 days", {}, 0),
        ("red and blue", ["red", "blue"], {}, 1),
        ("red", ["red", "blue"], {}, 0),
        ("red", ["red", "blue"], {"mode": "any"}, 1),
        ("green", ["red", "blue"], {"mode": "any"}, 0),
        ("RED", "red", {"case_sensitive": False}, 1),
    ],
)
def test_contains(answer: str, expected: Any, options: dict[str, Any], score: float) -> None:
    assert value("contains", answer, expected, **options) == score


def test_contains_says_how_much_was_found() -> None:
    assert outcome("contains", "red", ["red", "blue"]) == Score(0.0, "1 of 2 expected texts found")


def test_an_empty_text_is_nothing_to_look_for() -> None:
    assert isinstance(outcome("contains", "anything", " "), Unscored)


@pytest.mark.parametrize(
    ("answer", "expected", "options", "score"),
    [
        ("order 12-345", None, {"pattern": r"\d\d-\d{3}"}, 1),
        ("order 12-345", None, {"pattern": r"\d\d-\d{3}", "mode": "full"}, 0),
        ("12-345", None, {"pattern": r"\d\d-\d{3}", "mode": "full"}, 1),
        ("yes, sir", "^yes", {}, 1),
        ("Yes", ["^no$", "^yes$"], {"case_sensitive": False}, 1),
        ("Yes", ["^no$", "^yes$"], {}, 0),
    ],
)
def test_regex(answer: str, expected: Any, options: dict[str, Any], score: float) -> None:
    assert value("regex", answer, expected, **options) == score


def test_an_expected_pattern_that_is_none_is_unscored() -> None:
    assert isinstance(outcome("regex", "x", "("), Unscored)


# --- numeric


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("It costs $1,234.50 a year.", 1234.5),
        ("12 %", 12),
        ("first 3, then 5", 5),
        ("-7", -7),
        ("\u22127", -7),
        ("10-5", 5),
        ("CO2 covers 40 m2", 40),
        ("1\u202f234\u00a0567", 1234567),
        ("12'000", 12000),
        ("1, 2", 2),
        ("1,2345", 2345),
        ("6.02e23", 6.02e23),
        (".5", 0.5),
        ("The total is 5.", 5),
    ],
)
def test_numeric_finds_the_last_number_of_a_text(text: str, number: float) -> None:
    assert value("numeric", text, number) == 1.0
    assert value("numeric", text, number + 1e22) == 0.0


@pytest.mark.parametrize(
    ("answer", "expected", "options", "score"),
    [
        ("1.1", 1.0, {"absolute": 0.1}, 1),
        ("1.11", 1.0, {"absolute": 0.1}, 0),
        ("103", 100, {"relative": 0.03}, 1),
        ("104", 100, {"relative": 0.03}, 0),
        ("-103", -100, {"relative": 0.03}, 1),
        ("3 of 5", 3, {"which": "first"}, 1),
        ("1.234,5 EUR", 1234.5, {"decimal": ","}, 1),
        ("7", "about 7 days", {}, 1),
        ("7", [6, 7], {}, 1),
        ("1e999999999999999999", 1, {"relative": 1.0}, 0),
    ],
)
def test_numeric(answer: str, expected: Any, options: dict[str, Any], score: float) -> None:
    assert value("numeric", answer, expected, **options) == score


def test_an_answer_without_a_number_is_wrong() -> None:
    assert outcome("numeric", "none at all, see v1.2.3", 3) == Score(0.0, "no number in the answer")


@pytest.mark.parametrize("expected", [True, "many", float("nan"), [], [1, "x"], {"a": 1}])
def test_an_expected_value_without_a_number_is_unscored(expected: Any) -> None:
    assert outcome("numeric", "3", expected) == Unscored("expected is not a number")


# --- label, token_f1


@pytest.mark.parametrize(
    ("answer", "expected", "score"),
    [
        ("refund", "refund", 1),
        ("  Refund ", "refund", 1),
        ("Label: refund.", "refund", 1),
        ("refund, not shipping", "refund", 1),
        ("refund, not shipping", "shipping", 0),
        ("refund late", "refund late", 1),
        ("it is refund late", "refund late", 1),
        ("it is refund late", "refund", 0),
        ("shipping", ["refund", "shipping"], 1),
    ],
)
def test_label(answer: str, expected: Any, score: float) -> None:
    assert value("label", answer, expected, labels=["refund", "refund late", "shipping"]) == score


@pytest.mark.parametrize("answer", ["", "other", "refunds", "prerefund"])
def test_an_answer_without_a_label_is_wrong(answer: str) -> None:
    assert outcome("label", answer, "refund", labels=["refund"]) == Score(0.0, "no label in the answer")


def test_an_expected_label_must_be_one_of_the_labels() -> None:
    assert isinstance(outcome("label", "refund", "refnd", labels=["refund"]), Unscored)


def test_labels_may_tell_upper_from_lower_case() -> None:
    assert value("label", "us", "US", labels=["US", "us"], case_sensitive=True) == 0.0


@pytest.mark.parametrize(
    ("answer", "expected", "score"),
    [
        ("the cat sat", "A cat sat.", 1.0),
        ("cat sat down", "cat sat", 0.8),
        ("cat cat", "cat", 2 / 3),
        ("dog", "cat", 0.0),
        ("", "cat", 0.0),
        ("", "the", 1.0),
        ("a b c d", ["x", "b c d e"], 6 / 7),
    ],
)
def test_token_f1(answer: str, expected: Any, score: float) -> None:
    assert value("token_f1", answer, expected) == pytest.approx(score)


def test_token_f1_may_keep_articles() -> None:
    assert value("token_f1", "the who", "who", drop_articles=False) == pytest.approx(2 / 3)


# --- json_schema


@pytest.mark.parametrize(
    ("answer", "options", "score", "note"),
    [
        ('{"total": 3}', {}, 1, ""),
        (Answer("nonsense", parsed={"total": 3}), {}, 1, ""),
        (Answer('{"total": 3}', parsed={"total": "3"}), {}, 0, '$.total does not fit {"type": "integer"}'),
        ("{}", {}, 0, '$ does not fit {"required": ["total"]}'),
        ("total: 3", {}, 0, "the answer is not JSON"),
        ('{"total": NaN}', {}, 0, "the answer is not JSON"),
        ("[" * 100_000, {}, 0, "the answer is not JSON"),
        ('```json\n{"total": 3}\n```', {}, 0, "the answer is not JSON"),
        ('```json\n{"total": 3}\n```', {"fenced": True}, 1, ""),
        ('```\n{"total": 3}```', {"fenced": True}, 1, ""),
    ],
)
def test_json_schema(answer: str | Answer, options: dict[str, Any], score: float, note: str) -> None:
    assert outcome("json_schema", answer, schema=SCHEMA, **options) == Score(score, note)


def test_a_schema_elsewhere_is_never_fetched() -> None:
    found = outcome("json_schema", "{}", schema={"$ref": "http://schema.invalid/note.json"})

    assert isinstance(found, Unscored)
    assert "leads nowhere" in found.reason


# --- citation, abstention


def cited(text: str, retrieved: tuple[str, ...] = ("kb-1", "kb-2"), **parts: Any) -> Score | Unscored:
    return outcome("citation", Answer(text, retrieved=retrieved), corpus=("kb-1", "kb-2", "kb-3"), **parts)


@pytest.mark.parametrize(
    ("text", "score", "note"),
    [
        ("30 days [kb-1].", 1, ""),
        ("30 days [kb-1] [kb-2].", 1, ""),
        ("30 days [kb-1, kb-2; kb-1].", 1, ""),
        ("30 days.", 0, "cites nothing"),
        ("30 days [ ].", 0, "cites nothing"),
        ("30 days [kb-9].", 0, "cites a document that does not exist"),
        ("30 days [kb-1] [kb-9].", 0, "cites a document that does not exist"),
        ("30 days [kb-3].", 0, "cites a document that was not retrieved"),
    ],
)
def test_citation(text: str, score: float, note: str) -> None:
    assert cited(text, expected="30 days") == Score(score, note)


def test_an_id_with_a_comma_is_one_id() -> None:
    assert cited("See [kb, 1].", ("kb, 1",), expected="x").value == 0.0  # type: ignore[union-attr]
    assert value("citation", Answer("See [kb, 1].", retrieved=("kb, 1",)), "x") == 1.0


def test_an_unknown_corpus_leaves_what_was_retrieved() -> None:
    assert value("citation", Answer("[a]", retrieved=("a",)), "x") == 1.0
    assert value("citation", Answer("[b]", retrieved=("a",)), "x") == 0.0


@pytest.mark.parametrize("pattern", [r"\(see (\S+)\)", r"kb-\d"])
def test_citations_may_look_otherwise(pattern: str) -> None:
    assert cited("30 days (see kb-1)", expected="x", pattern=pattern) == Score(1.0)


def test_an_expected_abstention_must_cite_nothing() -> None:
    assert cited("I do not know.", expected="I do not know.") == Score(1.0)
    assert cited("30 days [kb-1].", expected="I do not know.") == Score(0.0, "cites where an abstention is expected")


@pytest.mark.parametrize("case", [Case("c", "q", "x", evidence=("kb-2",)), Case("c", "q", {"answer": "x [kb-2]"})])
def test_citation_may_demand_the_evidence(case: Case) -> None:
    assert cited("[kb-1]", case=case) == Score(1.0)
    assert cited("[kb-1]", case=case, require="evidence") == Score(0.0, "cites none of the evidence")
    assert cited("[kb-1] [kb-2]", case=case, require="evidence") == Score(1.0)


def test_demanding_evidence_of_a_case_that_has_none_asks_nothing_more() -> None:
    assert cited("[kb-1]", expected="x", require="evidence") == Score(1.0)


@pytest.mark.parametrize(
    ("answer", "case", "score"),
    [
        ("I do not know.", Case("c", "q", "I don't know"), 1),
        ("I don\u2019t  know.", Case("c", "q", "I do not know"), 1),
        ("30 days", Case("c", "q", "I do not know"), 0),
        ("30 days", Case("c", "q", "30 days"), 1),
        ("I do not know.", Case("c", "q", "30 days"), 0),
        ("I do not know.", Case("c", "q", {"abstain": True}), 1),
        ("30 days", Case("c", "q", {"abstain": False}), 1),
        ("I do not know.", Case("c", "q", "30 days", metadata={"should_abstain": True}), 1),
        (Answer("", parsed={"abstain": True}), Case("c", "q", {"abstain": True}), 1),
        (Answer("I do not know", parsed={"abstain": False}), Case("c", "q", {"abstain": True}), 0),
    ],
)
def test_abstention(answer: str | Answer, case: Case, score: float) -> None:
    assert value("abstention", answer, case=case) == score


@pytest.mark.parametrize(("key", "score"), [("escalated", 1.0), ("abstained", 1.0), ("accepted", 0.0)])
def test_an_answer_that_its_rung_left_to_a_person_or_to_nobody_abstains(key: str, score: float) -> None:
    answer = Answer("A colleague will answer this.", {"abstain": False}, validation={key: True})
    assert value("abstention", answer, case=Case("c", "q", "I do not know.")) == score
    assert value("abstention", answer, case=Case("c", "q", "Two years.")) == 1 - score


def test_abstention_says_which_way_it_went_wrong() -> None:
    assert outcome("abstention", "30 days", "not sure") == Score(0.0, "should have abstained")
    assert outcome("abstention", "not sure", "30 days") == Score(0.0, "abstained without need")


def test_abstention_takes_own_phrases_and_an_own_field() -> None:
    assert value("abstention", "Keine Ahnung!", "keine ahnung", phrases=["keine Ahnung"]) == 1.0
    assert value("abstention", "I do not know", {"escalate": True}, expected_field="escalate") == 1.0


# --- apply


def scored(answer: str = "yes") -> Scored:
    return Scored(Case("c", "q", "yes"), Answer(answer))


@pytest.mark.parametrize(
    ("returned", "found"),
    [
        (True, Score(1.0)),
        (0, Score(0.0)),
        (0.25, Score(0.25)),
        (np.float32(0.5), Score(0.5)),
        (np.bool_(True), Score(1.0)),
        (Score(0.5, "half"), Score(0.5, "half")),
        (Unscored("no judge"), Unscored("no judge")),
    ],
)
def test_apply_takes_scores_numbers_and_truth_values(returned: Any, found: Score | Unscored) -> None:
    assert apply(lambda _: returned, scored()) == found


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        (None, "the scorer returned NoneType, not a number from 0 to 1"),
        ("1", "the scorer returned str, not a number from 0 to 1"),
        (1.5, "the scorer returned 1.5, not a number from 0 to 1"),
        (-0.1, "the scorer returned -0.1, not a number from 0 to 1"),
        (float("nan"), "the scorer returned nan, not a number from 0 to 1"),
        (Score(2.0, "great"), "the scorer returned 2.0, not a number from 0 to 1"),
        (Score(None), "the scorer returned NoneType, not a number from 0 to 1"),  # type: ignore[arg-type]
    ],
)
def test_whatever_is_no_score_is_unscored_and_never_zero(returned: Any, reason: str) -> None:
    assert apply(lambda _: returned, scored()) == Unscored(reason)
    assert asyncio.run(aapply(lambda _: returned, scored())) == Unscored(reason)


def test_an_exception_is_the_reason() -> None:
    def broken(_: Scored) -> float:
        raise KeyError("total")

    def silent(_: Scored) -> float:
        raise RuntimeError

    assert reason(apply(broken, scored())) == f"KeyError: 'total' (test_scorers.py:{line(broken)})"
    assert reason(asyncio.run(aapply(silent, scored()))) == f"RuntimeError (test_scorers.py:{line(silent)})"


def test_the_place_of_an_exception_is_the_line_of_the_users_own_code() -> None:
    def parsing(_: Scored) -> float:
        return float(json.loads("{"))

    assert re.search(rf"column 2 .*\(test_scorers\.py:{line(parsing)}\)$", reason(apply(parsing, scored())))


def test_a_call_that_does_not_fit_has_no_place() -> None:
    assert reason(apply(lambda: 1.0, scored())).endswith("takes 0 positional arguments but 1 was given")  # type: ignore


def reason(outcome: Any) -> str:
    assert isinstance(outcome, Unscored)
    return outcome.reason


def line(function: Any) -> int:
    """The line below a function's first."""
    return int(function.__code__.co_firstlineno) + 1


def test_an_interrupt_is_not_swallowed() -> None:
    def interrupted(_: Scored) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply(interrupted, scored())


def test_an_async_scorer_is_awaited_by_aapply_alone() -> None:
    async def judge(what: Scored) -> float:
        await asyncio.sleep(0)
        return 0.5 if what.answer.text == "yes" else 1 / 0

    assert asyncio.run(aapply(judge, scored())) == Score(0.5)
    assert asyncio.run(aapply(judge, scored("no"))) == Unscored(
        f"ZeroDivisionError: division by zero (test_scorers.py:{line(judge) + 1})"
    )
    assert "must be awaited" in apply(judge, scored()).reason  # type: ignore[union-attr]
