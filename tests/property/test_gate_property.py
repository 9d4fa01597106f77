"""What holds of the gate whatever is on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_ladder.core.diagnosis import exempts
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.gate import WAIVES, in_force, refusals
from pytest_ladder.core.gate_request import GateRequest, RungEvidence
from pytest_ladder.core.ladder import DecisionPolicy, GatePolicy, Waiver
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.summary import Refusal
from tests.builders import ladder

TODAY = date(2026, 6, 15)
BELOW = tuple(kind for kind in Kind if kind is not Kind.FINE_TUNE)
LASTING = ("met", "stale", "altered")


@st.composite
def evidence(draw: st.DrawFn, kind: Kind) -> RungEvidence:
    if draw(st.integers(0, 3)) == 0:
        return RungEvidence(kind.value, kind, None, outdated=draw(st.sampled_from(["", "the rung itself changed"])))
    verdict = draw(st.sampled_from([Verdict.SHORT, Verdict.SHORT, Verdict.INCONCLUSIVE, Verdict.MET, Verdict.ERROR]))
    clear = draw(st.sampled_from([Verdict.SHORT, Verdict.INCONCLUSIVE])) if verdict is Verdict.SHORT else verdict
    at = (TODAY - timedelta(days=draw(st.sampled_from([0, 1, 80, 100])))).isoformat() + "T00:00:00Z"
    entry = RungEntry("support", kind.value, kind, "e", "c", "f", "a", 9, 1, {}, verdict, at=at)
    return RungEvidence(kind.value, kind, entry, clear, altered=draw(st.sampled_from(["", "", "", "the answers"])))


waivers = st.builds(
    Waiver, st.sampled_from(["support", "other"]), st.sampled_from([*WAIVES, "no such kind"]), st.just("r"),
    st.just("ada"), st.sampled_from([TODAY - timedelta(days=1), TODAY]),
)  # fmt: skip
diagnoses = st.dictionaries(st.sampled_from(FailureKind), st.integers(0, 80), max_size=4)
policies = st.builds(
    GatePolicy, required=st.lists(st.sampled_from(BELOW), unique=True).map(tuple),
    min_form_share=st.sampled_from([0.0, 0.5, 1.0]), exempt=st.sampled_from([{}, {"rag": "no facts"}]),
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> GateRequest:
    spec = ladder(gate=draw(policies), decision=DecisionPolicy(undecided=draw(st.sampled_from(["refuse", "allow"]))))
    rungs = tuple(draw(evidence(kind)) for kind in BELOW if draw(st.integers(0, 4)))
    diagnosis = draw(diagnoses)
    return GateRequest(
        ladder=spec, rungs=rungs, efforts=draw(st.dictionaries(st.sampled_from(BELOW), st.integers(0, 3))),
        diagnosis=diagnosis, diagnosed_rung="rag" if any(diagnosis.values()) else None, today=TODAY,
        only_limits=draw(st.booleans()), waivers=tuple(draw(st.lists(waivers, max_size=2))),
    )  # fmt: skip


def waived(request: GateRequest) -> set[Kind]:
    return {kind for w in in_force(request.waivers, "support", TODAY) for kind in WAIVES[w.kind]}


def asked(request: GateRequest) -> list[Kind]:
    """The required kinds that neither a waiver nor the diagnosis leaves out."""
    return [k for k in request.ladder.gate.required if k not in waived(request) and not exempts(k, request.diagnosis)]


@given(requests())
def test_it_never_opens_with_a_kind_unmeasured_that_nothing_stands_in_for(request: GateRequest):
    measured = {rung.kind for rung in request.rungs if rung.current}

    if set(asked(request)) - measured:
        assert refusals(request)


@given(requests(), st.data())
def test_removing_the_record_of_a_kind_that_is_asked_never_opens_it(request: GateRequest, data: st.DataObject):
    kinds = asked(request)
    assume(kinds)
    gone = data.draw(st.sampled_from(kinds))
    how = data.draw(st.sampled_from(["the rung", "its entry", "an effort"]))
    kept = tuple(rung for rung in request.rungs if rung.kind is not gone)
    emptied = tuple(replace(rung, current=None, clear=None) if rung.kind is gone else rung for rung in request.rungs)
    fewer = {**request.efforts, gone: max(0, request.efforts.get(gone, 0) - 1)}
    after = {
        "the rung": replace(request, rungs=kept), "its entry": replace(request, rungs=emptied),
        "an effort": replace(request, efforts=fewer),
    }[how]  # fmt: skip

    assert refusals(after) or not refusals(request)
    if how != "an effort":
        assert refusals(after)


@given(requests(), st.sampled_from([kind for kind in FailureKind if kind is not FailureKind.UNKNOWN]))
def test_forgetting_why_cases_failed_never_opens_it(request: GateRequest, kind: FailureKind):
    known = dict(request.diagnosis)
    known[FailureKind.UNKNOWN] = known.get(FailureKind.UNKNOWN, 0) + known.pop(kind, 0)

    if refusals(request):
        assert refusals(replace(request, diagnosis=known))


@given(requests(), st.sampled_from(["a changed line", "another rule"]))
def test_one_more_reason_never_removes_another(request: GateRequest, what: str):
    before = refusals(request)
    if what == "another rule":
        after = refusals(replace(request, extra=(Refusal("house_rule", "no", "wait"),)))
    else:
        after = refusals(replace(request, altered=(what,)))

    assert len(after) == len(before) + 1
    assert set(before) < set(after)


@given(requests(), waivers)
def test_a_further_waiver_never_lifts_what_no_waiver_lifts(request: GateRequest, more: Waiver):
    before = {r for r in refusals(replace(request, waivers=())) if r.code in LASTING}

    assert before <= set(refusals(replace(request, waivers=(*request.waivers, more))))


@given(requests())
def test_growing_older_never_opens_it(request: GateRequest):
    later = replace(request, today=TODAY + timedelta(days=30))

    assert refusals(later) or not refusals(request)


@given(requests())
def test_the_order_in_which_rungs_are_told_of_does_not_matter(request: GateRequest):
    turned = replace(request, rungs=request.rungs[::-1])

    def codes(request: GateRequest) -> list[str]:
        return sorted(str(refusal.code) for refusal in refusals(request))

    assert codes(turned) == codes(request)


@given(requests())
def test_every_refusal_says_what_to_do(request: GateRequest):
    for refusal in refusals(request):
        assert refusal.code
        assert refusal.reason
        assert refusal.mend.endswith(".")
