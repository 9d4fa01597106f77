"""From verdicts to the lever, or to what is to be done next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_ladder.core.decision import Decision, decide, shortfall
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.entries import Figure, RungEntry, Verdict
from pytest_ladder.core.ladder import Limits
from pytest_ladder.core.looks import Look
from pytest_ladder.core.rungs import Kind, RungSpec
from tests.builders import ladder

PROMPT, FEW_SHOT, RAG, TUNE = (RungSpec(k.value, k) for k in (Kind.PROMPT, Kind.FEW_SHOT, Kind.RAG, Kind.FINE_TUNE))
SPEC = ladder(rungs=(PROMPT, FEW_SHOT, RAG, TUNE))


def entry(rung: RungSpec, verdict: str, mean: float = 0.5, **parts: Any) -> RungEntry:
    scores = {"answer": {"all": Figure(mean, 20, mean, mean)}}
    return RungEntry("support", rung.id, rung.kind, "e", "c", "f", "a", 20, 1, scores, Verdict(verdict), **parts)


def decided(**verdicts: str) -> Decision:
    current = {id_: entry(SPEC.rung(id_), verdict) for id_, verdict in verdicts.items()}
    return decide(SPEC, current, {}, lambda: False)


def test_the_lowest_rung_that_meets_everything_is_selected():
    found = decided(prompt="short", few_shot="met", rag="met")

    assert (found.selected, found.rests_on, found.recommendation) == (
        "few_shot",
        ("prompt", "few_shot"),
        "ship few_shot",
    )
    assert found.reason.endswith("below the target: prompt (answer[all] 0.50 < 0.90)")


def test_the_first_rung_needs_nothing_below_it():
    found = decided(prompt="met")

    assert (found.selected, found.rests_on) == ("prompt", ("prompt",))
    assert found.reason == "prompt is the lowest rung that meets every threshold"


@pytest.mark.parametrize(
    ("current", "gap"),
    [
        ({"prompt": "short", "rag": "met"}, "few_shot has no current record"),
        ({"prompt": "error", "few_shot": "short", "rag": "met"}, "prompt is in error"),
        ({"rag": "met"}, "prompt has no current record"),
    ],
)
def test_a_gap_below_the_lever_leaves_it_unselected(current: dict[str, str], gap: str):
    found = decided(**current)

    assert (found.selected, found.complete, found.rests_on) == (None, False, ())
    assert found.reason == f"rag meets the target, but the cheaper rung {gap}"


def test_without_evidence_there_is_no_decision():
    found = decided()

    assert (found.complete, found.selected) == (False, None)
    assert found.recommendation == "run `pytest --ladder --ladder-rung=prompt`"


def test_an_undecided_rung_lets_the_climb_go_on_and_is_told():
    found = decided(prompt="inconclusive", few_shot="met")

    assert (found.selected, found.undecided) == ("few_shot", ("prompt",))


def test_fine_tuning_need_not_be_measured_for_a_decision():
    found = decided(prompt="short", few_shot="short", rag="inconclusive")

    assert (found.selected, found.complete) == (None, True)
    assert found.rests_on == ("prompt", "few_shot", "rag")
    assert found.undecided == ("rag",)


def test_the_gate_is_not_asked_where_a_cheaper_rung_is_the_lever():
    def asked() -> bool:
        raise AssertionError

    assert decide(SPEC, {"prompt": entry(PROMPT, "met")}, {}, asked).selected == "prompt"


@pytest.mark.parametrize("tuned", [True, False])
def test_the_exceptions_by_which_the_gate_opens_stand_in_the_reason(tuned: bool):
    below = {r.id: entry(r, "short") for r in (PROMPT, FEW_SHOT, RAG)}
    current = {**below, "fine_tune": entry(TUNE, "met")} if tuned else below

    found = decide(SPEC, current, {}, lambda: True, lambda: ("waiver distillation of ada",))

    assert found.selected == ("fine_tune" if tuned else None)
    assert found.reason.endswith("; fine-tuning allowed with: waiver distillation of ada")
    assert found.recommendation.startswith("ship fine_tune" if tuned else "fine-tune")


def test_no_exception_is_told_where_the_gate_is_shut():
    below = {r.id: entry(r, "short") for r in (PROMPT, FEW_SHOT, RAG)}

    assert "allowed" not in decide(SPEC, below, {}, lambda: False, lambda: ("a waiver",)).reason


def test_the_log_entry_rests_on_the_ids_of_the_entries():
    made = decided(prompt="met").entry("support", {"prompt": "sha256:1", "rag": "sha256:2"})

    assert (made.ladder, made.selected, made.rests_on) == ("support", "prompt", ("sha256:1",))


def test_where_nothing_meets_the_target_the_advice_comes_from_the_diagnosis():
    below = {r.id: entry(r, "short") for r in (PROMPT, FEW_SHOT, RAG)}

    found = decide(SPEC, below, {FailureKind.FORM: 4}, lambda: False)

    assert found.recommendation.startswith("declare [rungs.optimize]")


def test_missed_limits_alone_are_told_apart():
    below = {r.id: entry(r, "short") for r in (PROMPT, FEW_SHOT, RAG)}

    assert "smaller model" in decide(SPEC, below, {}, lambda: False, only_limits=True).recommendation


def test_a_shortfall_is_the_widest_miss():
    spec = ladder({"answer": {"all": 0.9}, "note": {"all": 0.99}})
    scores = {"answer": {"all": Figure(0.85, 9, 0, 1)}, "note": {"all": Figure(0.5, 9, 0, 1)}}

    assert shortfall(spec, replace(entry(PROMPT, "short"), scores=scores)) == "note[all] 0.50 < 0.99"


def test_a_narrow_shortfall_is_not_rounded_away():
    scores = {"answer": {"all": Figure(0.8996, 9, 0, 1)}}

    assert shortfall(ladder(), replace(entry(PROMPT, "short"), scores=scores)) == "answer[all] 0.8996 < 0.9000"


def test_a_shortfall_may_be_a_limit_or_the_verdict_alone():
    spec = ladder(limits=Limits(cost_per_case=0.01))

    assert shortfall(spec, entry(PROMPT, "short", 1.0, limits={"cost_per_case": 0.5})) == "cost_per_case 0.5 > 0.01"
    assert shortfall(spec, entry(PROMPT, "inconclusive", 1.0, limits={"cost_per_case": 0.005})) == "inconclusive"
    unknown = entry(PROMPT, "inconclusive", 1.0, limits={"latency_p95": None})
    assert shortfall(spec, unknown) == "latency_p95 could not be measured"


def test_the_doubt_of_an_undecided_rung_is_told_with_its_interval():
    undecided = replace(entry(PROMPT, "inconclusive"), scores={"answer": {"all": Figure(0.93, 60, 0.84, 0.98)}})

    assert shortfall(ladder(), undecided) == "answer[all] 0.930 in [0.84, 0.98]"


# --- confirmed on the hold-out set -----------------------------------------------------------------------------------

CONFIRMING = replace(SPEC, decision=replace(SPEC.decision, confirm="holdout"))


def confirmed(looks: dict[str, str], **verdicts: str) -> Decision:
    current = {id_: entry(SPEC.rung(id_), verdict, 0.95) for id_, verdict in verdicts.items()}
    taken = {id_: Look(entry(SPEC.rung(id_), verdict, 0.85), n) for n, (id_, verdict) in enumerate(looks.items(), 1)}
    return decide(CONFIRMING, current, {}, lambda: False, looks=taken)


def test_the_lever_is_the_lowest_rung_that_holds_there_too():
    found = confirmed({"prompt": "short", "few_shot": "met"}, prompt="met", few_shot="met", rag="met")

    assert (found.selected, found.rests_on, found.looks) == ("few_shot", ("prompt", "few_shot"), ("prompt", "few_shot"))
    assert "holds on the hold-out set (2nd look at this set)" in found.reason
    assert (
        "below the target: prompt (met on the eval set, not on the hold-out set: answer[all] 0.85 < 0.90"
        in found.reason
    )


def test_an_undecided_look_leaves_the_rung_undecided():
    found = confirmed({"prompt": "inconclusive", "few_shot": "met"}, prompt="met", few_shot="met")

    assert (found.selected, found.undecided) == ("few_shot", ("prompt",))


@pytest.mark.parametrize(
    ("looks", "reason"),
    [
        ({}, "prompt meets the target on the eval set, but its look at the hold-out set is not on record"),
        ({"prompt": "error"}, "prompt is in error"),
    ],
)
def test_without_a_sound_look_there_is_no_decision(looks: dict[str, str], reason: str):
    found = confirmed(looks, prompt="met", few_shot="met")

    assert (found.selected, found.complete) == (None, False)
    assert found.reason.endswith(reason)


def test_where_none_holds_there_is_no_lever():
    found = confirmed({"prompt": "short"}, prompt="met", few_shot="short", rag="short")

    assert (found.selected, found.complete, found.looks) == (None, True, ("prompt",))


def test_a_look_changes_nothing_where_the_ladder_does_not_ask():
    current = {"prompt": entry(PROMPT, "met")}
    found = decide(SPEC, current, {}, lambda: False, looks={"prompt": Look(entry(PROMPT, "short"), 1)})

    assert (found.selected, found.looks) == ("prompt", ())


def test_the_log_entry_names_each_rung_and_then_its_look():
    found = confirmed({"prompt": "short", "few_shot": "met"}, prompt="met", few_shot="met")

    made = found.entry("support", {"prompt": "p", "few_shot": "f"}, {"prompt": "pl", "few_shot": "fl"})

    assert made.rests_on == ("p", "pl", "f", "fl")
