"""The answers of the base against those of today, case by case, all graded by today's rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pytest_ladder.core.base_summary import Flips
from pytest_ladder.core.cases import Case, EvalSet, clusters
from pytest_ladder.core.comparing import pairs_of
from pytest_ladder.core.entries import RungEntry
from pytest_ladder.core.evaluation import Evaluation, Outcomes, grade
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.pairing import Pairs, compare_family
from pytest_ladder.core.policy import Policy
from pytest_ladder.core.stopping import curtails
from pytest_ladder.engine.score import score
from pytest_ladder.errors import InvalidFile
from pytest_ladder.session.base.ladder import BaseLadder
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.measuring.local_scores import known_scores
from pytest_ladder.store.recordings import Recordings

Key = tuple[str, str, str]
"""Rung at the base, rung today, metric."""

KEPT_OUT = "recordings are kept out of git"
GRADING = ("expected", "evidence", "evidence_needed", "steps", "tools")
"""Parts of a case that its score depends on, the input apart."""


class Comparer:
    """Compares one ladder with itself at the base."""

    def __init__(self, run: LadderRun, base: BaseLadder, policies: tuple[Policy, Policy]) -> None:
        self.run, self.base = run, base
        self._policies = policies
        self.notes: list[str] = []
        """What could not be compared, one text each."""

    def flips(self, today: Mapping[str, Evaluation], lever: str | None) -> tuple[Flips, ...]:
        """Compare every rung with itself, and the lever with the lever of the base where that was another rung.

        All of them are one family: the more there is to look at, the more it takes to raise the alarm.

        Args:
            today: Rung id -> its evaluation, for the rungs with current evidence.
            lever: The lever of today.
        """
        self._absent(today)
        pairs: dict[Key, Pairs] = {}
        for before, now in self._asked(today, lever):
            pairs |= self._pairs(before, now, today[now])
        compared = compare_family(
            pairs, confidence=self.confidence, min_effect=self.min_effect, seed=self.run.ladder.seed
        )
        return tuple(
            Flips(before, now, metric, found)
            for (before, now, metric), comparison in compared.items()
            for found in comparison.slices.values()
        )

    @property
    def confidence(self) -> float:
        """Of there being no false alarm: the smaller one, so that a change of it hides no loss."""
        return min(self.base.ladder.decision.confidence, self.run.ladder.decision.confidence)

    @property
    def min_effect(self) -> float:
        """The least loss that counts: the smaller one."""
        return min(self.base.ladder.decision.min_effect, self.run.ladder.decision.min_effect)

    def _absent(self, today: Mapping[str, Evaluation]) -> None:
        """Tell of rungs that the base has evidence of, and this run none."""
        for rung in self.run.ladder.rungs:
            if rung.id not in today and self.base.current(rung.id):
                self._tell(rung.id, "it has no current evidence here")

    def _asked(self, today: Mapping[str, Evaluation], lever: str | None) -> Iterator[tuple[str, str]]:
        known = {rung.id for rung in self.base.ladder.rungs}
        yield from ((rung, rung) for rung in today if rung in known)
        was = self.base.lever
        if was and lever and was != lever and lever in today:
            yield was, lever

    def _pairs(self, before: str, now: str, today: Evaluation) -> dict[Key, Pairs]:
        graded = self._graded(before)
        if graded is None:
            return {}
        old, metrics = graded
        joined = clusters(self.run.whole, self.run.ladder.decision.cluster)
        return {(before, now, metric): self._widened(pairs_of(old, today, metric, joined)) for metric in metrics}

    def _widened(self, pairs: Pairs) -> Pairs:
        """With the slices that are gone: to drop a slice hides no loss in it."""
        old = self.base.cases.slices if self.base.cases else {}
        gone = {name: [case.id for case in cases] for name, cases in old.items() if name not in pairs.slices}
        return replace(pairs, slices={**pairs.slices, **gone})

    # --- the side of the base -------------------------------------------------------------------------------------

    def _graded(self, rung: str) -> tuple[Evaluation, Sequence[str]] | None:
        """A rung of the base by today's grading, and the metrics to compare; None where that cannot be told."""
        entry = self.base.current(rung)
        cases = self.base.cases
        if entry is None or cases is None:
            self._tell(
                rung,
                "no entry of the log there is of its files there" if cases else "its eval set is not to be had there",
            )
            return None
        shared = _shared(self.run.whole, cases)
        if not len(shared):
            self._tell(rung, "no case is the same as there")
            return None
        try:
            return self._from_answers(entry, shared) or self._from_scores(entry, cases, shared)
        except InvalidFile as fault:
            self._tell(rung, f"its answers there cannot be read ({fault})")
            return None

    def _tell(self, rung: str, why: str) -> None:
        told = f"{rung} is not compared: {why}"
        if told not in self.notes:
            self.notes.append(told)

    def _from_answers(self, entry: RungEntry, shared: EvalSet) -> tuple[Evaluation, Sequence[str]] | None:
        if not self.base.recorded(entry):
            return None
        folder, rootdir = self.base.folder, self.base.rootdir
        recordings = Recordings(folder, entry.rung, entry.fingerprint, rootdir, read_only=True)
        records = recordings.select(shared, self.base.ladder.repeats)
        work = score(records, shared, self.run.assembler.scorers(), self.run.corpus)
        outcomes: Outcomes = self.run.shared.loop.run(work)
        graded = grade(self._by(), entry.rung, shared, records, [], outcomes)
        return graded, self._metrics(row.name for row in self.run.ladder.metrics)

    def _by(self) -> Ladder:
        """Today's grading, of as many answers a case as there were."""
        return replace(self.run.ladder, repeats=self.base.ladder.repeats)

    def _metrics(self, known: Iterable[str]) -> list[str]:
        """The metrics that decide, there or here, and that are here today; no judge that is for triage alone."""
        deciding = dict.fromkeys([*self.run.ladder.thresholds, *self.base.ladder.thresholds])
        there = set(known)
        return [metric for metric in deciding if metric in there and metric not in self.run.ladder.unproven]

    def _from_scores(
        self, entry: RungEntry, cases: EvalSet, shared: EvalSet
    ) -> tuple[Evaluation, Sequence[str]] | None:
        """Where the answers are kept out of git: by the scores that were committed, as far as they still hold."""
        alike = EvalSet(tuple(case for case in shared if _graded_alike(case, cases.by_id[case.id])), shared.name)
        metrics = self._metrics(self._same_scorers())
        if not self.base.scored(entry):
            self._tell(entry.rung, KEPT_OUT if self.run.local else "its answers are not in git there")
            return None
        folder, rootdir, repeats = self.base.folder, self.base.rootdir, self.base.ladder.repeats
        early = curtails(self.base.ladder)  # it may have scores of a part alone
        found = known_scores(folder, entry.rung, entry.fingerprint, rootdir, alike, repeats, partial=early)
        if found is None or not metrics or not len(alike):
            self._tell(entry.rung, f"{KEPT_OUT}, and the scores there are not by today's grading")
            return None
        records, outcomes = found
        if left := [
            metric for metric in self._metrics(m.name for m in self.run.ladder.metrics) if metric not in metrics
        ]:
            self._tell(f"{entry.rung} {', '.join(left)}", f"{KEPT_OUT}, and the scorer is another one")
        return grade(self._by(), entry.rung, alike, records, [], outcomes), metrics

    def _same_scorers(self) -> list[str]:
        old, new = self._policies
        specs = {metric.name: metric for metric in old.ladder.metrics}
        return [
            metric.name
            for metric in new.ladder.metrics
            if specs.get(metric.name) == metric and old.files.get(metric.name) == new.files.get(metric.name)
        ]


def _shared(today: EvalSet, base: EvalSet) -> EvalSet:
    """Today's cases that the base has under the same id and with the same input."""
    known = {case.id: case.input_digest for case in base}
    return EvalSet(tuple(case for case in today if known.get(case.id) == case.input_digest), today.name)


def _graded_alike(one: Case, other: Case) -> bool:
    mine, theirs = one.as_dict(), other.as_dict()
    return all(mine.get(key) == theirs.get(key) for key in GRADING)
