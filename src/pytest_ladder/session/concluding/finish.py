"""The end of a run, on the controller: entries, decisions, the gate, and what it all comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pytest_ladder.core.decision import Decision
from pytest_ladder.core.entries import DecisionEntry, Entry, RungEntry, Verdict
from pytest_ladder.core.gate import WARN_DAYS, age_days, in_force
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.summary import Refusal
from pytest_ladder.session.concluding.de_escalation import de_escalation
from pytest_ladder.session.concluding.failure_modes import out_of_turn
from pytest_ladder.session.concluding.history import overlap
from pytest_ladder.session.concluding.standing import Standing
from pytest_ladder.session.concluding.tools_first import tools_first
from pytest_ladder.session.concluding.unmatched import unmatched
from pytest_ladder.session.evidence import measured_at, mend, rung_entries, said
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.measuring.looking import looks_of, sealed_looks
from pytest_ladder.session.measuring.results import Report
from pytest_ladder.store.escalation_log import append_entries

OUT_OF_DATE = "log out of date: run `pytest --ladder` and commit"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished ladder comes to."""

    standing: Standing
    decision: Decision
    requested: bool
    refusals: tuple[Refusal, ...]
    """Empty unless fine-tuning was asked for."""
    failures: tuple[str, ...]
    """What fails the build beyond the tests themselves, one text each."""
    notes: tuple[str, ...]
    appended: tuple[Entry, ...] = ()


def finish(
    run: LadderRun, reports: Sequence[Report], *, requested: bool, interrupted: bool, now: datetime | None = None
) -> Outcome:
    """Close one ladder: append what is new to the log, decide, ask the gate.

    Under `none` nothing is written; what would be written is a failure.

    Args:
        run: The ladder.
        reports: Of its rungs, as measured in this run.
        requested: Whether fine-tuning was asked for.
        interrupted: Whether the run ended early: then no decision is made.
        now: For the entries' time; the clock's by default.
    """
    now = now or datetime.now(UTC)
    run.agreements.forget()
    measured = _measured(reports)
    changed = {report.rung: report.altered for report in reports if report.altered}
    sealed = _sealed(run, measured, changed, reports, now)
    standing = Standing(run, sealed.current, changed, now.date(), sealed.looks)
    decision = standing.decision
    new: list[Entry] = [*sealed.new]
    errors = any(report.state == "error" for report in reports)
    if decision.complete and not (errors or interrupted or changed or run.log_fault):
        new += _decided(run, standing, decision, now)
    failures = [*_failures(run, new, changed), *([] if requested or interrupted else _unjustified(standing))]
    if run.ladder.decision.de_escalate == "fail" and (down := de_escalation(run, decision)):
        failures.append(f"{run.ladder.where}: {down}.")
    if not run.settings.read_only and not run.log_fault:
        _write(run, new, reports)
    _notify(run, sealed, standing)
    refused = standing.refusals if requested else ()
    return Outcome(
        standing, decision, requested, refused, tuple(failures), tuple(_notes(run, standing, decision, now)),
        tuple(new),
    )  # fmt: skip


def _notify(run: LadderRun, sealed: Sealed, standing: Standing) -> None:
    """Tell plugins what was measured in this run, and what follows."""
    for entry in sealed.current.values():
        run.shared.extensions.rung_finished(entry)
    if standing.decision.complete:
        run.shared.extensions.decided(standing.decided)


def _write(run: LadderRun, new: Sequence[Entry], reports: Sequence[Report]) -> None:
    if new:
        with run.writing():
            run.lock()
            append_entries(run.log_path, new)
    for report in reports:
        if report.entry and not report.altered and not report.smoke:
            run.settle(report.rung, str(report.entry["fingerprint"]))
    if not any(report.smoke or report.altered or report.missing or report.state == "error" for report in reports):
        run.judges.settle()


@dataclass(frozen=True, slots=True)
class Sealed:
    """This run's entries with their ids."""

    current: Mapping[str, RungEntry]
    """Rung id -> the entry that stands for it: an old one that says the same, or a new one."""
    new: Sequence[RungEntry]
    looks: Mapping[str, RungEntry]
    """Rung id -> its look at the hold-out set, likewise."""


def _measured(reports: Sequence[Report]) -> dict[str, RungEntry]:
    return {r.rung: RungEntry.from_dict(r.entry) for r in reports if r.entry and not r.smoke}


def _sealed(
    run: LadderRun,
    measured: Mapping[str, RungEntry],
    changed: Mapping[str, str],
    reports: Sequence[Report],
    now: datetime,
) -> Sealed:
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = {report.rung: report.asked for report in reports}
    current: dict[str, RungEntry] = {}
    new: list[RungEntry] = []
    for rung in run.ladder.rungs:
        candidate = measured.get(rung.id)
        if candidate is None or rung.id in changed:
            continue
        entries = rung_entries(run.log, rung.id)
        alike = said(entries, candidate)
        if alike and not (asked.get(rung.id) and _stale(run, alike, now)):
            current[rung.id] = alike
            continue
        since = at if asked.get(rung.id) else measured_at(entries, candidate) or at
        current[rung.id] = _completed(run, candidate, current, changed, now).sealed(since)
        new.append(current[rung.id])
    order = [rung.id for rung in run.ladder.rungs]
    looks, taken = sealed_looks(run.log, sorted(reports, key=lambda r: order.index(r.rung)), changed, at)
    return Sealed(current, [*new, *taken], looks)


