"""Answers to a result: scored, graded, compared with the log, and put into an entry."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version

from pytest_ladder.core.answers import Record, answers_digest
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.evaluation import Evaluation, grade
from pytest_ladder.core.hybrids import one_way
from pytest_ladder.core.judged import is_judged
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.looks import alone, is_look
from pytest_ladder.core.request_figures import request_figures
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.scores import Unscored
from pytest_ladder.report.numbers import plural
from pytest_ladder.session.evidence import altered, grown, reworded, rung_entries
from pytest_ladder.session.ladder_files import LadderFiles
from pytest_ladder.session.measuring import spent
from pytest_ladder.session.measuring.applicable import applied, unmeetable
from pytest_ladder.session.measuring.curtailing import Collected, Curtailing, applies, binary_metrics
from pytest_ladder.session.measuring.curtailing import Outcomes as Known
from pytest_ladder.session.measuring.local_scores import keep_scores, known_scores
from pytest_ladder.session.measuring.misses import misses, silent
from pytest_ladder.session.measuring.results import RungResult
from pytest_ladder.session.setup.assemble import served
from pytest_ladder.store.digests import Fingerprint
from pytest_ladder.store.prompt_file import VERSIONS
from pytest_ladder.store.recordings import recorded_inputs, recordings_path


class Grader:
    """Grades the answers of one ladder."""

    def __init__(self, files: LadderFiles) -> None:
        self.files = files
        self.ladder, self.settings = files.ladder, files.settings

    def result(self, rung: RungSpec, prints: Fingerprint, evalset: EvalSet, got: Collected) -> RungResult:
        """Score and grade what was answered, and hold it against the log."""
        known = {(case, repeat) for case, repeat, _ in got.outcomes}
        records = [record for record in got.records if (record.case, record.repeat) not in known]
        scored = self.files.judging.outcomes(records, evalset)
        outcomes = {**got.outcomes, **scored}
        if self.files.local and not self.settings.read_only and self.settings.limit is None:
            other = self.files.whole if evalset is self.files.holdout else self.files.holdout
            keep_scores(self.files.folder, rung.id, prints.digest, got.records, outcomes, other)
        return self._graded(rung, prints, evalset, got, outcomes)

    def _graded_by(self, rung: RungSpec, evalset: EvalSet) -> Ladder:
        """The contract; a smoke run has too few answers for a limit on latency, and leaves it out."""
        if evalset is self.files.holdout:
            return alone(self.ladder, rung.id, len(evalset) * self.ladder.repeats)
        if self.settings.limit is None:
            return self.ladder
        return replace(self.ladder, limits=replace(self.ladder.limits, latency_p95=None))

    def _graded(
        self, rung: RungSpec, prints: Fingerprint, evalset: EvalSet, got: Collected, outcomes: Known
    ) -> RungResult:
        contract, outcomes = self._graded_by(rung, evalset), applied(self.files, rung, prints, got.records, outcomes)
        evaluation = grade(
            contract, rung.id, evalset, got.records, got.errors, outcomes, asked=got.asked, unasked=got.unasked,
            binary=binary_metrics(contract, self.files.assembler.scorers()) if got.unasked else (),
        )  # fmt: skip
        missing = tuple(dict.fromkeys(error.case for error in got.errors if error.kind == "missing"))
        unjudged = [] if missing else list(_unjudged(evaluation))
        missing = missing or tuple(dict.fromkeys(case for case, *_ in unjudged))
        if len(missing) <= self.ladder.decision.max_error_rate * len(evalset):
            missing = ()  # as many cases may be in error, here as in the run that measured
        entry = None if missing else self.entry(rung, prints, evalset, evaluation, got.records)
        fault = ""
        if entry is not None and not (got.pending or got.asked or got.errors):
            fault = self._altered(rung, prints, evalset, entry)
        return RungResult(
            rung.id, evaluation, entry, got.asked, fault, missing,
            tuple(dict.fromkeys((metric, why) for _, metric, why in unjudged))[:1] if missing else (),
            self._spent(rung, evalset, evaluation, got, unjudged if missing else []), got.unverifiable,
            self._notes(rung, prints, evaluation, got), misses(evaluation, self.ladder.show),
            requests=request_figures(got.records) if self.settings.requests else None,
        )  # fmt: skip

    def _spent(
        self, rung: RungSpec, evalset: EvalSet, evaluation: Evaluation, got: Collected, unjudged: Sequence[_Unjudged]
    ) -> str:
        """What the end of a budget left undone of a rung that is in error for it."""
        cases = tuple(dict.fromkeys(case for case, *_ in unjudged))
        stopped = [error for error in got.errors if error.kind == "budget"]
        if stopped and (cases or evaluation.verdict is Verdict.ERROR):
            judge = f"{spent.without_verdict(cases)} of the judge of {unjudged[0][1]}. " if cases else ""
            return spent.unasked(
                rung.id, stopped[0].message, tuple(dict.fromkeys(error.case for error in stopped)),
                got.asked, len(got.records), len(evalset) * self.ladder.repeats, judge,
            )  # fmt: skip
        over = self.files.judges.meter.over if cases else ""
        return spent.unjudged(rung.id, over, cases, unjudged[0][1]) if over else ""

    def _altered(self, rung: RungSpec, prints: Fingerprint, evalset: EvalSet, entry: RungEntry) -> str:
        entries = rung_entries(self.files.log, rung.id)
        fault = altered(entries, entry)
        if not fault:
            judged = [] if self.files.judges.pending else [m.name for m in self.ladder.metrics if is_judged(m)]
            return reworded(entries, entry, judged)
        rootdir = self.files.shared.rootdir
        answers = recorded_inputs(recordings_path(self.files.folder, rung.id, prints.digest), rootdir)
        known = [e for e in entries if (e.evalset, e.fingerprint) == (entry.evalset, entry.fingerprint)]
        return "" if grown(known, answers, evalset) else fault

    def _notes(self, rung: RungSpec, prints: Fingerprint, evaluation: Evaluation, got: Collected) -> tuple[str, ...]:
        """What is to be said of the rung besides its figures."""
        aside = f"rung {evaluation.rung}: {plural(got.set_aside, 'case')} in error: the verdict is certain without"
        unscored = (*unmeetable(self.files, rung, prints, got.records), *silent(evaluation, self.ladder.show))
        way = "" if got.errors else one_way(record.answer for record in got.records)
        routed = [f"rung {evaluation.rung}: its router sent every case to {way}"] if way else []
        return (*prints.warnings, *mixture(evaluation), *unscored, *routed, *([aside] if got.set_aside else []))

    def entry(
        self,
        rung: RungSpec,
        prints: Fingerprint,
        evalset: EvalSet,
        evaluation: Evaluation,
        records: Sequence[Record],
    ) -> RungEntry:
        """The candidate entry of an evaluation, without time, id and what comes before it."""
        return RungEntry(
            ladder=self.ladder.name, rung=rung.id, rung_kind=rung.kind, evalset=evalset.digest,
            contract=self.files.contract, fingerprint=prints.digest, answers=answers_digest(records),
            cases=len(evalset), repeats=self.ladder.repeats, scores=evaluation.scores, verdict=evaluation.verdict,
            model=served(rung).model, model_returned=evaluation.model_returned, limits=evaluation.limits,
            errors=evaluation.errors, usage=evaluation.usage, latency=evaluation.latency,
            artifacts=prints.artifacts, environment=self._environment(prints),
        )  # fmt: skip

    def from_scores(self, rung: RungSpec, prints: Fingerprint, evalset: EvalSet) -> RungResult | None:
        """Judge a rung from its committed scores: its answers are not here, the log's word for them is taken."""
        early = applies(self.files, evalset, prints.digest)
        found = known_scores(
            self.files.folder, rung.id, prints.digest, self.files.shared.rootdir, evalset, self.ladder.repeats,
            partial=early,
        )  # fmt: skip
        if found is None:
            return None
        records, outcomes = found
        got = Collected(records, [], 0, pending=True, unverifiable=True, outcomes=outcomes)
        if early and len(records) < len(evalset) * self.ladder.repeats:
            got = self.files.shared.loop.run(Curtailing(self.files, evalset).judged(got))
            if not got.unasked:
                return None
        result = self._graded(rung, prints, evalset, got, outcomes)
        look = evalset is self.files.holdout
        entries = [e for e in rung_entries(self.files.log, rung.id) if is_look(e) is look]
        standing = [e for e in entries if e.fingerprint == prints.digest]
        if result.entry is None or not standing:
            return result
        return replace(result, entry=replace(result.entry, answers=standing[-1].answers))

    def _environment(self, prints: Fingerprint) -> dict[str, Json]:
        versions = {path: self.files.prompts[path].version for path in prints.artifacts if path in self.files.prompts}
        return {
            "python": platform.python_version(), "pytest_ladder": version("pytest-ladder"),
            "platform": platform.system().lower(), VERSIONS: {path: v for path, v in versions.items() if v},
        }  # fmt: skip


_Unjudged = tuple[str, str, str]
"""Case id, metric and why, of a score that lacks what a judge said."""


def _unjudged(evaluation: Evaluation) -> Iterator[_Unjudged]:
    for result in evaluation.cases:
        for metric, outcome in result.scores.items():
            if isinstance(outcome, Unscored) and outcome.missing:
                yield result.case.id, metric, outcome.reason


def mixture(evaluation: Evaluation) -> tuple[str, ...]:
    """What is wrong with a rung whose answers are not of one model, one text a model asked for."""
    return tuple(
        f"rung {evaluation.rung}: {model} answered under more than one name ({', '.join(evaluation.model_returned)}): "
        f"the provider changed it. Ask again with `--ladder-record=all --ladder-rung={evaluation.rung}`."
        for model in evaluation.mixed_models
    )
