"""The failing cases of a ladder, and what else a full report shows: gathered from results that are there anyway."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.case_summary import ERROR, CaseSummary, Details, RungCase
from pytest_ladder.core.cases import ALL, Case
from pytest_ladder.core.diagnosis import labelled
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.entries import DecisionEntry
from pytest_ladder.core.evaluation import CaseResult, Evaluation
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.scores import Score, Unscored
from pytest_ladder.core.summary import Refusal
from pytest_ladder.core.tradeoff import tradeoffs
from pytest_ladder.session.concluding.finish import Outcome
from pytest_ladder.session.concluding.standing import Standing
from pytest_ladder.session.measuring.misses import shown
from pytest_ladder.session.measuring.results import RungResult
from pytest_ladder.session.summaries.documents import headings

FULL = (".html", ".json")
"""The extensions of the reports that show what failing cases rest on."""


def wants_details(outcome: Outcome) -> bool:
    """Whether a report of this run shows what is gathered here."""
    return any(path.suffix.lower() in FULL for path in outcome.standing.run.settings.reports)


def details_of(outcome: Outcome) -> Details:
    """Gather what a full report shows beyond the summary."""
    standing = outcome.standing
    ladder, known = standing.ladder, standing.current
    entries = [known[rung.id] for rung in ladder.rungs if rung.id in known]
    metrics = tuple(ladder.thresholds) or tuple(metric.name for metric in ladder.metrics)
    return Details(
        cases=_cases(standing), tradeoffs=tradeoffs(entries, metrics), entries=tuple(entries),
        decision=_decision(outcome),
        unverifiable=tuple(rung for rung, found in standing.results.items() if found.unverifiable),
        documents=headings(standing.run) if ladder.show == "text" else {},
    )  # fmt: skip


def obstacles(outcome: Outcome) -> tuple[Refusal, ...]:
    """What stands before fine-tuning, in a ladder that has it."""
    return outcome.standing.refusals if outcome.standing.ladder.kinds(Kind.FINE_TUNE) else ()


def _decision(outcome: Outcome) -> DecisionEntry | None:
    """The latest decision of the log or of this run that rests on what is current and selects what is selected."""
    standing = outcome.standing
    ids = {entry.id for entry in standing.current.values()} | {look.entry.id for look in standing.looks.values()}
    made = [e for e in (*standing.run.log, *outcome.appended) if isinstance(e, DecisionEntry)]
    alike = [e for e in made if e.selected == outcome.decision.selected and set(e.rests_on) <= ids]
    return max(alike, key=lambda entry: entry.at, default=None)


def _cases(standing: Standing) -> tuple[CaseSummary, ...]:
    known = {
        rung.id: rung_cases(standing, result, result.evaluation.cases)
        for rung in standing.ladder.rungs
        if rung.id in standing.current and (result := standing.results.get(rung.id))
    }
    texts = standing.ladder.show == "text"
    found = (
        case_summary(case, {rung: made[case.id] for rung, made in known.items() if case.id in made}, texts)
        for case in standing.run.whole
    )
    return tuple(case for case in found if case.failed)


def rung_cases(standing: Standing, result: RungResult, cases: Sequence[CaseResult]) -> Mapping[str, RungCase]:
    """Case id -> what a rung made of some of its cases; no answers where they are not here."""
    metrics, labels = _gating(result.evaluation), labelled(standing.run.labels, result.rung)
    texts, asked = standing.ladder.show == "text", [one for one in cases if not one.unasked]
    made = {
        one.case.id: _rung_case(one, metrics, _spared(standing, one), labels.get(one.case.id, ""), texts)
        for one in asked
    }
    told = standing.told(result, [one for one in asked if _unknown(made[one.case.id], labels.get(one.case.id, ""))])
    made = {case: replace(one, kind=told.get(case, one.kind)) for case, one in made.items()}
    return {case: replace(one, answer=None) for case, one in made.items()} if result.unverifiable else made


def _spared(standing: Standing, result: CaseResult) -> Collection[str]:
    """The metrics whose thresholds are on slices that a case is not in: it may go without their score."""
    return set(standing.ladder.thresholds).difference(standing.ladder.deciding(result.case))


def _unknown(made: RungCase, label: str) -> bool:
    """Whether nobody has said why the case failed, not even that it is not known."""
    return made.kind == FailureKind.UNKNOWN and not label


def _gating(evaluation: Evaluation) -> tuple[str, ...]:
    return evaluation.gating or tuple(evaluation.scores)


def case_summary(case: Case, rungs: Mapping[str, RungCase], texts: bool) -> CaseSummary:
    """A case with what some rungs made of it; its own texts only where `texts` says so."""
    slices = tuple(sorted({*case.slices} - {ALL}))
    if not texts:
        return CaseSummary(case.id, slices, rungs, evidence=case.evidence)
    expected = None if case.expected is None else shown(case.expected)
    return CaseSummary(case.id, slices, rungs, shown(case.input), expected, case.evidence)


def _rung_case(
    result: CaseResult, metrics: Sequence[str], spared: Collection[str], label: str, texts: bool
) -> RungCase:
    low = any(value < 1.0 for metric in metrics if (value := result.value(metric)) is not None)
    metrics = [*metrics, *(metric for metric in result.scores if metric not in metrics and result.unjudged(metric))]
    scores = {metric: result.value(metric) for metric in metrics}
    unscored = result.error is not None or any(
        score is None and metric not in spared and not (low and result.unjudged(metric))
        for metric, score in scores.items()
    )
    failed = unscored or low
    kind = (ERROR if unscored else label or str(FailureKind.UNKNOWN)) if failed else ""
    if not texts:
        return RungCase(scores, failed, kind, note=result.error.kind if result.error else "")
    note = _note(result, metrics) if failed else ""
    return RungCase(scores, failed, kind, _answer(result.answers), note, result.answers)


def _answer(answers: Sequence[Answer]) -> str | None:
    told = [answer.text or ("" if answer.parsed is None else shown(answer.parsed)) for answer in answers]
    different = dict.fromkeys(told)
    if len(different) < 2:
        return next(iter(different), None)
    return "\n\n".join(f"[{told.count(text)} of {len(told)}]\n{text}" for text in different)


def _note(result: CaseResult, metrics: Sequence[str]) -> str:
    if result.error is not None:
        return f"{result.error.kind}: {result.error.message}"
    notes = []
    for metric in metrics:
        outcome = result.scores.get(metric)
        if isinstance(outcome, Unscored):
            notes.append(f"{metric}: unscored: {outcome.reason}")
        elif isinstance(outcome, Score) and outcome.value < 1.0 and outcome.note:
            notes.append(f"{metric}: {outcome.note}")
    return "; ".join(notes)