def _stale(run: LadderRun, entry: RungEntry, now: datetime) -> bool:
    return age_days(entry, now.date()) > run.ladder.gate.max_age_days - WARN_DAYS


def _completed(
    run: LadderRun, candidate: RungEntry, current: Mapping[str, RungEntry], changed: Mapping[str, str], now: datetime
) -> RungEntry:
    standing = Standing(run, {**current, candidate.rung: candidate}, changed, now.date())
    below = [rung.id for rung in run.ladder.cheaper(candidate.rung)]
    after = [standing.current[rung_id] for rung_id in below if rung_id in standing.current]
    waivers = in_force(run.waivers, run.ladder.name, now.date())
    last = after[-1] if after else None
    reason = f"{last.rung} was {last.verdict}" if last else "the first rung"
    waiver = None
    if waivers:
        waiver = {"kind": waivers[0].kind, "reason": waivers[0].reason, "approved_by": waivers[0].approved_by,
                  "expires": waivers[0].expires.isoformat()}  # fmt: skip
    return replace(
        candidate, after=tuple(entry.id for entry in after if entry.id), reason=reason, waiver=waiver,
        diagnosis=standing.diagnosis_of(candidate.rung),
    )  # fmt: skip


def _decided(run: LadderRun, standing: Standing, decision: Decision, now: datetime) -> list[DecisionEntry]:
    entry = standing.decided
    made = [e for e in run.log if isinstance(e, DecisionEntry)]
    if run.settings.read_only:
        standing_ids = {*standing.ids.values(), *standing.look_ids.values()}
        resting = [e for e in made if set(e.rests_on) <= standing_ids] or sorted(made, key=lambda e: e.at)[-1:]
        alike = any(e.selected == entry.selected and _confirmed(run, standing, decision, e) for e in resting)
    else:
        alike = any(
            (e.selected, e.rests_on, e.recommendation, e.reason)
            == (entry.selected, entry.rests_on, entry.recommendation, entry.reason)
            for e in made
        )
    return [] if alike else [entry.sealed(now.strftime("%Y-%m-%dT%H:%M:%SZ"))]


def _confirmed(run: LadderRun, standing: Standing, decision: Decision, made: DecisionEntry) -> bool:
    """Whether a decision of the log rests on the look that its lever needs; on any that says what today's says."""
    look = standing.looks.get(decision.selected or "")
    if look is None or decision.selected not in decision.looks:
        return True
    return any(entry.id in made.rests_on and entry.says_the_same(look.entry) for entry in looks_of(run.log))


def _failures(run: LadderRun, new: Sequence[Entry], changed: Mapping[str, str]) -> list[str]:
    where = f"{run.ladder.where} ({run.ladder.name})"
    told = [f"{where}: altered: {run.log_fault}"] if run.log_fault else []
    told += [f"{where}: {doubt}" for doubt in run.log_doubts if run.settings.read_only]
    told += [f"{where}: rung {rung}: altered: {what}. {mend(rung)}" for rung, what in changed.items()]
    if new and run.settings.read_only and not run.log_fault:
        rungs = [entry.rung if isinstance(entry, RungEntry) else "the decision" for entry in new]
        told.append(f"{where}: {OUT_OF_DATE}. Not in the log: {', '.join(dict.fromkeys(rungs))}.")
    return told


def _unjustified(standing: Standing) -> list[str]:
    """What fails where the lever is a fine-tuning whose evidence does not stand."""
    lever = standing.decision.selected
    if lever is None or standing.ladder.rung(lever).kind is not Kind.FINE_TUNE or not standing.refusals:
        return []
    told = "; ".join(f"{refusal.code}: {refusal.reason}" for refusal in standing.refusals)
    return [f"{standing.ladder.where}: {lever} is on record, but its evidence does not justify it: {told}."]


def _would_tell(standing: Standing, undecided: Sequence[str]) -> str:
    told = [(rung, more) for rung in undecided if (more := standing.undecided(rung))]
    if not told:
        return "more cases would tell"
    return "; ".join(f"{more} would tell" if len(undecided) == 1 else f"{rung}: {more}" for rung, more in told)


def _notes(run: LadderRun, standing: Standing, decision: Decision, now: datetime) -> list[str]:
    notes = [] if run.settings.read_only else list(run.log_doubts)
    if decision.selected and decision.undecided:
        notes.append(
            f"{', '.join(decision.undecided)} {'is' if len(decision.undecided) == 1 else 'are'} undecided: a cheaper "
            f"rung than {decision.selected} may do; {_would_tell(standing, decision.undecided)}"
        )
    limit = run.ladder.gate.max_age_days
    for rung_id, entry in standing.current.items():
        days = age_days(entry, now.date())
        if days >= limit - WARN_DAYS:
            stale = f"stale (after {limit})" if days > limit else f"stale after {limit}"
            again = f"`pytest --ladder --ladder-record=all --ladder-rung={rung_id}` measures it anew"
            notes.append(f"the evidence of {rung_id} is {days} days old and {stale}: {again}")
    notes += unmatched(run, now.date())
    notes += tools_first(run)
    if (down := de_escalation(run, decision)) and run.ladder.decision.de_escalate != "fail":
        notes.append(down)
    notes += out_of_turn(standing)
    notes += filter(None, [overlap(run.whole, run.holdout)])
    failing = [rung_id for rung_id, entry in standing.current.items() if entry.verdict is Verdict.ERROR]
    notes += [f"{rung_id} is in error" for rung_id in failing]
    return notes
