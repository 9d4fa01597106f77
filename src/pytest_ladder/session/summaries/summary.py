"""A finished ladder as the records that reports show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import metadata

from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.gate import in_force
from pytest_ladder.core.looks import look_words
from pytest_ladder.core.request_figures import RequestFigures
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.summary import LadderSummary, Miss, RungRow, State
from pytest_ladder.core.thresholds import ceilings, undecidable
from pytest_ladder.session.concluding.finish import Outcome
from pytest_ladder.session.concluding.selftests import selftests
from pytest_ladder.session.concluding.standing import Standing
from pytest_ladder.session.drift.failing import drifts_of
from pytest_ladder.session.measuring.results import Report
from pytest_ladder.session.summaries.case_summary import details_of, obstacles, wants_details
from pytest_ladder.session.summaries.failing import failing
from pytest_ladder.session.summaries.judged import judged_of

ROUNDING_S = 2e-6


def version() -> str:
    """The version of this package."""
    return metadata.version("pytest-ladder")


def summarise(outcome: Outcome, reports: Sequence[Report]) -> LadderSummary:
    """Gather what a run has to tell of one ladder."""
    ladder, standing = outcome.standing.ladder, outcome.standing
    sent = {report.rung: report for report in reports}
    rows = tuple(_diagnosed(_row(rung, sent.get(rung.id), outcome), standing) for rung in ladder.rungs)
    gains = {} if _smoke(reports) else standing.gains
    rows = tuple(replace(row, versions=standing.versions(row.id), gain=gains.get(row.id)) for row in rows)
    rows = tuple(replace(row, searched=standing.run.found_by(row.id) if row.entry else None) for row in rows)
    told = [note for report in reports for note in report.notes]
    waivers = in_force(standing.run.waivers, ladder.name, standing.today)
    return LadderSummary(
        name=ladder.name, where=ladder.where, task=ladder.task, rows=rows, thresholds=ladder.thresholds,
        limits=ceilings(ladder.limits), selected=outcome.decision.selected, decided=_decided(outcome, reports),
        recommendation="" if _smoke(reports) else outcome.decision.recommendation,
        requested=outcome.requested, refusals=outcome.refusals, failures=failing(outcome, reports),
        allowed=outcome.requested and not outcome.refusals,
        waivers=tuple(f"{w.kind}: {w.reason} (approved by {w.approved_by}, until {w.expires})" for w in waivers),
        notes=tuple(dict.fromkeys([*told, *outcome.notes])), confidence=ladder.decision.confidence,
        looks=() if _smoke(reports) else tuple((look, look_words(ladder, look)) for look in standing.looks.values()),
        sure=Confidences.of(ladder), too_few=_too_few(standing, reports),
        rule=ladder.decision.rule, show=ladder.show, cases=len(standing.run.evalset),
        judges=judged_of(standing, reports), drifts=drifts_of(reports),
        selftest=selftests(standing) if standing.run.settings.selftest else None,
        details=details_of(outcome) if wants_details(outcome) else None,
        obstacles=obstacles(outcome) if wants_details(outcome) else (),
    )  # fmt: skip


def _row(rung: RungSpec, report: Report | None, outcome: Outcome) -> RungRow:
    standing, selected = outcome.standing, outcome.decision.selected
    current = standing.current
    if report is None:
        entry, state = current.get(rung.id), _standing(standing.verdict(rung.id), rung.id == selected)
        return RungRow(
            rung.id, rung.kind, state, entry, entry is not None, standing.unheld(rung.id),
            requests=_recorded(rung.id, standing) if entry else None,
        )  # fmt: skip
    entry = _as_logged(RungEntry.from_dict(report.entry), outcome) if report.entry else None
    logged = entry is None and rung.id in current and State(report.state) is not State.ERROR
    state = State(report.state)
    if state is State.MET and rung.id == selected:
        state = State.SELECTED
    measured = RequestFigures.from_dict(report.requests) if report.requests else None
    return RungRow(
        rung.id, rung.kind, state, current[rung.id] if logged else entry, logged,
        report.note or report.altered, tuple(Miss(**miss) for miss in report.misses), report.recall,
        requests=_recorded(rung.id, standing) if logged else measured,
    )  # fmt: skip


def _recorded(rung_id: str, standing: Standing) -> RequestFigures | None:
    """The figures of a rung's model calls on record."""
    result = standing.results.get(rung_id)
    return result.requests if result else None


def _as_logged(entry: RungEntry, outcome: Outcome) -> RungEntry:
    """An entry as it stands in the log, with its time and id, where that says the same in its costs and times too."""
    known = outcome.standing.current.get(entry.rung)
    if known is None or (outcome.standing.run.settings.read_only and known in outcome.appended):
        return entry
    alike = known.usage == entry.usage and _close(known.latency, entry.latency) and known.says_the_same(entry)
    return known if alike else entry


def _close(times: Mapping[str, float | None], others: Mapping[str, float | None]) -> bool:
    """Whether seconds are equal but for the rounding of what is on record."""
    pairs = [(times.get(key), others.get(key)) for key in {*times, *others}]
    return all(a == b or (a is not None and b is not None and abs(a - b) <= ROUNDING_S) for a, b in pairs)


def _diagnosed(row: RungRow, standing: Standing) -> RungRow:
    """The row with its failures counted by today's labels."""
    if row.entry is None or standing.verdict(row.id) is Verdict.MET:
        return row
    return replace(row, entry=replace(row.entry, diagnosis=standing.diagnosis_of(row.id)))


def _standing(verdict: Verdict | None, selected: bool) -> State:
    if verdict is None:
        return State.NOT_RUN
    return State.SELECTED if selected else State(str(verdict))


def _too_few(standing: Standing, reports: Sequence[Report]) -> tuple[str, ...]:
    return () if _smoke(reports) else tuple(map(str, undecidable(standing.ladder, standing.run.whole)))


def _smoke(reports: Sequence[Report]) -> bool:
    return any(report.smoke for report in reports)


def _decided(outcome: Outcome, reports: Sequence[Report]) -> str:
    if _smoke(reports):
        return "nothing: a smoke run of the first cases is no evidence, and nothing of it is logged."
    return outcome.decision.reason + "."
