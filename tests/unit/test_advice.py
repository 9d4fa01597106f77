"""The next step, by the methodology's decision tables."""

from __future__ import annotations

import pytest

from pytest_ladder.core.advice import Situation, advise
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.rungs import REQUIRED, Kind, RungSpec
from tests import builders


def advice(
    tried=REQUIRED, diagnosis=None, *, gate_open=False, only_limits=False, cost_usd=0.0, rungs=(), **profile
) -> str:
    ladder = builders.ladder(profile=profile, rungs=rungs)
    return advise(Situation(ladder, frozenset(tried), diagnosis or {}, gate_open, only_limits, cost_usd=cost_usd))


@pytest.mark.parametrize(
    ("failure", "tried", "rung"),
    [
        (FailureKind.FACTS, [Kind.PROMPT], "rag"),
        (FailureKind.RETRIEVAL, [Kind.PROMPT, Kind.RAG], "advanced_rag"),
        (FailureKind.CONTEXT, [Kind.PROMPT, Kind.RAG], "advanced_rag"),
        (FailureKind.REASONING, [Kind.PROMPT, Kind.RAG], "decompose"),
        (FailureKind.TOOL_USE, [Kind.PROMPT], "decompose"),
        (FailureKind.FORM, [Kind.PROMPT], "few_shot"),
        (FailureKind.FORM, [Kind.PROMPT, Kind.FEW_SHOT], "optimize"),
        (FailureKind.ABSTENTION, [], "prompt"),
    ],
)
def test_the_diagnosis_names_the_rung(failure: FailureKind, tried: list[Kind], rung: str):
    told = advice(tried, {failure: 7, FailureKind.UNKNOWN: 20})

    assert told.startswith(f"declare [rungs.{rung}]")
    assert told.endswith(f": most failures are of kind {failure}")


@pytest.mark.parametrize("failure", [kind for kind in FailureKind if kind is not FailureKind.UNKNOWN])
def test_where_its_rungs_are_on_record_it_says_how_to_improve_them_and_never_to_tune(failure: FailureKind):
    told = advice([*REQUIRED, Kind.OPTIMIZE], {failure: 3})

    assert told.endswith(f": most failures are of kind {failure}")
    assert "fine-tune" not in told


def test_where_no_rung_calls_a_tool_the_next_step_for_tools_is_an_agent():
    told = advice([*REQUIRED, Kind.OPTIMIZE], {FailureKind.TOOL_USE: 3})
    assert told.startswith('declare a decompose rung with `strategy = "tool_agent"`')

    agent = RungSpec("agent", Kind.DECOMPOSE, options={"tools": ["tools.py:find"]})
    assert advice([*REQUIRED, Kind.OPTIMIZE], {FailureKind.TOOL_USE: 3}, rungs=(agent,)).startswith("improve the dec")


def test_with_the_gate_open_it_says_to_tune():
    assert advice(gate_open=True) == "fine-tune: the cheaper rungs are on record and what remains is form"


def test_with_few_examples_it_says_to_collect_first():
    assert advice(gate_open=True, training_examples=40).startswith("improve the prompt and collect examples: 40")
    assert advice(gate_open=True, training_examples=100).startswith("fine-tune")


def test_a_broad_task_or_one_that_changes_is_not_tuned_yet():
    assert advice(gate_open=True, narrow=False).startswith("narrow the task, then fine-tune: it is declared broad")
    assert advice(gate_open=True, stable=False).startswith("keep the behaviour in the prompt until it is stable")
    assert advice(gate_open=True, narrow=True, stable=True) == advice(gate_open=True)


def test_facts_that_change_often_stay_out_of_the_weights():
    told = advice(gate_open=True, knowledge_changes="daily")

    assert told == f"{advice(gate_open=True)}; leave what it must know to retrieval, for that changes daily"
    assert advice(gate_open=True, knowledge_changes="yearly") == advice(gate_open=True)


def test_the_declared_volume_says_what_a_tuned_model_must_stay_below():
    """The methodology's case: 500 and 100 tokens at $2.50 and $10 a million, 100,000 times a month."""
    cost = (500 * 2.5 + 100 * 10) / 1e6

    for open_ in (False, True):
        told = advice(only_limits=True, gate_open=open_, cost_usd=cost, query_volume=100_000)
        assert "; 100,000 queries a month cost $225.00 now, and a tuned model pays where its training" in told
    assert "a month" not in advice(only_limits=True, query_volume=100_000)
    assert "a month" not in advice(only_limits=True, cost_usd=cost)
    assert "a month" not in advice(gate_open=True, cost_usd=cost, query_volume=100_000)


def test_form_without_enough_examples_to_tune_says_to_collect_them():
    told = advice([*REQUIRED, Kind.OPTIMIZE], {FailureKind.FORM: 3}, training_examples=12)

    assert ", and collect examples (12 are declared, tuning takes 100): most failures are of kind form" in told
    assert "collect" not in advice([*REQUIRED, Kind.OPTIMIZE], {FailureKind.FORM: 3}, training_examples=100)
    assert "collect" not in advice([*REQUIRED], {FailureKind.REASONING: 3}, training_examples=12)


def test_missed_cost_alone_calls_for_a_smaller_model():
    assert advice(only_limits=True).startswith("distil the answers into a smaller model")


def test_examples_come_first_where_nothing_is_diagnosed():
    assert advice([Kind.PROMPT], knowledge_changes="weekly").startswith("declare [rungs.few_shot]")


def test_knowledge_that_changes_often_calls_for_retrieval():
    tried = [Kind.PROMPT, Kind.FEW_SHOT]

    assert advice(tried, knowledge_changes="weekly") == "declare [rungs.rag]: what it must know changes weekly"


def test_else_it_is_the_next_in_order_and_then_labels():
    assert advice([Kind.PROMPT, Kind.FEW_SHOT, Kind.RAG]) == (
        "declare [rungs.advanced_rag]: it is the next in climbing order"
    )
    assert advice([Kind.PROMPT, Kind.FEW_SHOT, Kind.RAG, Kind.ADVANCED_RAG]) == (
        "declare [rungs.decompose]: it is the next in climbing order"
    )
    assert advice(diagnosis={FailureKind.UNKNOWN: 9}).startswith("label the 9 failures of unknown kind")


def test_form_that_prompting_no_longer_mends_is_told_with_the_next_step():
    ladder = builders.ladder()
    levelled = "few_shot brought no more than prompt"
    tried = frozenset([Kind.PROMPT, Kind.FEW_SHOT])

    told = advise(Situation(ladder, tried, {FailureKind.FORM: 9}, False, plateau=levelled))
    other = advise(Situation(ladder, tried, {FailureKind.FACTS: 9}, False, plateau=levelled))
    tune = advise(Situation(ladder, frozenset(Kind), {FailureKind.FORM: 9}, True, plateau=levelled))

    assert told.startswith("declare [rungs.optimize]")
    assert told.endswith("most failures are of kind form, and few_shot brought no more than prompt")
    assert levelled not in other
    assert tune == f"fine-tune: the cheaper rungs are on record and what remains is form, and {levelled}"
