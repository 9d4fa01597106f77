"""What was climbed out of turn, and when nothing is said of it."""

from __future__ import annotations

import pytest

from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.failure_modes import Tried, failure_modes
from pytest_ladder.core.ladder import GatePolicy
from pytest_ladder.core.rungs import Kind, RungSpec
from tests.builders import ladder

FACTS, FORM, RETRIEVAL = {FailureKind.FACTS: 80}, {FailureKind.FORM: 80}, {FailureKind.RETRIEVAL: 80}
REASONING, UNKNOWN = {FailureKind.REASONING: 80}, {FailureKind.UNKNOWN: 80}
LADDER = ladder()


def tried(kind: str, diagnosis: dict[FailureKind, int] = UNKNOWN, over: str = "", **parts: object) -> Tried:
    return Tried(kind, Kind(kind), diagnosis, over=over, **parts)  # type: ignore[arg-type]


def told(*rungs: Tried, best: str = "", spec=LADDER) -> str:
    return "\n".join(failure_modes(spec, rungs, best))


# --- the order -----------------------------------------------------------------------------------------------------


def test_retrieval_before_any_prompt_is_naive_rag_first():
    assert told(tried("rag")) == (
        "naive RAG first: rag measured with no prompt or few-shot rung on record, so what retrieval brings cannot be "
        "told: declare [rungs.prompt]"
    )


def test_the_next_step_names_the_rung_that_is_declared():
    spec = ladder(rungs=(RungSpec("plain", Kind.PROMPT), RungSpec("rag", Kind.RAG)))

    assert told(tried("rag"), spec=spec).endswith("run `pytest --ladder --ladder-rung=plain`")


@pytest.mark.parametrize("first", ["prompt", "few_shot", "optimize"])
def test_any_rung_of_words_is_enough_to_tell_what_retrieval_brings(first: str):
    assert told(tried(first), tried("rag")) == ""


def test_advanced_retrieval_before_naive_rag_is_told():
    said = told(tried("prompt"), tried("advanced_rag"))

    assert said.startswith("advanced retrieval first: advanced_rag measured before naive RAG has stalled")
    assert said.endswith("declare [rungs.rag]")


def test_in_order_nothing_is_told():
    assert told(*(tried(kind) for kind in ("prompt", "few_shot", "rag", "advanced_rag", "decompose"))) == ""


def test_what_is_not_required_may_be_left_out():
    spec = ladder(gate=GatePolicy(required=(Kind.ADVANCED_RAG,)))

    assert told(tried("advanced_rag"), spec=spec) == ""


# --- the diagnosis -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "below", "failures"),
    [
        ("rag", FORM, "form"), ("rag", REASONING, "reasoning"), ("advanced_rag", FORM, "form"),
        ("decompose", FACTS, "facts"), ("decompose", RETRIEVAL, "retrieval"), ("decompose", FORM, "form"),
    ],
)  # fmt: skip
def test_a_rung_that_brought_nothing_for_failures_that_it_does_not_mend(kind: str, below: dict, failures: str):
    said = told(tried("prompt", below), tried("rag", UNKNOWN, "prompt", better=True), tried(kind, UNKNOWN, "prompt"))

    assert said.startswith(f"wrong lever: {kind} tried for failures that it does not mend and brought nothing: ")
    assert f"80 of the 80 diagnosed failures of prompt are of kind {failures}, which calls for " in said


@pytest.mark.parametrize(
    ("kind", "below"),
    [
        ("rag", FACTS), ("advanced_rag", RETRIEVAL), ("advanced_rag", {FailureKind.CONTEXT: 80}),
        ("decompose", REASONING), ("decompose", {FailureKind.TOOL_USE: 80}), ("rag", UNKNOWN), ("rag", {}),
    ],
)  # fmt: skip
def test_a_rung_for_failures_that_it_mends_or_that_nobody_knows_is_in_turn(kind: str, below: dict):
    rungs = [tried("prompt", below), tried("rag", below, "prompt", better=kind != "rag")]

    assert told(*rungs, *([] if kind == "rag" else [tried(kind, UNKNOWN, "prompt")])).count(kind) == 0


def test_rungs_with_the_same_failures_below_share_a_line():
    rungs = [tried(kind, UNKNOWN, "prompt") for kind in ("rag", "advanced_rag", "decompose")]

    assert told(tried("prompt", FORM), *rungs).startswith(
        "wrong lever: rag, advanced_rag and decompose tried for failures that they do not mend"
    )


def test_a_rung_that_helped_all_the_same_is_not_blamed():
    assert told(tried("prompt", FORM), tried("rag", UNKNOWN, "prompt", better=True)) == ""


@pytest.mark.parametrize(
    ("form", "facts", "blamed"), [(49, 0, False), (58, 0, False), (59, 0, True), (80, 1, False), (92, 1, True)]
)
def test_the_diagnosis_speaks_where_an_exemption_would_stand(form: int, facts: int, blamed: bool):
    below = {FailureKind.FORM: form, FailureKind.FACTS: facts, FailureKind.UNKNOWN: 500}

    assert bool(told(tried("prompt", below), tried("rag", UNKNOWN, "prompt"))) is blamed


def test_prompts_beyond_what_the_gate_asks_for_are_told_where_facts_are_missing():
    said = told(tried("prompt", FACTS, versions=3), tried("few_shot", FACTS, "prompt"), best="prompt")

    assert said == (
        "prompts for facts: versions were measured, 3 of prompt and 1 of few_shot, and 80 of the 80 diagnosed failures "
        "of prompt are of kind facts, which no wording mends: declare [rungs.rag]"
    )


def test_a_search_over_prompts_is_beyond_it():
    assert "1 of optimize" in told(tried("prompt", FACTS), tried("optimize", FACTS, "prompt"), best="prompt")


@pytest.mark.parametrize(
    "rungs",
    [
        [tried("prompt", FACTS, versions=2), tried("few_shot", FACTS)],  # as many as the gate asks for
        [tried("prompt", FORM, versions=9)],
        [tried("prompt", {FailureKind.FACTS: 40}, versions=9)],
        [tried("prompt", {FailureKind.FACTS: 60, FailureKind.FORM: 20}, versions=9)],
        [tried("prompt", FACTS, versions=9), tried("rag", UNKNOWN, "prompt")],  # retrieval is on its way
    ],
)
def test_prompts_for_anything_else_or_no_more_than_asked_for_are_not(rungs: list[Tried]):
    assert told(*rungs, best="prompt") == ""


def test_where_nothing_was_tried_nothing_is_told():
    assert told() == ""
