"""Whatever models reply, a question taken apart gets an answer within its bounds, and the trace tells how."""

from __future__ import annotations

from itertools import cycle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case
from pytest_ladder.core.scorers import apply, build_scorer
from pytest_ladder.core.scores import Score, Scored
from tests.decomposing import CORPUS, Taken

PROMPTS = {
    "query_decomposition": {"plan_prompt": "plan.md", "prompt": "grounded.md", "merge_prompt": "merge.md"},
    "plan_and_execute": {"plan_prompt": "plan.md", "step_prompt": "step.md", "answer_prompt": "merge.md"},
}
FILES = {
    "plan.md": "PLAN {{ input }}{{ results }}",
    "lines.md": "PLAN {{ input }}",
    "step.md": "STEP {{ step }} {{ context }}",
    "merge.md": "MERGE {{ results }}",
}
IDS = {document.id for document in CORPUS}
words = st.text(alphabet="ab #12[]kb-X.:;?\n*", max_size=40) | st.sampled_from(
    ["1. a\n2. b #1", "a #1?\nb #2?", "#2\n#3\n#1", "[kb-1].", "DONE", "\n", "1. #1\n2. #2\n3. x\n4. y"]
)


def taken(strategy: str, replies: list[str], **options: Any) -> Taken:
    left = cycle(replies)
    prompts = dict(PROMPTS[strategy])
    if strategy == "query_decomposition":
        prompts["plan_prompt"] = "lines.md"
    return Taken(strategy, lambda _: next(left), files=FILES, corpus="kb", **(prompts | options))


def check(ran: Taken, calls: int, parts: int) -> None:
    assert len(ran.asked) <= calls
    made = ran.steps("answer")
    assert 1 <= len(made) <= parts
    assert [step["part"] for step in made] == list(range(1, len(made) + 1))
    found = dict.fromkeys(id_ for step in made for id_ in step.get("retrieved", []))
    assert ran.answer.retrieved == tuple(found)
    assert set(found) <= IDS
    assert ran.answer.steps[0]["step"] == "plan"


@given(st.lists(words, min_size=1, max_size=8), st.integers(1, 4), st.sampled_from(["model", "last"]))
def test_sub_questions_stay_within_their_bounds(replies: list[str], most: int, merge: str):
    options = {"merge": merge} | ({"merge_prompt": None} if merge == "last" else {})
    ran = taken("query_decomposition", replies, max_steps=most, **options)
    check(ran, 2 + most, most)
    (plan,) = ran.steps("plan")
    assert len(plan["questions"]) == len(ran.steps("answer"))


@given(st.lists(words, min_size=1, max_size=8), st.integers(1, 4), st.integers(0, 3))
def test_so_do_the_steps_of_a_plan_and_its_revisions(replies: list[str], most: int, replan: int):
    ran = taken("plan_and_execute", replies, max_steps=most, replan=replan)
    check(ran, 2 + replan + most, most)
    assert len(ran.steps("plan")) <= 1 + replan


texts = st.text(alphabet="ab 1.", max_size=6)


@given(st.lists(texts.filter(str.strip), min_size=1, max_size=4), st.lists(texts, max_size=5), texts, st.booleans())
def test_a_further_answer_never_takes_from_the_share_of_steps(gold: list[str], said: list[str], more: str, order: bool):
    def share(answers: list[str]) -> float:
        case = Case("c", "?", steps=tuple({"input": "?", "expected": value} for value in gold))
        trace = tuple({"step": "answer", "answer": answer} for answer in answers)
        found = apply(build_scorer("steps", {"ordered": order}), Scored(case, Answer("x", steps=trace)))
        assert isinstance(found, Score)
        return found.value

    before, after = share(said), share([*said, more])
    assert 0.0 <= before <= after <= 1.0
    assert share(gold) == 1.0
