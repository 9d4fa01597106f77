"""The gate before fine-tuning: evidence and policy to refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from enum import StrEnum

from pytest_ladder.core.diagnosis import diagnosed, exempts
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.gate_request import GateRequest, RungEvidence
from pytest_ladder.core.ladder import Waiver
from pytest_ladder.core.laxity import laxer
from pytest_ladder.core.rungs import Kind, declaration
from pytest_ladder.core.summary import Refusal


class Code(StrEnum):
    """Why the gate refuses."""

    NOT_RECORDED = "not_recorded"
    EFFORT = "effort"
    UNDECIDED = "undecided"
    STALE = "stale"
    MET = "met"
    DIAGNOSIS = "diagnosis"
    EXEMPTION = "exemption"
    WAIVER = "waiver"
    ALTERED = "altered"


_NOT_FOR_FORM = frozenset({Kind.RAG, Kind.ADVANCED_RAG, Kind.DECOMPOSE})
_ANY = frozenset(Kind)

WAIVES: Mapping[str, frozenset[Kind]] = {
    "fixed_format": _NOT_FOR_FORM,
    "form_plateau": _NOT_FOR_FORM,
    "new_modality": _ANY,
    "distillation": _ANY - {Kind.PROMPT},
}
"""Waiver kind -> the rung kinds whose record it stands in for; each stands in for the diagnosis too.

