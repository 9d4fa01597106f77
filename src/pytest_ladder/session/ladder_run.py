"""One ladder in one run: its files, and the evaluation of its rungs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_ladder.core.answers import CaseError, Record
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.entries import Verdict
from pytest_ladder.core.hybrids import referred
from pytest_ladder.core.looks import confirms
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.engine.client import Client
from pytest_ladder.engine.collect import Progress
from pytest_ladder.engine.meter import Meter
from pytest_ladder.session.evidence import Known
from pytest_ladder.session.ladder_files import LadderFiles
from pytest_ladder.session.measuring.asker import Asker
from pytest_ladder.session.measuring.curtailing import Collected
from pytest_ladder.session.measuring.grader import Grader
from pytest_ladder.session.measuring.looking import with_look
from pytest_ladder.session.measuring.results import RungResult
from pytest_ladder.session.search.optimizing import Optimizing
from pytest_ladder.session.setup.ladder_parts import source_files
from pytest_ladder.session.shared import Shared
from pytest_ladder.store.digests import Fingerprint
from pytest_ladder.store.recordings import clear_pending, is_pending

Own = Callable[..., Any] | None
"""A system that a test gave; None for the rung's own."""

Watch = Callable[[], None] | None
"""Called now and then while a rung runs."""


class LadderRun(LadderFiles):
    """One ladder, read from its folder; evaluates its rungs."""

    def __init__(self, path: Path, shared: Shared) -> None:
        """Read and check every file of the ladder.

        Raises:
            InvalidFile: a file cannot be used.
        """
        super().__init__(path, shared)
        self.asker = Asker(self)
        self.grader = Grader(self)
        self.optimizing = Optimizing(self, self.asker)
        self.judges.meter.whole = self.asker.meter
        self.results: dict[str, RungResult] = {}
        """Rung id -> what was measured in this process."""
        self.versions: Known = {}
        """What was found of the versions on record, for counting the effort."""

    @property
    def meter(self) -> Meter:
        """The ladder's own budget."""
        return self.asker.meter

    @property
    def progress(self) -> Progress | None:
        """How far the rung that is being asked, or judged, has come; None while nothing is."""
        return self.asker.progress or self.judging.progress

    def evaluate(self, rung_id: str, own: Own = None, watch: Watch = None) -> RungResult:
        """Evaluate a rung: ask what is missing, score everything, build the entry for the log.

        Args:
            rung_id: Which rung.
            own: A system that the test gave; it replaces the rung's own.
            watch: Called now and then while the rung runs.

        Raises:
            LadderError: the set-up is at fault.
        """
        rung = self.ladder.rung(rung_id)
        searched = self._searched(rung, own, watch)
        prints = self.fingerprint(rung, source_files(own))
        own = own or self.assembler.added(rung)
        self.judging.begin(rung_id, watch)
        with self.writing(), self.judges.asking():
            self.agreements.settle()
            result = self._here(rung, prints, self.evalset, own, watch)
            if self._looks(result):
                result = self._look(rung, prints, own, watch, result)
        result = replace(result, judges=self.judges.usage(), notes=(*searched, *result.notes))
        self.results[rung_id] = result
        return result

    def _searched(self, rung: RungSpec, own: Own, watch: Watch) -> tuple[str, ...]:
        """Let the prompts be found with which a rung, or one that it refers to, answers; what is to be said of it."""
        notes: list[str] = []
        with self.writing(), self.judges.asking():
            for one in ([] if own else [rung]) + list(referred(self.ladder.rungs, rung)):
                notes += () if self.assembler.added(one) else self.optimizing.ensure(one, watch)
        return tuple(notes)

    def _here(
        self,
        rung: RungSpec,
        prints: Fingerprint,
        evalset: EvalSet,
        own: Own,
        watch: Watch,
    ) -> RungResult:
        answers = self.asker.answers(rung, prints, evalset, own, watch)
        if self.local and self.settings.read_only and answers.errors:
            known = self.grader.from_scores(rung, prints, evalset)
            if known is not None:
                return known
        return self.grader.result(rung, prints, evalset, answers)

    def from_record(self, rung_id: str, prints: Fingerprint | None = None) -> RungResult | None:
        """Evaluate a rung from its recordings alone; None where an answer is missing."""
        rung = self.ladder.rung(rung_id)
        prints = prints or self.fingerprint(rung)
        result = self._on_record(rung, prints, self.whole)
        if result is None or result.evaluation.verdict is not Verdict.MET or not confirms(self.ladder):
            return result
        assert self.holdout is not None
        look = self._on_record(rung, prints, self.holdout)
        if look is None:
            known = self.asker.recordings(rung, prints, read_only=True).select(self.holdout, self.ladder.repeats)
            absent = dict.fromkeys(error.case for error in self._absent(self.holdout, known))
            return replace(result, missing=tuple(absent))
        return with_look(self.ladder, result, look)

    def _on_record(self, rung: RungSpec, prints: Fingerprint, evalset: EvalSet) -> RungResult | None:
        records = self.asker.recordings(rung, prints, read_only=True).select(evalset, self.ladder.repeats)
        pending = not self.settings.read_only and is_pending(self.folder, rung.id, prints.digest)
        got = Collected(records, self._absent(evalset, records), 0, pending)
        got = self.asker.judged(evalset, got, prints.digest)
        if len({error.case for error in got.errors}) > self.ladder.decision.max_error_rate * len(evalset):
            return self.grader.from_scores(rung, prints, evalset) if self.local else None
        return self.grader.result(rung, prints, evalset, got)

    def _absent(self, evalset: EvalSet, records: Sequence[Record]) -> list[CaseError]:
        known = {(record.case, record.repeat) for record in records}
        return [
            CaseError(case.id, repeat, "not on record", "missing")
            for case in evalset
            for repeat in range(self.ladder.repeats)
            if (case.id, repeat) not in known
        ]

    def recorded(self, rung_id: str) -> bool:
        """Whether every answer of a rung, as it is today, is on record, or no verdict needs the others."""
        rung = self.ladder.rung(rung_id)
        recordings = self.asker.recordings(rung, self.fingerprint(rung), read_only=True)
        return not self.asker.needed(recordings, self.evalset)[0]

    def _looks(self, result: RungResult) -> bool:
        """Whether a rung is to be held against the hold-out set: only where that can decide, for each look wears it."""
        if self.settings.limit is not None or result.evaluation.verdict is not Verdict.MET or result.altered:
            return False
        cheaper = [self.results.get(rung.id) for rung in self.ladder.cheaper(result.rung)]
        levers = [lower for lower in cheaper if lower is not None and lower.verdict is Verdict.MET]
        return self.settings.holdout or (confirms(self.ladder) and not levers)

    def _look(
        self,
        rung: RungSpec,
        prints: Fingerprint,
        own: Own,
        watch: Watch,
        result: RungResult,
    ) -> RungResult:
        if self.holdout is None:
            return replace(result, notes=(*result.notes, "hold-out: the key `holdout` names no set to look at"))
        return with_look(self.ladder, result, self._here(rung, prints, self.holdout, own, watch))

    def client(self, rung: RungSpec) -> Client:
        """The model client of a rung."""
        return self.asker.client(rung)

    def lock(self) -> bool:
        """Take the ladder's lock for this process, and read the log again; whether it was not held before."""
        return self.asker.lock()

    def settle(self, rung_id: str, fingerprint_digest: str) -> None:
        """Forget that a rung was being asked: its entry is in the log."""
        clear_pending(self.folder, rung_id, fingerprint_digest)

    def close(self) -> None:
        """Free the models and the lock."""
        self.assembler.close()
        self.asker.close()
