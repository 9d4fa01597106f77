"""Looks at the hold-out set: what they say, how they are counted, and which sets could confirm nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.entries import Figure, RungEntry, Verdict
from pytest_ladder.core.ladder import DecisionPolicy, Limits
from pytest_ladder.core.looks import (
    Look,
    alone,
    confirmed,
    counted_words,
    look_of,
    look_words,
    ordinal,
    unfit,
    unheld,
)
from pytest_ladder.core.rungs import Kind, RungSpec
from tests.builders import case, evalset, ladder

RUNGS = tuple(RungSpec(kind.value, kind) for kind in (Kind.PROMPT, Kind.FEW_SHOT, Kind.RAG))
SPEC = ladder(rungs=RUNGS, holdout="holdout.jsonl", decision=DecisionPolicy(confirm="holdout"))
SURE = replace(SPEC, decision=DecisionPolicy(confirm="holdout", rule="confident"))


def look(mean: float | None = 0.95, *, n: int = 60, low: float = 0.91, high: float = 0.98, **parts: Any) -> RungEntry:
    figure = Figure(mean, n, low, high)
    known = RungEntry("support", "prompt", Kind.PROMPT, "e", "c", "f", "a", n, 1, {"answer": {"all": figure}},
                      Verdict.MET, reason="hold-out")  # fmt: skip
    return replace(known, **parts)


# --- what counts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [Verdict.SHORT, Verdict.INCONCLUSIVE, Verdict.ERROR])
def test_a_look_changes_nothing_of_a_rung_that_is_not_met(own: Verdict):
    assert confirmed(own, Verdict.MET) is own


@pytest.mark.parametrize("said", list(Verdict))
def test_of_one_that_is_met_the_look_counts_where_there_is_one(said: Verdict):
    assert confirmed(Verdict.MET, said) is said
    assert confirmed(Verdict.MET, None) is Verdict.MET


def test_a_look_is_as_sure_as_declared_and_no_surer():
    assert Confidences.deciding(SURE).met == pytest.approx(1 - 0.05 / 3)
    assert Confidences.deciding(alone(SURE, "rag", 60)).met == 0.95


def test_too_few_answers_leave_the_limit_on_latency_to_the_eval_set():
    spec = replace(SPEC, limits=Limits(cost_per_case=0.01, latency_p95=2.0))

    assert alone(spec, "prompt", 59).limits == Limits(cost_per_case=0.01)
    assert alone(spec, "prompt", 60).limits == spec.limits


# --- how many --------------------------------------------------------------------------------------------------------


def test_versions_are_counted_once_whatever_the_rung_or_the_grading():
    first, second, third = look(), look(rung="rag"), look(fingerprint="g")
    known = [first, second, replace(first, contract="other"), third]

    assert [look_of(entry, known).number for entry in known] == [1, 2, 1, 3]
    assert look_of(look(fingerprint="h"), known).number == 4


def test_looks_at_other_sets_are_counted_apart():
    old = [look(evalset="x"), look(evalset="x", rung="rag"), look(evalset="y")]

    assert look_of(look(), old) == Look(look(), 1, 3)
    assert counted_words(Look(look(), 1, 3)) == "1st look at this set, 3 at other sets"


@pytest.mark.parametrize(
    ("number", "told"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st"),
     (102, "102nd"), (111, "111th")],
)  # fmt: skip
def test_ordinals(number: int, told: str):
    assert ordinal(number) == told


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (look(), ""),
        (look(0.84, verdict=Verdict.SHORT), "not on the hold-out set: answer[all] 0.84 < 0.90 (n = 60)"),
        (look(0.8999, verdict=Verdict.SHORT), "not on the hold-out set: answer[all] 0.8999 < 0.9000 (n = 60)"),
        (look(errors=2, verdict=Verdict.ERROR), "in error on the hold-out set: 2 cases have no answer or no score"),
        (look(verdict=Verdict.ERROR), "in error on the hold-out set: answers of more than one model"),
    ],
)  # fmt: skip
def test_why_a_rung_is_not_confirmed(entry: RungEntry, told: str):
    assert unheld(SPEC, entry) == (f"met on the eval set, {told}" if told else "")


def test_an_undecided_one_says_how_many_more_would_tell():
    entry = look(0.95, low=0.875, verdict=Verdict.INCONCLUSIVE)

    told = unheld(SURE, entry)

    assert told.startswith(
        "met on the eval set, undecided on the hold-out set: answer[all] 0.95 not clearly above 0.90"
    )
    assert told.endswith("more cases for answer[all] (cases of the hold-out set) would tell")
    assert unheld(SURE, entry, mend=False) == told.partition(";")[0]


def test_a_limit_that_is_missed_is_told():
    spec = replace(SPEC, limits=Limits(cost_per_case=0.01))
    entry = look(limits={"cost_per_case": 0.02}, verdict=Verdict.SHORT)

    assert unheld(spec, entry).endswith("hold-out set: cost_per_case 0.02, at most 0.01")


def test_a_look_in_one_line():
    assert look_words(SPEC, Look(look(0.94), 2)) == (
        "prompt met: answer[all] 0.94 >= 0.90 (n = 60), 2nd look at this set"
    )
    assert look_words(SPEC, Look(look(0.9), 1)).startswith("prompt met: answer[all] 0.90 >= 0.90")
    assert "0.94 >= 0.90 (n = 60, within noise)" in look_words(SPEC, Look(look(0.94, low=0.88), 1))


# --- sets that could confirm nothing ---------------------------------------------------------------------------------


def others(n: int, **parts: Any) -> EvalSet:
    return EvalSet(tuple(case(f"h{i}", **parts) for i in range(n)), "holdout.jsonl")


def test_a_fit_set_has_no_faults():
    assert unfit(SPEC, evalset(5), others(3)) == []
    assert unfit(SURE, evalset(60), others(29)) == []


def test_an_overlap_is_told_by_what_is_asked_not_by_id():
    shared = EvalSet(tuple(case(f"h{i}", input=f"question c{i}") for i in range(5)))
    same_ids = EvalSet(tuple(case(f"c{i}", input=f"another {i}") for i in range(5)))

    (told,) = unfit(SPEC, evalset(60), shared)

    assert "5 of its 5 cases are in the eval set too (h0, h1, h2 and 2 more)" in told
    assert unfit(SPEC, evalset(60), same_ids) == []


def test_a_threshold_on_a_slice_that_is_not_there_is_told():
    spec = ladder({"answer": {"all": 0.9, "edge": 0.8}}, rungs=RUNGS, holdout="h.jsonl")

    (told,) = unfit(spec, evalset(3), others(3))

    assert "[thresholds] answer.edge: no case of the hold-out set is in this slice, got 'edge'" in told
    assert unfit(spec, evalset(3), others(3, slices=("edge",))) == []


def test_under_confident_a_set_that_is_too_small_is_told():
    (told,) = unfit(SURE, evalset(60), others(28))

    assert "n = 28 of the hold-out set cannot confirm 0.9 at 0.95 even with a perfect score; expected n >= 29" in told


def test_cases_of_one_cluster_confirm_as_little_as_one():
    spec = replace(SURE, decision=replace(SURE.decision, cluster="document"))
    together = EvalSet(tuple(case(f"h{i}", metadata={"document": "d"}) for i in range(60)))

    assert "n = 1 of the hold-out set cannot confirm 0.9" in unfit(spec, evalset(60), together)[0]