A format is never mended by retrieval or decomposition, so a waiver for form still asks for prompt and few-shot. No
waiver lifts `met`, `stale` or `altered`."""

WARN_DAYS = 14
"""Evidence this many days from its end is announced."""


def in_force(waivers: tuple[Waiver, ...], ladder: str, today: date) -> tuple[Waiver, ...]:
    """The waivers of a ladder that are known and not expired."""
    return tuple(w for w in waivers if w.ladder == ladder and w.kind in WAIVES and w.expires >= today)


def refusals(request: GateRequest) -> tuple[Refusal, ...]:
    """Every reason why fine-tuning is not justified; none means that the gate is open."""
    return tuple(_all(request))


def _all(request: GateRequest) -> Iterator[Refusal]:
    yield from _altered(request)
    yield from _waivers(request)
    yield from _met(request)
    waived = _waived(request)
    for kind in request.ladder.gate.required:
        if kind in waived:
            yield from (refusal for refusal in _required(request, kind) if refusal.code == Code.STALE)
        elif not exempts(kind, _reviewed(request)):
            yield from _required(request, kind)
    yield from _exemptions(request)
    if not waived:
        yield from _diagnosis(request)
    yield from request.extra


def concessions(request: GateRequest) -> tuple[str, ...]:
    """What the gate lets pass, and what the log tells against that, in a few words each: for the log."""
    gate, waived = request.ladder.gate, _waived(request)
    waivers = in_force(request.waivers, request.ladder.name, request.today)
    told = [f"waiver {w.kind} of {w.approved_by} until {w.expires}" for w in waivers]
    told += [
        f"{kind} exempt by the diagnosis of {diagnosed(_reviewed(request))} failures"
        for kind in gate.required
        if kind not in waived and exempts(kind, _reviewed(request))
    ]
    if gate.min_form_share <= 0 and not waived:
        told.append("the kind of failures not asked (min_form_share = 0)")
    elif request.only_limits and not waived:
        told.append("the kind of failures not asked, for only [limits] are missed")
    if request.ladder.decision.undecided == "allow":
        unclear = [rung.id for rung in request.rungs if rung.current and rung.clear is Verdict.INCONCLUSIVE]
        told += [f'{", ".join(unclear)} undecided, and allowed (undecided = "allow")'] if unclear else []
    told += [f"{rung.id} {rung.unheld}" for rung in request.rungs if rung.unheld]
    told += laxer(gate, request.ladder.decision)
    told += [
        f"{rung.id} judged without {rung.current.errors} cases in error (max_error_rate)"
        for rung in request.rungs
        if rung.current and rung.current.errors
    ]
    return (*told, *request.history)


def _reviewed(request: GateRequest) -> Mapping[FailureKind, int]:
    return request.diagnosis if request.reviewed is None else request.reviewed


def _waived(request: GateRequest) -> tuple[Kind, ...]:
    """The kinds whose record a waiver in force stands in for, in climbing order."""
    lifted = {k for w in in_force(request.waivers, request.ladder.name, request.today) for k in WAIVES[w.kind]}
    return tuple(kind for kind in Kind if kind in lifted)


def _current(request: GateRequest, kind: Kind) -> list[RungEvidence]:
    return [rung for rung in request.rungs if rung.kind is kind and rung.current]


def _altered(request: GateRequest) -> Iterator[Refusal]:
    told = [*request.altered, *(f"rung {rung.id}: {rung.altered}" for rung in request.rungs if rung.altered)]
    for what in told:
        yield Refusal(
            Code.ALTERED, what.rstrip("."), "Restore the files from git, or ask again with `--ladder-record=all`."
        )


def _waivers(request: GateRequest) -> Iterator[Refusal]:
    for waiver in request.waivers:
        if waiver.ladder != request.ladder.name:
            continue
        if waiver.kind not in WAIVES:
            known = ", ".join(sorted(WAIVES))
            yield Refusal(Code.WAIVER, f"kind {waiver.kind!r} is not known", f"Use one of {known} in waivers.toml.")
        elif waiver.expires < request.today:
            yield Refusal(
                Code.WAIVER, f"the waiver {waiver.kind!r} of {waiver.approved_by} expired on {waiver.expires}",
                "Have it approved again with a new date in waivers.toml, or remove it.",
            )  # fmt: skip


def _met(request: GateRequest) -> Iterator[Refusal]:
    for rung in request.rungs:
        if rung.unheld:
            continue
        if rung.current and not rung.altered and Verdict.MET in (rung.current.verdict, rung.clear):
            if rung.unlooked:
                yield Refusal(
                    Code.MET, f"{rung.id} meets the target on the eval set; its look at the hold-out set is missing",
                    f"Run `pytest --ladder --ladder-rung={rung.id}` and commit.",
                )  # fmt: skip
                return
            yield Refusal(
                Code.MET, f"{rung.id} already meets the target",
                f"Ship {rung.id}; raise the thresholds first if the target is too low.",
            )  # fmt: skip
            return


def _required(request: GateRequest, kind: Kind) -> Iterator[Refusal]:
    current = _current(request, kind)
    if not current:
        yield _absent([rung for rung in request.rungs if rung.kind is kind], kind)
        return
    yield from (_stale(request, rung) for rung in current if _too_old(request, rung))
    want, have = request.ladder.gate.effort_of(kind), request.efforts.get(kind, 0)
    if have < want:
        yield Refusal(
            Code.EFFORT, f"{kind}: {have} of {want} different versions were measured on today's eval set",
            f"Improve the {kind} rung, run `pytest --ladder` and commit; a version that answers alike does not count.",
        )  # fmt: skip
    yield from _undecided(request, current)


def _absent(rungs: list[RungEvidence], kind: Kind) -> Refusal:
    outdated = next((rung for rung in rungs if rung.outdated), None)
    if outdated is not None:
        return Refusal(
            Code.STALE, f"{outdated.id}: {outdated.outdated}",
            f"Run `pytest --ladder --ladder-rung={outdated.id}` and commit.",
        )  # fmt: skip
    if not rungs:
        return Refusal(
            Code.NOT_RECORDED, f"{kind}: no rung of this kind is declared",
            f"Declare {declaration(kind)} in ladder.toml, run `pytest --ladder` and commit.",
        )  # fmt: skip
    return Refusal(
        Code.NOT_RECORDED, f"{rungs[0].id} has no record",
        f"Run `pytest --ladder --ladder-rung={rungs[0].id}` and commit.",
    )  # fmt: skip


def age_days(entry: RungEntry, today: date) -> int:
    """Whole days since an entry's measurement; negative for one that is dated in the future."""
    return (today - datetime.fromisoformat(entry.at).date()).days if entry.at else 0


def _too_old(request: GateRequest, rung: RungEvidence) -> bool:
    assert rung.current is not None
    return not -1 <= age_days(rung.current, request.today) <= request.ladder.gate.max_age_days


