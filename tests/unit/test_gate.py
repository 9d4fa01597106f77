"""Each reason for which fine-tuning is refused, and what lifts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.gate import WAIVES, Code, age_days, concessions, in_force, refusals
from pytest_ladder.core.gate_request import GateRequest, RungEvidence
from pytest_ladder.core.ladder import DecisionPolicy, GatePolicy, Waiver
from pytest_ladder.core.rungs import REQUIRED, Kind
from pytest_ladder.core.summary import Refusal
from tests.builders import ladder

TODAY = date(2026, 6, 15)
NOW = "2026-06-15T08:00:00Z"
FORM = {FailureKind.FORM: 8, FailureKind.FACTS: 2}
ENTRY = RungEntry("support", "prompt", Kind.PROMPT, "sha256:e", "sha256:c", "sha256:f", "sha256:a", 60, 1, {},
                  Verdict.SHORT, at=NOW)  # fmt: skip


def evidence(kind: Kind, *, clear: Verdict = Verdict.SHORT, **parts: Any) -> RungEvidence:
    """A rung that is measured and clearly short, unless the parts say otherwise; `None` as entry leaves it out."""
    rest = {key: parts.pop(key) for key in ("outdated", "altered", "missing", "unheld", "unlooked") if key in parts}
    known = parts.pop("entry", ENTRY)
    entry = known and replace(known, rung=kind.value, rung_kind=kind, **parts)
    return RungEvidence(kind.value, kind, entry, clear if entry else None, **rest)


def request(
    *, rungs: Mapping[Kind, RungEvidence] | None = None, gate: GatePolicy | None = None,
    decision: DecisionPolicy | None = None, without: tuple[Kind, ...] = (), **parts: Any,
) -> GateRequest:  # fmt: skip
    """A request that nothing stands against, unless the parts say otherwise."""
    spec = ladder(gate=gate or GatePolicy(), decision=decision or DecisionPolicy())
    known = {kind: evidence(kind) for kind in REQUIRED} | dict(rungs or {})
    parts.setdefault("efforts", {Kind.PROMPT: 2, **dict.fromkeys(REQUIRED[1:], 1)})
    parts.setdefault("diagnosis", FORM)
    parts.setdefault("diagnosed_rung", "rag")
    measured = tuple(rung for kind, rung in known.items() if kind not in without)
    return GateRequest(ladder=spec, rungs=measured, today=TODAY, **parts)


def codes(asked: GateRequest) -> list[str]:
    return [str(refusal.code) for refusal in refusals(asked)]


def waiver(kind: str, **parts: Any) -> Waiver:
    return Waiver(parts.pop("ladder", "support"), kind, "a reason", "ada", parts.pop("expires", TODAY))


def test_full_and_clear_evidence_of_form_opens_the_gate():
    assert refusals(request()) == ()


# --- not_recorded ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", REQUIRED)
def test_each_required_kind_must_be_on_record(kind: Kind):
    (refusal,) = refusals(request(rungs={kind: evidence(kind, entry=None)}))

    assert refusal.code == Code.NOT_RECORDED
    assert kind in refusal.reason
    assert f"--ladder-rung={kind}" in refusal.mend


def test_a_required_kind_that_is_not_even_declared_is_told_to_be_declared():
    (refusal,) = refusals(request(without=(Kind.DECOMPOSE,)))

    assert refusal.code == Code.NOT_RECORDED
    assert "[rungs.decompose]" in refusal.mend


def test_what_is_not_required_need_not_be_on_record():
    assert codes(request(gate=GatePolicy(required=(Kind.PROMPT,)), without=REQUIRED[1:])) == []


def test_one_measured_rung_of_a_kind_is_enough():
    second = replace(evidence(Kind.RAG, entry=None), id="rag_v2")
    asked = request()

    assert refusals(replace(asked, rungs=(*asked.rungs, second))) == ()


# --- effort ----------------------------------------------------------------------------------------------------------


def test_two_prompts_are_asked_by_default_and_one_of_the_others():
    assert codes(request(efforts={Kind.PROMPT: 1, **dict.fromkeys(REQUIRED[1:], 1)})) == ["effort"]
    assert codes(request(efforts={Kind.PROMPT: 2, **dict.fromkeys(REQUIRED[2:], 1)})) == ["effort"]


def test_the_effort_of_policy_counts():
    policy = GatePolicy(effort={Kind.RAG: 3})

    (refusal,) = refusals(request(gate=policy))

    assert refusal.code == Code.EFFORT
    assert "rag: 1 of 3" in refusal.reason


def test_policy_that_names_other_kinds_still_asks_for_two_prompts():
    efforts = {**dict.fromkeys(REQUIRED, 1), Kind.RAG: 3}

    assert codes(request(gate=GatePolicy(effort={Kind.RAG: 3}), efforts=efforts)) == ["effort"]


# --- undecided -------------------------------------------------------------------------------------------------------


def test_a_rung_short_by_the_mean_alone_is_undecided():
    (refusal,) = refusals(request(rungs={Kind.RAG: evidence(Kind.RAG, clear=Verdict.INCONCLUSIVE, missing="40 more")}))

    assert refusal.code == Code.UNDECIDED
    assert "40 more" in refusal.mend


def test_policy_may_allow_an_undecided_rung_and_the_log_says_so():
    rungs = {Kind.RAG: evidence(Kind.RAG, clear=Verdict.INCONCLUSIVE)}
    asked = request(rungs=rungs, decision=DecisionPolicy(undecided="allow"))

    assert refusals(asked) == ()
    assert concessions(asked) == ('rag undecided, and allowed (undecided = "allow")',)


@pytest.mark.parametrize("undecided", ["refuse", "allow"])
def test_a_rung_in_error_is_undecided_whatever_the_policy(undecided: str):
    rungs = {Kind.FEW_SHOT: evidence(Kind.FEW_SHOT, verdict=Verdict.ERROR, clear=Verdict.ERROR, errors=3)}

    (refusal,) = refusals(request(rungs=rungs, decision=DecisionPolicy(undecided=undecided)))

    assert refusal.code == Code.UNDECIDED
    assert "3 cases" in refusal.reason


def test_answers_of_more_than_one_model_are_to_be_asked_again():
    mixed = evidence(Kind.RAG, verdict=Verdict.ERROR, clear=Verdict.ERROR, model_returned=("m-1", "m-2"))

    (refusal,) = refusals(request(rungs={Kind.RAG: mixed}))

    assert refusal.code == Code.UNDECIDED
    assert "m-1, m-2" in refusal.reason
    assert "--ladder-record=all" in refusal.mend


# --- stale -----------------------------------------------------------------------------------------------------------


def test_an_entry_for_other_files_is_stale():
    rungs = {Kind.RAG: evidence(Kind.RAG, entry=None, outdated="the eval set changed since it was measured")}

    (refusal,) = refusals(request(rungs=rungs))

    assert refusal.code == Code.STALE
    assert "the eval set changed" in refusal.reason


@pytest.mark.parametrize(
    ("days", "stale"), [(0, False), (90, False), (91, True), (-1, False), (-2, True), (-400, True)]
)
def test_evidence_has_an_age_and_none_from_the_future(days: int, stale: bool):
    at = (TODAY - timedelta(days=days)).isoformat() + "T08:00:00Z"

    found = refusals(request(rungs={Kind.RAG: evidence(Kind.RAG, at=at)}))

    assert [refusal.code for refusal in found] == ([Code.STALE] if stale else [])
    assert not stale or ("future" in found[0].reason) == (days < 0)


def test_the_age_allowed_is_policy():
    at = (TODAY - timedelta(days=8)).isoformat() + "T08:00:00Z"

    assert codes(request(rungs={Kind.RAG: evidence(Kind.RAG, at=at)}, gate=GatePolicy(max_age_days=7))) == ["stale"]


def test_age_counts_whole_days():
    assert age_days(replace(ENTRY, at="2026-06-14T23:59:59Z"), TODAY) == 1


# --- met -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clear", [Verdict.MET, Verdict.INCONCLUSIVE])
def test_a_cheaper_rung_that_meets_the_target_is_to_be_shipped(clear: Verdict):
    rungs = {Kind.FEW_SHOT: evidence(Kind.FEW_SHOT, verdict=Verdict.MET, clear=clear)}

    (refusal,) = refusals(request(rungs=rungs))

    assert refusal.code == Code.MET
    assert "few_shot" in refusal.reason


def test_a_rung_that_is_not_required_may_be_the_one_that_meets():
    asked = request()
    best = evidence(Kind.OPTIMIZE, verdict=Verdict.MET, clear=Verdict.MET)

    assert codes(replace(asked, rungs=(*asked.rungs, best))) == ["met"]


def test_what_was_altered_meets_nothing():
    rung = evidence(Kind.RAG, verdict=Verdict.MET, clear=Verdict.MET, altered="the answers")

    assert codes(request(rungs={Kind.RAG: rung})) == ["altered"]


# --- altered ---------------------------------------------------------------------------------------------------------


def test_altered_evidence_is_named():
    (refusal,) = refusals(request(rungs={Kind.RAG: evidence(Kind.RAG, altered="its answers changed.")}))

    assert str(refusal).startswith("altered: rung rag: its answers changed. Restore")


def test_an_altered_log_is_named():
    (refusal,) = refusals(request(altered=("escalation.jsonl:3: the entry was altered",)))

    assert refusal.code == Code.ALTERED
    assert "escalation.jsonl:3" in refusal.reason


# --- waivers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", WAIVES)
def test_a_waiver_stands_in_for_the_kinds_it_names_and_no_other(kind: str):
    gone = {k: evidence(k, entry=None) for k in REQUIRED}

    found = refusals(request(rungs=gone, waivers=(waiver(kind),), diagnosis={}, diagnosed_rung=None))

    assert {refusal.reason.split()[0] for refusal in found} == {str(k) for k in set(REQUIRED) - WAIVES[kind]}
    assert all(refusal.code == Code.NOT_RECORDED for refusal in found)


@pytest.mark.parametrize("kind", WAIVES)
def test_a_waiver_stands_in_for_the_diagnosis(kind: str):
    assert codes(request(diagnosis={FailureKind.FACTS: 10}, waivers=(waiver(kind),))) == []


def test_a_waiver_for_form_still_asks_for_prompts_and_examples():
    rungs = {Kind.FEW_SHOT: evidence(Kind.FEW_SHOT, entry=None)}

    assert codes(request(rungs=rungs, waivers=(waiver("fixed_format"),))) == ["not_recorded"]


def test_a_waiver_that_has_expired_refuses_and_lifts_nothing():
    late = waiver("fixed_format", expires=TODAY - timedelta(days=1))

    asked = request(rungs={Kind.RAG: evidence(Kind.RAG, entry=None)}, waivers=(late,))

    assert codes(asked) == ["waiver", "not_recorded"]
    assert in_force(asked.waivers, "support", TODAY) == ()


def test_a_waiver_of_an_unknown_kind_refuses_and_names_the_known_ones():
    (refusal,) = refusals(request(waivers=(waiver("because"),)))

    assert refusal.code == Code.WAIVER
    assert all(kind in refusal.mend for kind in WAIVES)


def test_a_waiver_of_another_ladder_means_nothing_here():
    rungs = {Kind.RAG: evidence(Kind.RAG, entry=None)}

    assert codes(request(rungs=rungs, waivers=(waiver("fixed_format", ladder="other"),))) == ["not_recorded"]


@pytest.mark.parametrize(
    ("rung", "code"),
    [
        (evidence(Kind.RAG, at="2025-01-01T00:00:00Z"), "stale"),
        (evidence(Kind.RAG, entry=None, outdated="the rung itself changed"), "stale"),
        (evidence(Kind.RAG, altered="the answers"), "altered"),
        (evidence(Kind.RAG, verdict=Verdict.MET), "met"),
    ],
)
@pytest.mark.parametrize("kind", WAIVES)
def test_no_waiver_lifts_stale_altered_or_met(kind: str, rung: RungEvidence, code: str):
    assert code in codes(request(rungs={Kind.RAG: rung}, waivers=(waiver(kind),)))


def test_a_waiver_asks_nothing_of_a_kind_that_is_not_required():
    old = evidence(Kind.RAG, at="2025-01-01T00:00:00Z")

    asked = request(gate=GatePolicy(required=(Kind.PROMPT,)), rungs={Kind.RAG: old}, waivers=(waiver("distillation"),))

    assert codes(asked) == []


def test_a_waiver_in_force_is_told_for_the_log():
    assert concessions(request(waivers=(waiver("distillation"),))) == ("waiver distillation of ada until 2026-06-15",)


# --- diagnosis -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("diagnosis", "refused"),
    [
        ({FailureKind.FORM: 5, FailureKind.FACTS: 5}, False),
        ({FailureKind.FORM: 4, FailureKind.FACTS: 6}, True),
        ({FailureKind.FORM: 5, FailureKind.UNKNOWN: 5}, False),
        ({FailureKind.FORM: 4, FailureKind.UNKNOWN: 6}, True),
        ({FailureKind.UNKNOWN: 1}, True),
    ],
)
def test_form_must_be_half_of_the_failures_and_unknown_is_not_form(diagnosis: dict[FailureKind, int], refused: bool):
    assert codes(request(diagnosis=diagnosis)) == (["diagnosis"] if refused else [])


def test_the_share_of_form_is_policy_and_zero_switches_it_off_which_the_log_says():
    facts = {FailureKind.FACTS: 10}

    assert codes(request(gate=GatePolicy(min_form_share=0.9), diagnosis=FORM)) == ["diagnosis"]
    off = request(gate=GatePolicy(min_form_share=0.0), diagnosis=facts)
    assert refusals(off) == ()
    assert concessions(off) == ("the kind of failures not asked (min_form_share = 0)",)


def test_where_only_limits_are_missed_the_kind_of_failure_is_not_asked():
    assert codes(request(diagnosis={FailureKind.FACTS: 10}, only_limits=True)) == []


@pytest.mark.parametrize("diagnosed", [None, "optimize"])
def test_with_nothing_required_the_failures_must_still_be_known(diagnosed: str | None):
    asked = request(gate=GatePolicy(required=()), without=REQUIRED, diagnosis={}, diagnosed_rung=diagnosed)

    assert codes(asked) == ["diagnosis"]


# --- exemptions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("diagnosis", "exempt"),
    [
        ({FailureKind.FORM: 59}, True),
        ({FailureKind.FORM: 49}, False),
        ({FailureKind.FORM: 58}, False),
        ({FailureKind.FORM: 100, FailureKind.FACTS: 1}, True),
        ({FailureKind.FORM: 90, FailureKind.FACTS: 1}, False),
        ({FailureKind.FORM: 30, FailureKind.UNKNOWN: 29}, False),
    ],
)
def test_an_exemption_needs_enough_diagnosed_failures_of_other_kinds(diagnosis: Any, exempt: bool):
    gate = GatePolicy(exempt={"rag": "the task needs no facts"})

    found = codes(request(gate=gate, rungs={Kind.RAG: evidence(Kind.RAG, entry=None)}, diagnosis=diagnosis))

    assert found == ([] if exempt else ["not_recorded", "exemption"])


def test_with_that_evidence_a_rung_is_exempt_by_itself_and_the_log_says_so():
    asked = request(rungs={Kind.RAG: evidence(Kind.RAG, entry=None)}, diagnosis={FailureKind.FORM: 60})

    assert refusals(asked) == ()
    assert "rag exempt by the diagnosis of 60 failures" in concessions(asked)


# --- further refusals ------------------------------------------------------------------------------------------------


def test_other_rules_may_refuse_too():
    extra = Refusal("house_rule", "not on a Friday", "Wait.")

    assert refusals(request(extra=(extra,))) == (extra,)


def test_without_exceptions_there_is_nothing_to_tell():
    assert concessions(request()) == ()


# --- what the hold-out set did not confirm ---------------------------------------------------------------------------

UNHELD = "met on the eval set, not on the hold-out set: answer[all] 0.84 < 0.90 (n = 60)"


def unheld(kind: Kind, clear: Verdict = Verdict.SHORT, **parts: Any) -> dict[Kind, RungEvidence]:
    return {kind: evidence(kind, clear=clear, verdict=Verdict.MET, unheld=UNHELD, **parts)}


def test_a_rung_that_clearly_misses_on_the_hold_out_set_is_no_reason_and_is_told():
    asked = request(rungs=unheld(Kind.RAG))

    assert refusals(asked) == ()
    assert f"rag {UNHELD}" in concessions(asked)


def test_one_that_does_not_clearly_miss_is_undecided_and_says_what_would_tell():
    (refusal,) = refusals(request(rungs=unheld(Kind.RAG, Verdict.INCONCLUSIVE, missing="about 9 more in all")))

    assert refusal.code == Code.UNDECIDED
    assert "does not clearly miss it on the hold-out set" in refusal.reason
    assert refusal.mend == "Add cases: about 9 more in all."
    policy = DecisionPolicy(undecided="allow")
    assert codes(request(rungs=unheld(Kind.RAG, Verdict.INCONCLUSIVE), decision=policy)) == []


def test_one_in_error_on_the_hold_out_set_is_undecided_whatever_is_allowed():
    asked = request(rungs=unheld(Kind.RAG, Verdict.ERROR), decision=DecisionPolicy(undecided="allow"))

    assert codes(asked) == ["undecided"]


def test_without_a_look_on_record_it_refuses_as_met():
    rung = evidence(Kind.RAG, clear=Verdict.MET, verdict=Verdict.MET, unlooked=True)

    (refusal,) = refusals(request(rungs={Kind.RAG: rung}, decision=DecisionPolicy(undecided="allow")))

    assert refusal.code == Code.MET
    assert "its look at the hold-out set is missing" in refusal.reason


def test_with_no_failure_on_the_eval_set_the_hold_out_set_alone_shows_none_of_form():
    assert codes(request(rungs=unheld(Kind.RAG), diagnosis={})) == ["diagnosis"]
    assert codes(request(rungs=unheld(Kind.RAG), diagnosis={}, gate=GatePolicy(min_form_share=0))) == []
