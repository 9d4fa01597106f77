"""Asks recorded cases again, to see whether the model behind a name has changed; keeps none of the new answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytest_ladder.core import drift
from pytest_ladder.core.answers import CaseError, Record
from pytest_ladder.core.cases import Case, EvalSet, clusters
from pytest_ladder.core.curtailment import order
from pytest_ladder.core.drift import Drift
from pytest_ladder.core.entries import Verdict
from pytest_ladder.core.ports import System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.engine.client import Client
from pytest_ladder.engine.collect import Job, Progress, Terms, collect
from pytest_ladder.session.concluding.climb import Climb
from pytest_ladder.session.drift.judges import judge_drifts
from pytest_ladder.session.ladder_run import LadderRun, Own, Watch
from pytest_ladder.session.measuring.rescored import outcomes_of, repeats_of
from pytest_ladder.session.measuring.results import RungResult
from pytest_ladder.session.setup.assemble import served
from pytest_ladder.session.setup.ladder_parts import source_files
from pytest_ladder.store.digests import Fingerprint

NOTHING_RECORDED = "no case of it was on record before this run"


def evaluate(climb: Climb, rung_id: str, own: Own, watch: Watch) -> RungResult:
    """Evaluate a rung and, where the run is to look for drift in it, ask recorded cases of it again.

    Args:
        climb: Of the rung's ladder.
        rung_id: Which rung.
        own: A system that the test gave.
        watch: Called now and then while the rung runs.

    Raises:
        LadderError: the set-up is at fault.
    """
    run = climb.run
    if run.settings.drift is None:
        return run.evaluate(rung_id, own, watch)
    rung = run.ladder.rung(rung_id)
    prints = run.fingerprint(rung, source_files(own))
    before = run.asker.recordings(rung, prints, read_only=True).select(run.evalset, run.ladder.repeats)
    result = run.evaluate(rung_id, own, watch)
    if is_due(climb, result):
        again = Again(run, rung, prints, own or run.assembler.added(rung), watch)
        found = again.drift(before, run.settings.drift)
        result = replace(result, drift=found, judge_drifts=again.judges(before, found))
        run.results[rung_id] = result
    return result


def is_due(climb: Climb, result: RungResult) -> bool:
    """Whether drift is looked for in a rung that was evaluated.

    It is in every rung of a run narrowed by `--ladder-rung`; else in the lever, which is the first rung that meets the
    target, and where none does, in the last rung of the run.
    """
    if result.verdict is Verdict.ERROR or result.altered or result.missing:
        return False
    if climb.run.settings.rungs:
        return True
    if climb.lever(result.rung) is not None:
        return False
    return result.verdict is Verdict.MET or not climb.more_to_come(result.rung)


class Again:
    """Asks one rung again."""

    def __init__(self, run: LadderRun, rung: RungSpec, prints: Fingerprint, own: Own, watch: Watch) -> None:
        self.run, self.rung, self.prints, self.own, self.watch = run, rung, prints, own, watch
        self.repeats = run.ladder.repeats

    def drift(self, before: Sequence[Record], wanted: int) -> Drift:
        """Ask a sample of the recorded cases again and test the new answers against the recorded ones.

        Args:
            before: What was on record before the run.
            wanted: How many cases the user named.
        """
        known = self._recorded(before)
        cases = order(known, self.run.ladder.seed)[:wanted]
        found = Drift(self.rung.id, wanted, len(cases), len(known), confidence=self.run.ladder.decision.confidence)
        if not cases:
            return replace(found, stopped=NOTHING_RECORDED)
        ids = {case.id for case in cases}
        after, errors = self._ask(cases)
        found = self._compared(found, [record for record in before if record.case in ids], after)
        return replace(found, stopped=self._stopped(found, errors))

    def judges(self, before: Sequence[Record], sample: Drift) -> tuple[Drift, ...]:
        """Have the recorded answers to the same cases judged again: has a judge changed?"""
        cases = {case.id for case in order(self._recorded(before), self.run.ladder.seed)[: sample.wanted]}
        return judge_drifts(self.run, sample, [record for record in before if record.case in cases]) if cases else ()

    def _recorded(self, before: Sequence[Record]) -> list[Case]:
        known = {(record.case, record.repeat) for record in before}
        return [case for case in self.run.evalset if all((case.id, n) in known for n in range(self.repeats))]

    def _ask(self, cases: Sequence[Case]) -> tuple[list[Record], list[CaseError]]:
        """Ask as the rung is asked, but from no recorded call, and write nothing down."""
        found: list[Record] = []
        scrubber, settings = self.run.asker.scrubber, self.run.settings
        jobs = [Job(case.question, case.input_digest, repeat) for case in cases for repeat in range(self.repeats)]
        terms = Terms(
            self.prints.digest, lambda record: found.append(scrubber.record(record)), self.run.meter,
            concurrency=settings.concurrency, timeout_s=settings.timeout_s,
        )  # fmt: skip
        self.run.asker.progress = progress = Progress(len(jobs))
        try:
            errors = self.run.shared.loop.run(collect(jobs, self._system(), terms, progress), self.watch)
        finally:
            self.run.asker.progress = None
        return found, [replace(error, message=scrubber.secrets.clean(error.message)) for error in errors]

    def _system(self) -> System:
        return self.run.assembler.system(served(self.rung), self._client, self.own)

    def _client(self, rung: RungSpec) -> Client:
        return replace(self.run.asker.client_as(rung), recorded=lambda _: None, stray=lambda _: None)

    def _compared(self, found: Drift, before: Sequence[Record], after: Sequence[Record]) -> Drift:
        ladder, evalset = self.run.ladder, self.run.evalset
        metrics = list(ladder.thresholds) or [metric.name for metric in ladder.metrics]
        with self.run.judges.aside():  # answers that differ from those on record have no verdict there
            old, new = (
                repeats_of(outcomes_of(self.run, records, evalset), metrics, self.repeats)
                for records in (before, after)
            )
        answers, differ = drift.texts_differ(before, after)
        asked = {(record.case, record.repeat) for record in after}
        paired = [record for record in before if (record.case, record.repeat) in asked]
        return replace(
            found, answers=answers, texts_differ=differ, renamed=drift.renamed(before, after),
            latency=(drift.median_latency(paired), drift.median_latency(after)),
            tokens=(drift.mean_tokens(paired), drift.mean_tokens(after)),
            metrics=drift.compared(
                old, new, confidence=found.confidence, clusters=self._clusters(evalset), seed=ladder.seed
            ),
        )  # fmt: skip

    def _clusters(self, evalset: EvalSet) -> dict[str, str]:
        return clusters(evalset, self.run.ladder.decision.cluster)

    def _stopped(self, found: Drift, errors: Sequence[CaseError]) -> str:
        return next(self._reasons(found, errors), "")

    def _reasons(self, found: Drift, errors: Sequence[CaseError]) -> Iterator[str]:
        """Why nothing can be concluded, the first cause first."""
        if spent := [error for error in errors if error.kind == "budget"]:
            yield f"{len({e.case for e in spent})} of {found.cases} cases were not asked: {spent[0].message}"
        failed = {error.case for error in errors}
        if len(failed) > self.run.ladder.decision.max_error_rate * found.cases:
            yield f"{len(failed)} of {found.cases} cases got no answer this time: {errors[0].message}"
        yield from drift.blind(found)
