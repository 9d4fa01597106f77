"""The strategy `plan_and_execute`, with scripted models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pytest_ladder.core.prompt_parts import CONTEXT
from pytest_ladder.errors import InvalidFile
from pytest_ladder.rungs.decomposition.planning import numbered
from tests.decomposing import Say, Taken, by_words

FILES = {
    "plan.md": "PLAN {{ input }} ({{ left }} left){% for r in results %} {{ r.task }}={{ r.answer }}{% endfor %}",
    "step.md": "STEP {{ step }}{% for r in results %} {{ r.answer }}{% endfor %}{{ context }}",
    "answer.md": "ANSWER {{ input }}{% for r in results %} {{ r.answer }}{% endfor %}",
    "first.md": "PLAN {{ input }}",
    "bare_step.md": "STEP {{ step }}",
}
PROMPTS = {"plan_prompt": "plan.md", "step_prompt": "step.md", "answer_prompt": "answer.md"}
TWO = "1. Find the product of order 12\n2. Find the warranty of #1"


def taken(say: Say, *, files: Mapping[str, str] | None = None, **options: Any) -> Taken:
    return Taken("plan_and_execute", say, "Long?", files=FILES | dict(files or {}), **(PROMPTS | options))


def test_the_planner_plans_and_the_rungs_own_model_carries_out_and_answers():
    ran = taken(by_words(STEP=["the Alder lamp", "two years"], ANSWER="2 years"), planner=by_words(PLAN=TWO))
    assert ran.planner.asked == ["PLAN Long? (5 left)"]
    assert ran.asked == [
        "STEP Find the product of order 12",
        "STEP Find the warranty of the Alder lamp the Alder lamp",
        "ANSWER Long? the Alder lamp two years",
    ]
    assert ran.text == "2 years"
    assert list(ran.answer.steps) == [
        {"step": "plan", "tasks": ["Find the product of order 12", "Find the warranty of #1"]},
        {"step": "answer", "part": 1, "task": "Find the product of order 12", "answer": "the Alder lamp"},
        {"step": "answer", "part": 2, "task": "Find the warranty of the Alder lamp", "answer": "two years"},
        {"step": "merge", "parts": 2},
    ]


def test_without_a_planner_one_model_does_all():
    ran = taken(by_words(PLAN=TWO, STEP="x", ANSWER="a"))
    assert len(ran.asked) == 4
    assert ran.planner.asked == []


def test_the_own_prompts_show_what_was_found_so_far():
    def say(prompt: str) -> str:
        return TWO if prompt.startswith("Write a plan") else "x" if prompt.startswith("Carry out") else "a"

    ran = taken(say, plan_prompt=None, step_prompt=None, answer_prompt=None, corpus="kb", top_k=1)
    plan, first, second, answer = ran.asked
    assert "at most 5" in plan
    assert "write #1 for that of step 1, #2 for that of step 2" in plan
    assert "[kb-1]\nOrder 12 holds the Alder lamp." in first
    assert "Cite the document" in first
    assert "Found so far" not in first
    assert "Found so far:\n1. Find the product of order 12\nx\n" in second
    assert "The step: Find the warranty of x" in second
    assert "2. Find the warranty of x\nx\n" in answer
    assert answer.endswith("Question: Long?")


def test_each_step_finds_documents_of_its_own():
    ran = taken(by_words(PLAN=TWO, STEP=["Alder lamp [kb-1]", "two"], ANSWER="a"), corpus="kb", top_k=1)
    assert ran.answer.retrieved == ("kb-1", "kb-2")
    assert [step["query"] for step in ran.steps("search")] == [
        "Find the product of order 12", "Find the warranty of Alder lamp",
    ]  # fmt: skip
    assert [step["retrieved"] for step in ran.steps("answer")] == [["kb-1"], ["kb-2"]]
    assert ran.llm.parts[1][CONTEXT] == len("[kb-1]\nOrder 12 holds the Alder lamp.")


def test_the_plan_is_revised_as_often_as_is_said_and_never_beyond_the_steps():
    say = by_words(PLAN=["1. a", "2. b of #1", "DONE"], STEP=["x", "y"], ANSWER="a")
    ran = taken(say, replan=5)
    assert [prompt for prompt in ran.asked if prompt.startswith("PLAN")] == [
        "PLAN Long? (5 left)", "PLAN Long? (4 left) a=x", "PLAN Long? (3 left) a=x b of x=y",
    ]  # fmt: skip
    assert [step.get("revision", 0) for step in ran.steps("plan")] == [0, 1]
    assert ran.steps("stop") == [{"step": "stop", "reason": "enough"}]
    assert [step["part"] for step in ran.steps("answer")] == [1, 2]
    limited = taken(by_words(PLAN=["1. a", "1. b\n2. c"], STEP="x", ANSWER="a"), replan=2, max_steps=2)
    assert [step["task"] for step in limited.steps("answer")] == ["a", "b"]
    assert limited.steps("plan")[1] == {"step": "plan", "revision": 1, "tasks": ["b"], "left_out": 1}
    assert limited.steps("stop") == [{"step": "stop", "reason": "limit"}]


@pytest.mark.parametrize(("reply", "reason"), [("DONE", "enough"), ("1. a", "repeated"), ("Hm.", "unreadable")])
def test_a_revision_without_a_new_step_ends_it_and_says_why(reply, reason):
    ran = taken(by_words(PLAN=["1. a", reply], STEP="x", ANSWER="a"), replan=3)
    assert ran.steps("stop") == [{"step": "stop", "reason": reason}]
    assert len(ran.steps("answer")) == 1


def test_a_plan_that_is_none_falls_back_to_the_question_itself():
    ran = taken(by_words(PLAN="I would look it up.", STEP="x", ANSWER="a"))
    assert ran.steps("plan") == [{"step": "plan", "tasks": ["Long?"], "fallback": "unreadable"}]
    assert ran.asked[1:] == ["STEP Long?", "ANSWER Long? x"]


@pytest.mark.parametrize(
    ("plan", "planned"),
    [
        ("1. b of #2\n2. a", ["b of #2", "a"]),
        ("1. b of #1", ["b of #1"]),
        ("1. b of #1\n2. a", ["b of #1", "a"]),
        ("1. a\n2. b of #3\n3. c", ["a", "b of #3", "c"]),
    ],
)
def test_a_plan_that_refers_to_what_is_not_before_falls_back_to_the_question_itself(plan, planned):
    ran = taken(by_words(PLAN=plan, STEP="x", ANSWER="a"))
    assert ran.steps("plan") == [{"step": "plan", "tasks": ["Long?"], "fallback": "astray", "planned": planned}]
    assert ran.asked[1:] == ["STEP Long?", "ANSWER Long? x"]


def test_a_number_that_no_step_has_is_asked_as_it_is():
    ran = taken(by_words(PLAN=["1. a of #42\n2. b of #3", "3. c of #4"], STEP="x", ANSWER="a"), replan=1)
    assert [step["task"] for step in ran.steps("answer")] == ["a of #42", "b of #3", "c of #4"]


def test_a_step_may_not_refer_to_one_that_is_left_out():
    ran = taken(by_words(PLAN="1. a of #2\n2. b", STEP="x", ANSWER="a"), max_steps=1)
    assert ran.steps("plan") == [{"step": "plan", "tasks": ["Long?"], "fallback": "astray", "planned": ["a of #2"]}]


def test_a_step_that_is_left_out_may_refer_to_anything():
    ran = taken(by_words(PLAN="1. a\n2. b of #7", STEP="x", ANSWER="a"), max_steps=1)
    assert ran.steps("plan") == [{"step": "plan", "tasks": ["a"], "left_out": 1}]


def test_a_revision_may_refer_to_every_step_before_and_to_no_other():
    say = by_words(PLAN=["1. a", "2. b of #1\n3. c of #2", "4. d of #4"], STEP=["x", "y", "z"], ANSWER="a")
    ran = taken(say, replan=3)
    assert [step["task"] for step in ran.steps("answer")] == ["a", "b of x", "c of y"]
    assert ran.steps("stop") == [{"step": "stop", "reason": "astray", "planned": ["d of #4"]}]


def test_no_more_steps_are_carried_out_than_the_limit():
    ran = taken(by_words(PLAN="1. a\n2. b\n3. c", STEP="x", ANSWER="a"), max_steps=2)
    assert ran.steps("plan")[0]["left_out"] == 1
    assert len(ran.steps("answer")) == 2


def test_the_answer_alone_must_fit_the_schema_and_is_repaired():
    say = by_words(PLAN="1. a", STEP="x", ANSWER=["no", '{"years": 2}'])
    ran = taken(say, output="schema.json")
    assert ran.answer.parsed == {"years": 2}
    assert ran.answer.validation["attempts"] == 2


@pytest.mark.parametrize(
    ("reply", "steps"),
    [
        (TWO, ["Find the product of order 12", "Find the warranty of #1"]),
        ("The plan:\n\n1) a\n   in two lines\n\n2) b\n\nThat is all.", ["a in two lines", "b"]),
        ("**1.** a\nStep 2: b", ["a", "b"]),
        ("1. a 2. b", ["a 2. b"]),
        ("- a\n- b", []),
        ("1.\n2. b", ["b"]),
        ("3.5 kilos", []),
        ("", []),
    ],
)
def test_numbered_lines_are_the_steps(reply, steps):
    assert numbered(reply) == steps


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"replan": 1, "plan_prompt": "first.md"}, "replan: no prompt of the rung shows what comes of it. Put `{{ res"),
        ({"replan": -1}, "replan: it cannot be used, got -1; expected a whole number from 0"),
        ({"corpus": "kb", "step_prompt": "bare_step.md"}, "corpus: no prompt of the rung shows what comes of it"),
        ({"step_prompt": "first.md"}, "first.md: the prompt does not show `step`"),
        ({"answer_prompt": "first.md"}, "first.md: the prompt does not show `results`"),
        ({"examples": "x.jsonl"}, "examples: no prompt of the rung shows what comes of it"),
        ({"prompt": "bare.md"}, "prompt: the strategy `plan_and_execute` does not use it; expected "
                                'strategy = "query_decomposition"'),
        ({"merge_prompt": "bare.md"}, "merge_prompt: the strategy `plan_and_execute` does not use it"),
        ({"step_separator": ";"}, "step_separator: the strategy `plan_and_execute` does not use it"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_used_is_told_with_its_place(options, text):
    with pytest.raises(InvalidFile) as caught:
        taken(by_words(PLAN=TWO, STEP="x", ANSWER="a"), **options)
    assert text in str(caught.value)
