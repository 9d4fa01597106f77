"""Gets the answers of a rung: from its recordings, and by asking for what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from pytest_ladder.core.answers import CaseError, Record
from pytest_ladder.core.canonical import digest
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.engine.client import Client, Ledger
from pytest_ladder.engine.collect import Job, Progress, Terms, collect
from pytest_ladder.engine.meter import Meter, left
from pytest_ladder.session.ladder_files import LadderFiles
from pytest_ladder.session.measuring.curtailing import Collected, Curtailing, Enough, applies
from pytest_ladder.session.measuring.estimating import estimate, with_judges
from pytest_ladder.session.settings import Record as Mode
from pytest_ladder.session.setup.assemble import ADAPTER, run_settings, served
from pytest_ladder.session.setup.scrub import Scrubber
from pytest_ladder.store.call_index import CallIndex
from pytest_ladder.store.digests import Fingerprint
from pytest_ladder.store.guard import guard_local, guard_shared
from pytest_ladder.store.lock import LadderLock
from pytest_ladder.store.modules import names_file
from pytest_ladder.store.paths import beside
from pytest_ladder.store.recordings import Recordings, is_pending, mark_pending


class Asker:
    """Asks for the answers of one ladder, one rung at a time."""

    def __init__(self, files: LadderFiles) -> None:
        self.files = files
        self.ladder, self.settings = files.ladder, files.settings
        self.meter = Meter(
            max_cost_usd=self.ladder.budget_usd, raise_by="raise [budget] cost_usd", whole=files.shared.meter
        )
        self.progress: Progress | None = None
        """Of the rung that is being asked; None while nothing is."""
        self.unfinished: tuple[str, Progress] | None = None
        """The rung whose asking was begun and did not come to its end, and how far it came."""
        self._lock = LadderLock(files.folder)
        self._locked = False

    def answers(
        self,
        rung: RungSpec,
        prints: Fingerprint,
        evalset: EvalSet,
        own: Callable[..., Any] | None,
        watch: Callable[[], None] | None,
    ) -> Collected:
        """Get the answers of a rung to an eval set; what is not on record is asked for, unless the run is read-only."""
        recordings = self.recordings(rung, prints, self.settings.read_only)
        jobs, enough = self.needed(recordings, evalset)
        errors: list[CaseError] = []
        asked = 0
        if jobs and self.settings.read_only:
            errors = [CaseError(j.question.id, j.repeat, "not on record", "missing") for j in jobs]
        elif jobs:
            if self.lock():  # another run may have written since
                before, recordings = recordings.lines, self.recordings(rung, prints, read_only=False)
                jobs, enough = (jobs, enough) if recordings.lines == before else self.needed(recordings, evalset)
            mark_pending(self.files.folder, rung.id, prints.digest)
            asked, errors = self._ask(rung, prints, recordings, jobs, own, watch, enough)
        records = recordings.select(evalset, self.ladder.repeats)
        pending = not self.settings.read_only and is_pending(self.files.folder, rung.id, prints.digest)
        got = Collected(records, errors, asked, pending, outcomes=enough.outcomes if enough else {})
        return self.judged(evalset, got, prints.digest)

    def needed(self, recordings: Recordings, evalset: EvalSet) -> tuple[list[Job], Enough | None]:
        """The answers that are to be asked for, and who tells when they are enough; nobody where all are needed."""
        jobs = self.jobs(recordings, evalset)
        if not jobs or not applies(self.files, evalset, recordings.fingerprint):
            return jobs, None
        records = recordings.select(evalset, self.ladder.repeats)
        again = self.settings.record is Mode.ALL
        enough = Enough(self.files, evalset, {record.case for record in records} if again else ())
        if not again:
            self.files.judging.outcomes(records, evalset)
            if self.files.shared.loop.run(enough.known(records)):
                return [], enough
        return enough.ordered(jobs), enough

    def judged(self, evalset: EvalSet, got: Collected, fingerprint: str) -> Collected:
        """Tell what is missing from what is not needed, where a version of a rung may end early."""
        if not applies(self.files, evalset, fingerprint):
            return got
        known = {(case, repeat) for case, repeat, _ in got.outcomes}
        left_out = [record for record in got.records if (record.case, record.repeat) not in known]
        got = replace(got, outcomes={**got.outcomes, **self.files.judging.outcomes(left_out, evalset)})
        work = Curtailing(self.files, evalset).judged(got)
        judged: Collected = self.files.shared.loop.run(work)
        return judged

    def jobs(self, recordings: Recordings, evalset: EvalSet) -> list[Job]:
        """The answers that are to be asked for."""
        again = self.settings.record is Mode.ALL
        return [
            Job(case.question, case.input_digest, repeat)
            for case in evalset
            for repeat in range(self.ladder.repeats)
            if again or recordings.get(case.id, case.input_digest, repeat) is None
        ]

    def _ask(
        self,
        rung: RungSpec,
        prints: Fingerprint,
        recordings: Recordings,
        jobs: Sequence[Job],
        own: Callable[..., Any] | None,
        watch: Callable[[], None] | None,
        enough: Enough | None,
    ) -> tuple[int, list[CaseError]]:
        system = self.files.assembler.system(served(rung), self.client_as, own)
        guard = guard_local if self.files.local else guard_shared
        guard(self.files.folder)
        terms = Terms(
            fingerprint=prints.digest,
            record=lambda record: self._record(recordings, record, enough),
            meter=self.meter,
            stray=lambda ledger: self._stray(rung, ledger),
            flush=lambda: self._flush(recordings),
            concurrency=self.settings.concurrency,
            timeout_s=self.settings.timeout_s,
            texts_only=self._texts_only(rung, own),
        )
        if enough is not None:
            terms = replace(terms, wanted=enough.wanted, answered=enough.answered)
        known = estimate(self.files, served(rung), self.client_as, jobs, own=own is not None)
        if expected := with_judges(self.files, known, jobs):
            left_usd = left(self.meter, self.files.shared.meter)
            self.files.shared.announce(expected.told(self.ladder.name, rung.id, left_usd))
        self.progress = progress = Progress(len(jobs))
        self.unfinished = rung.id, progress
        try:
            errors = self.files.shared.loop.run(collect(jobs, system, terms, progress), watch)
        finally:
            self.progress = None
            with self.files.writing():
                recordings.close()
        self.unfinished = None
        clean = [replace(error, message=self.scrubber.secrets.clean(error.message)) for error in errors]
        return progress.done - len(errors), clean

    def _record(self, recordings: Recordings, record: Record, enough: Enough | None) -> None:
        clean = self.scrubber.record(record)
        recordings.take(clean)
        self.calls.remember(clean.calls)  # another rung may refer to this one, and ask the same
        if enough is not None:
            enough.keep(clean)

    def _flush(self, recordings: Recordings) -> None:
        with self.files.writing():  # answers that cannot be kept: nothing more is to be asked
            recordings.flush()

    def _stray(self, rung: RungSpec, ledger: Ledger) -> None:
        self.calls.add(rung.id, [self.scrubber.call(call) for call in ledger.calls])

    @cached_property
    def calls(self) -> CallIndex:
        """The recorded model calls of the whole ladder."""
        return CallIndex(self.files.folder)

    def client(self, rung: RungSpec) -> Client:
        """The client of the model that answers for a rung."""
        return self.client_as(served(rung))

    def client_as(self, rung: RungSpec) -> Client:
        """The client of the model that a rung, as it is served or as it asks another model, names."""
        again = self.settings.record is Mode.ALL
        return Client(
            name=rung.model,
            open_model=self.files.assembler.opener(rung),
            options={k: v for k, v in rung.model_options.items() if k not in run_settings(rung)},
            seed=self.ladder.seed,
            meter=self.meter,
            recorded=(lambda _: None) if again else self.calls.get,
            read_only=self.settings.read_only,
            where=rung.at(),
            files=self._model_files(rung),
            stray=lambda call: self.calls.add(rung.id, [self.scrubber.call(call)]),
            pace=self.files.shared.pace(rung.model),
            clean=lambda said: self.scrubber.secrets.clean(said),
            concurrency=self.settings.concurrency,
            timeout_s=self.settings.timeout_s,
        )

    def _texts_only(self, rung: RungSpec, own: Callable[..., Any] | None) -> bool:
        """Whether a rung puts one prompt before a hosted model, and that is all."""
        prompts = rung.kind in (Kind.PROMPT, Kind.FEW_SHOT, Kind.OPTIMIZE)
        return prompts and own is None and rung.system is None and self.files.shared.pace(rung.model) is not None

    def _model_files(self, rung: RungSpec) -> str:
        """Digest of the files of the rung's fingerprint that are its model; empty where there is none."""
        adapter = rung.options.get("adapter") if ADAPTER in (rung.model or "") else None
        folder = beside(self.files.assembler.path(str(adapter)), self.files.folder) + "/" if adapter else ""
        code = self.files.assembler.path(str(rung.model).rpartition(":")[0]) if names_file(rung.model or "") else None
        files = {
            path: content
            for path, content in self.files.fingerprint(self.ladder.rung(rung.id)).artifacts.items()
            if (folder and path.startswith(folder)) or (code and path == beside(code, self.files.folder))
        }
        return digest(files) if files else ""

    def recordings(self, rung: RungSpec, prints: Fingerprint, read_only: bool) -> Recordings:
        """The recordings of one version of a rung."""
        return Recordings(self.files.folder, rung.id, prints.digest, self.files.shared.rootdir, read_only)

    @property
    def scrubber(self) -> Scrubber:
        """The filter before anything is written."""
        return self.files.scrubber

    def lock(self) -> bool:
        """Take the ladder's lock for this process, and read the log again; whether it was not held before.

        Raises:
            Locked: another run holds it.
        """
        if self._locked:
            return False
        self._lock.acquire()
        self._locked = True
        self.files.read_again()
        return True

    def close(self) -> None:
        """Give the lock back."""
        if self._locked:
            self._lock.release()
            self._locked = False