def _stale(request: GateRequest, rung: RungEvidence) -> Refusal:
    assert rung.current is not None
    days = age_days(rung.current, request.today)
    what = f"is {days} days old, more than {request.ladder.gate.max_age_days}" if days > 0 else "is dated in the future"
    return Refusal(
        Code.STALE, f"{rung.id}: its evidence {what}",
        f"Ask again: `pytest --ladder --ladder-record=all --ladder-rung={rung.id}`, and commit.",
    )  # fmt: skip


def _undecided(request: GateRequest, rungs: list[RungEvidence]) -> Iterator[Refusal]:
    for rung in rungs:
        assert rung.current is not None
        verdict = rung.current.verdict
        if verdict is Verdict.ERROR:
            yield _in_error(rung.id, rung.current)
        elif rung.unheld:
            yield from _unconfirmed(request, rung)
        elif (
            request.ladder.decision.undecided == "refuse"
            and verdict is not Verdict.MET
            and rung.clear is Verdict.INCONCLUSIVE
        ):
            yield Refusal(
                Code.UNDECIDED, f"{rung.id}: its figures do not clearly miss the target",
                f"Add cases: {rung.missing or 'the intervals are too wide'}.",
            )  # fmt: skip


def _unconfirmed(request: GateRequest, rung: RungEvidence) -> Iterator[Refusal]:
    """What stands against a rung that meets the target and does not hold on the hold-out set."""
    if rung.clear is Verdict.ERROR:
        yield Refusal(
            Code.UNDECIDED, f"{rung.id}: {rung.unheld}",
            f"Mend them, then `pytest --ladder --ladder-rung={rung.id}`.",
        )  # fmt: skip
    elif rung.clear is Verdict.INCONCLUSIVE and request.ladder.decision.undecided == "refuse":
        yield Refusal(
            Code.UNDECIDED, f"{rung.id} meets the target, and does not clearly miss it on the hold-out set",
            f"Add cases: {rung.missing or 'the intervals are too wide'}.",
        )  # fmt: skip


def _in_error(rung_id: str, entry: RungEntry) -> Refusal:
    if entry.errors:
        return Refusal(
            Code.UNDECIDED, f"{rung_id}: {entry.errors} cases have no answer or no score",
            f"Mend them, then `pytest --ladder --ladder-rung={rung_id}`.",
        )  # fmt: skip
    return Refusal(
        Code.UNDECIDED, f"{rung_id}: its answers are of more than one model ({', '.join(entry.model_returned)})",
        f"Ask again: `pytest --ladder --ladder-record=all --ladder-rung={rung_id}`, and commit.",
    )  # fmt: skip


def _exemptions(request: GateRequest) -> Iterator[Refusal]:
    for kind, reason in request.ladder.gate.exempt.items():
        if not exempts(Kind(kind), _reviewed(request)):
            yield Refusal(
                Code.EXEMPTION, f"{kind} is left out ({reason!r}), but no diagnosis backs that",
                "Label at least 50 failures in labels.jsonl; an exemption needs its failure kinds at most 5 % of them.",
            )  # fmt: skip


def _diagnosis(request: GateRequest) -> Iterator[Refusal]:
    least = request.ladder.gate.min_form_share
    total = sum(request.diagnosis.values())
    if request.only_limits or least <= 0:
        return
    if not total:
        unheld = any(rung.unheld for rung in request.rungs)
        if unheld or (not request.ladder.gate.required and not any(_met(request))):
            yield Refusal(
                Code.DIAGNOSIS, "no failure of a cheaper rung is on record, so none is known to be of form",
                "Measure a cheaper rung with `pytest --ladder`, and label its failures in labels.jsonl.",
            )  # fmt: skip
        return
    form = request.diagnosis.get(FailureKind.FORM, 0)
    if form / total < least:
        unknown = request.diagnosis.get(FailureKind.UNKNOWN, 0)
        yield Refusal(
            Code.DIAGNOSIS,
            f"{form} of the {total} failures of {request.diagnosed_rung} are known to be of form, "
            f"{unknown} are unknown; form must be at least {least:.0%}",
            "Label the failures in labels.jsonl; fine-tuning mends form, not facts or reasoning.",
        )
