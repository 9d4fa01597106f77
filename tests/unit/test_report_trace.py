"""The steps of an answer as lines: what each kind of step says, and what is told besides."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_ladder.core.answers import Answer, answer_json
from pytest_ladder.core.canonical import Json
from pytest_ladder.report.trace import (
    FAILED,
    LACKING,
    MOST_FOUND,
    REFUSED,
    Found,
    Line,
    call_text,
    shortened,
    text_of,
    trace,
    ways,
)
from tests.tracing import AGENT, DECOMPOSED, GUARDED, OWN

EVIDENCE = ("KB-1876", "KB-2210")


def one(step: Json, evidence: tuple[str, ...] = ()) -> Line:
    (line,) = trace(Answer("x", steps=(step,)), evidence)
    return line


def test_a_question_taken_apart_shows_its_plan_and_each_part():
    lines = trace(DECOMPOSED, EVIDENCE)

    assert [(line.part, line.name, line.asked, line.result) for line in lines] == [
        ("", "plan", "1. Which product is in order 5316?\n2. What is the warranty of #1?", ""),
        ("1", "search", "Which product is in order 5316?", ""),
        ("1", "answer", "Which product is in order 5316?", "The Vista lamp [KB-1876]."),
        ("2", "search", "What is the warranty of The Vista lamp?", ""),
        ("2", "answer", "What is the warranty of The Vista lamp?", "24 months [KB-2210]"),
        ("", "merge", "", ""),
    ]
    assert lines[1].found == (Found("KB-1876", "10.56", relevant=True), Found("KB-4703", "5.316"))
    assert [line.note for line in lines] == ["", "", "", "", "finish_reason: length", "parts: 2"]


def test_documents_that_the_search_before_has_shown_are_not_shown_again():
    assert [bool(line.found) for line in trace(DECOMPOSED)] == [False, True, False, True, False, False]


def test_a_call_is_written_as_one_writes_it_with_its_result():
    call = trace(AGENT)[0]

    assert (call.name, call.tone) == ("call", "")
    assert call.asked == 'look_up(fields=["state", "days"], order="8")'
    assert call.result == '{"state": "lost", "days": 0}'


def test_a_refused_call_is_marked_and_says_by_which_rule():
    (refused,) = [line for line in trace(AGENT) if line.tone == REFUSED]

    assert (refused.name, refused.asked) == ("refused call", 'refund(amount=250, order="8")')
    assert refused.result == "the rules forbid it: amount: 250 is greater than the maximum of 100"
    assert refused.note == "rule: arguments"


def test_a_call_that_failed_is_no_refusal():
    failed = trace(AGENT)[2]

    assert (failed.name, failed.tone) == ("failed call", FAILED)
    assert (failed.result, failed.note) == ("KeyError: '8'", "at: tools.py:31")


def test_an_agent_tells_what_it_was_reminded_of_and_where_it_ended():
    told = {line.name: line for line in trace(AGENT)}

    assert told["reminded"].note == "missing: identify and confirm"
    assert told["sent back"].result == "it is no JSON"
    assert told["stop"].note == "reason: max_steps, calls: 3, mode: provider, replies: 8"
    assert told["validation"].tone == FAILED
    assert told["validation"].note == (
        "attempts: 3, error: required, and not called: identify, confirm, valid: false"
    )  # fmt: skip


def test_what_stands_between_a_question_and_its_answer_is_told():
    told = {line.name: line for line in trace(GUARDED)}

    assert (told["route"].result, told["route"].note) == ("rag", "by: classifier")
    assert told["rewrite"].asked == "warranty of the lamp"
    assert told["queries"].asked == "1. lamp warranty\n2. how long is a lamp covered"
    assert told["compress"].note == "characters: 812, kept: 203"
    assert told["sample"].asked == "3 × 24 months\n2 × 12 months"
    assert (told["verify"].result, told["verify"].tone) == ("No: nothing says so.", FAILED)
    assert (told["rejected"].asked, told["rejected"].result) == ("24 months", "rejected")
    assert told["fallback"].note == "to: advanced_rag"
    assert "escalate" in told
    assert told["validation"].note == "reason: rejected, accepted: false, escalated: true, resort: escalate"
    assert (told["ended by"].note, told["ended by"].tone) == ("length", FAILED)


def test_an_opinion_that_accepts_is_no_failure():
    assert one({"step": "verify", "accepted": True, "said": "Yes."}).tone == ""


@pytest.mark.parametrize(("step", "line"), [
    ("looked twice", Line("step", asked="looked twice")),
    (4, Line("step", asked="4")),
    (None, Line("step")),
    (["a", 2], Line("step", asked='["a", 2]')),
    ({"topic": "warranty", "n": 4}, Line("step", note="n: 4, topic: warranty")),
    ({"step": "think", "thought": "hm"}, Line("think", note="thought: hm")),
    ({"step": ["x"], "part": "b"}, Line("step", "b", note="step: x")),
    ({"step": "x" * 61, "part": [1]}, Line("step", note=f"part: [1], step: {'x' * 61}")),
    ({"step": "rerank", "found": [{"id": "a", "score": []}]}, Line("rerank", note='found: [{"id": "a", "score": []}]')),
    ({"step": "search", "query": {"a": 1}, "found": "none"}, Line("search", asked='{"a": 1}', note="found: none")),
    ({"step": "search", "query": "q", "found": [7]}, Line("search", asked="q", note="found: [7]")),
    ({"step": "tool", "name": 3, "arguments": {}}, Line("call", asked="3", note="arguments: {}")),
    ({"step": "sample", "answers": ["a", "b"]}, Line("sample", asked="1. a\n2. b")),
    ({"step": "plan", "questions": [], "tasks": "x"}, Line("plan", asked="[]", note="tasks: x")),
])  # fmt: skip
def test_steps_of_any_form_are_told(step: Json, line: Line):
    assert one(step) == line


def test_documents_put_before_the_model_are_told_where_no_step_tells_of_them():
    (line,) = trace(Answer("x", retrieved=("a", "b")), ("b",))

    assert line == Line("retrieved", found=(Found("a"), Found("b", relevant=True)))


def test_what_was_kept_of_a_longer_search_is_told():
    steps = ({"step": "search", "query": "q", "found": [{"id": name, "score": 1} for name in "abcd"]},)

    assert trace(Answer("x", retrieved=("a", "b"), steps=steps))[-1].found == (Found("a"), Found("b"))


def test_evidence_that_was_not_retrieved_is_named():
    lacking = trace(Answer("x", retrieved=("KB-1876",)), EVIDENCE)[-1]

    assert (lacking.name, lacking.asked, lacking.tone) == ("missing", LACKING, FAILED)
    assert [found.id for found in lacking.found] == ["KB-2210"]


def test_evidence_is_not_missing_where_nothing_is_searched():
    assert trace(Answer("x"), EVIDENCE) == ()


def test_calls_without_steps_are_told_by_themselves():
    assert [line.asked for line in trace(OWN) if line.name == "call"] == ["add(a=1)"]
    assert trace(replace(AGENT, steps=()))[0].asked.startswith("look_up(")


def test_an_answer_looks_the_same_before_and_after_it_was_written():
    step = {"step": "tool", "name": "pay", "arguments": {"to": "ada", "amount": 2.0, "of": {"b": 1.0, "a": [3.0]}}}
    made = Answer("x", steps=(step, {"step": "stop", "why": 1.0, "calls": 2}), validation={"valid": True, "n": 3.0})

    read = Answer.from_dict(json.loads(answer_json(made)))

    assert trace(read) == trace(made)
    assert trace(made)[0].asked == 'pay(amount=2, of={"a": [3], "b": 1}, to="ada")'


def test_a_plain_answer_has_no_steps():
    assert trace(Answer("yes")) == ()
    assert ways([Answer("yes"), Answer("no")]) == ()


def test_each_way_to_several_answers_is_told_once():
    found = ways([DECOMPOSED, OWN, DECOMPOSED])

    assert [number for number, _ in found] == [2, 1]
    assert found[1][1] == trace(OWN)


@pytest.mark.parametrize(("name", "arguments", "text"), [
    ("f", {}, "f()"), ("f", None, "f()"), ("f", {"a": "x", "b": [1, None]}, 'f(a="x", b=[1, null])'),
    ("f", ["x"], 'f(["x"])'), ("f", "not JSON", 'f("not JSON")'), ("f", {"ü": "naïve"}, 'f(ü="naïve")'),
])  # fmt: skip
def test_calls_as_text(name: str, arguments: Json, text: str):
    assert call_text(name, arguments) == text


@pytest.mark.parametrize(("value", "text"), [
    ("a", "a"), (None, ""), (["a"], "a"), (["a", "b"], "1. a\n2. b"), (1.5, "1.5"), (True, "true"), ([], "[]"),
])  # fmt: skip
def test_values_as_text(value: Json, text: str):
    assert text_of(value) == text


def test_of_many_documents_the_best_and_the_evidence_are_shown():
    found = tuple(Found(f"d{n}", relevant=n == 70) for n in range(100))

    shown, more = shortened(found)

    assert [one.id for one in shown] == [*(f"d{n}" for n in range(MOST_FOUND)), "d70"]
    assert more == 100 - MOST_FOUND - 1


def test_of_a_hundred_documents_of_evidence_no_more_are_shown_than_of_others():
    found = [Found(f"d{n}", relevant=n >= 5) for n in range(100)]
    shown, more = shortened(found)

    assert [one.id for one in shown] == [f"d{n}" for n in range(MOST_FOUND + 5)]
    assert more == 100 - len(shown)
