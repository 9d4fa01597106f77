"""One ladder in one run: read, evaluate, compare with the log."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pytest_ladder.core.answers import CaseError, Record, answers_digest
from pytest_ladder.core.canonical import Json, digest
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.entries import Entry, RungEntry, Verdict
from pytest_ladder.core.evaluation import Evaluation, grade
from pytest_ladder.core.ladder import Label, Ladder, Waiver
from pytest_ladder.core.ports import System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.thresholds import impossible
from pytest_ladder.engine.client import Client, Ledger
from pytest_ladder.engine.collect import Job, Progress, Terms, collect
from pytest_ladder.engine.loop import LoopThread
from pytest_ladder.engine.meter import Meter
from pytest_ladder.engine.score import Outcomes, score
from pytest_ladder.errors import Altered, InvalidFile, message
from pytest_ladder.rungs.own import OwnSystem
from pytest_ladder.session.assemble import Assembler, run_settings, served
from pytest_ladder.session.evidence import altered, doubts, rung_entries
from pytest_ladder.session.local_scores import keep_scores, known_scores
from pytest_ladder.session.misses import misses
from pytest_ladder.session.results import RungResult
from pytest_ladder.session.scrub import Scrubber
from pytest_ladder.session.settings import Record as Mode
from pytest_ladder.session.settings import Settings
from pytest_ladder.store.call_index import CallIndex
from pytest_ladder.store.cases_file import read_cases
from pytest_ladder.store.digests import Fingerprint, contract, fingerprint
from pytest_ladder.store.escalation_log import read_log
from pytest_ladder.store.guard import guard_local, guard_shared
from pytest_ladder.store.labels import read_labels
from pytest_ladder.store.lock import LadderLock
from pytest_ladder.store.modules import names_file
from pytest_ladder.store.paths import beside, relative
from pytest_ladder.store.prompt_file import VERSIONS, PromptFile, check_versions, read_prompt
from pytest_ladder.store.recordings import (
    Recordings,
    clear_pending,
    is_pending,
    mark_pending,
)
from pytest_ladder.store.secrets import Redactor
from pytest_ladder.store.spec import read_ladder
from pytest_ladder.store.waivers import read_waivers

LOG = "escalation.jsonl"


@dataclass
class Shared:
    """What the ladders of one process share."""

    settings: Settings
    rootdir: Path
    loop: LoopThread = field(default_factory=LoopThread)
    meter: Meter = field(default_factory=Meter)


class LadderRun:
    """One ladder, read from its folder; evaluates its rungs."""

    def __init__(self, path: Path, shared: Shared) -> None:
        """Read and check every file of the ladder.

        Raises:
            InvalidFile: a file cannot be used.
        """
        self.shared = shared
        self.settings = shared.settings
        self.ladder: Ladder = read_ladder(path, shared.rootdir)
        self.folder = self.ladder.folder
        self.whole = self._cases(self.ladder.evalset)
        self.evalset = limited(self.whole, self.settings.limit)
        self.holdout = self._cases(self.ladder.holdout) if self.ladder.holdout else None
        if self.settings.limit is None:
            self._check_possible()
        self.log_fault = ""
        """Why the log cannot be trusted at all: a line of it was changed."""
        self.log: tuple[Entry, ...] = self._read_log()
        """The entries of this ladder."""
        self.labels: tuple[Label, ...] = tuple(read_labels(self.folder / "labels.jsonl", shared.rootdir))
        self.waivers: tuple[Waiver, ...] = tuple(read_waivers(self.folder / "waivers.toml", shared.rootdir))
        self.assembler = Assembler(self.ladder, [self.whole, *([self.holdout] if self.holdout else [])])
        self.assembler.scorers()
        self.meter = Meter(max_cost_usd=self.ladder.budget_usd, raise_by="raise [budget] cost_usd", whole=shared.meter)
        self.results: dict[str, RungResult] = {}
        self.progress: Progress | None = None
        self._lock = LadderLock(self.folder)
        self._locked = False
        self._fingerprints: dict[str, Fingerprint] = {}
        self._check_prompt_versions()

    @property
    def log_path(self) -> Path:
        """The escalation log."""
        return self.folder / LOG

    @property
    def local(self) -> bool:
        """Whether recordings stay out of git."""
        return self.ladder.store == "local"

    def _cases(self, written: str) -> EvalSet:
        path = (self.folder / written).resolve()
        if not path.is_relative_to(self.shared.rootdir.resolve()):
            raise InvalidFile(
                message(self.ladder.where, "a path leaves pytest's rootdir", got=written, expected="a path inside it")
            )
        return read_cases(path, self.shared.rootdir)

    def _check_possible(self) -> None:
        faults = impossible(self.ladder, self.whole)
        if faults:
            raise InvalidFile("\n".join(faults))

    def _read_log(self) -> tuple[Entry, ...]:
        try:
            read = read_log(self.log_path, self.shared.rootdir)
        except Altered as fault:
            self.log_fault = str(fault)
            return ()
        return tuple(entry for entry in read if entry.ladder == self.ladder.name)

    @property
    def log_doubts(self) -> tuple[str, ...]:
        """What cannot be true of a log to which entries were only ever added."""
        where = relative(self.log_path, self.shared.rootdir)
        return tuple(
            message(where, doubt, next_step="a line was changed or removed: restore the file from git")
            for doubt in doubts(self.log)
        )

    def _check_prompt_versions(self) -> None:
        for rung in self.ladder.rungs:
            self.fingerprint(rung)
        check_versions(self.prompts, self.log)

    @cached_property
    def prompts(self) -> dict[str, PromptFile]:
        """Path, as in an entry's artifacts, -> each prompt file of the ladder."""
        written = dict.fromkeys(str(rung.options["prompt"]) for rung in self.ladder.rungs if rung.options.get("prompt"))
        paths = {name: self.assembler.path(name) for name in written}
        return {
            beside(path, self.folder): read_prompt(path, self.assembler.shown(name)) for name, path in paths.items()
        }

    # --- digests -------------------------------------------------------------------------------------------------

    def fingerprint(self, rung: RungSpec, extra: Sequence[Path] = ()) -> Fingerprint:
        """The fingerprint of a rung, with the file of a system that a test gave."""
        key = "|".join([rung.id, *map(str, extra)])
        if key not in self._fingerprints:
            self._fingerprints[key] = fingerprint(self.ladder, rung, extra)
        return self._fingerprints[key]

    @cached_property
    def contract(self) -> str:
        """Digest of the grading."""
        return contract(self.ladder, self.shared.rootdir)

    @cached_property
    def scrubber(self) -> Scrubber:
        """The filter before anything is written."""
        return Scrubber(
            Redactor(os.environ),
            [self.assembler.function(name, self.ladder.at("privacy", "redact")) for name in self.ladder.redact],
        )

    @cached_property
    def corpus(self) -> frozenset[str]:
        """Ids of every document of the ladder."""
        return self.assembler.corpus_ids()

    # --- evaluation ----------------------------------------------------------------------------------------------

    def evaluate(
        self, rung_id: str, own: Callable[..., Any] | None = None, watch: Callable[[], None] | None = None
    ) -> RungResult:
        """Evaluate a rung: ask what is missing, score everything, build the entry for the log.

        Args:
            rung_id: Which rung.
            own: A system that the test gave; it replaces the rung's own.
            watch: Called now and then while the rung runs.

        Raises:
            LadderError: the set-up is at fault.
        """
        rung = self.ladder.rung(rung_id)
        extra = source_files(own)
        prints = self.fingerprint(rung, extra)
        with self.writing():
            result = self._here(rung, prints, own, watch)
            if self.settings.holdout and self.settings.limit is None and result.evaluation.verdict is Verdict.MET:
                result = self._look(rung, prints, own, watch, result)
        self.results[rung_id] = result
        return result

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Tell of a file or folder that cannot be read or written as a fault of the set-up."""
        try:
            yield
        except OSError as error:
            path = relative(Path(error.filename), self.shared.rootdir) if error.filename else self.ladder.where
            raise InvalidFile(message(path, f"cannot be used ({error.strerror or error})")) from error

    def _here(
        self,
        rung: RungSpec,
        prints: Fingerprint,
        own: Callable[..., Any] | None,
        watch: Callable[[], None] | None,
    ) -> RungResult:
        answers = self._answers(rung, prints, self.evalset, own, watch)
        if self.local and self.settings.read_only and answers.errors:
            known = self._from_scores(rung, prints)
            if known is not None:
                return known
        return self._result(rung, prints, self.evalset, answers)

    def from_record(self, rung_id: str, prints: Fingerprint | None = None) -> RungResult | None:
        """Evaluate a rung from its recordings alone; None where an answer is missing."""
        rung = self.ladder.rung(rung_id)
        prints = prints or self.fingerprint(rung)
        recordings = self._recordings(rung, prints, read_only=True)
        records = recordings.select(self.whole, self.ladder.repeats)
        if len(records) < len(self.whole) * self.ladder.repeats:
            return self._from_scores(rung, prints) if self.local else None
        pending = not self.settings.read_only and is_pending(self.folder, rung.id, prints.digest)
        return self._result(rung, prints, self.whole, Collected(records, [], 0, pending))

    def recorded(self, rung_id: str) -> bool:
        """Whether every answer of a rung, as it is today, is on record."""
        rung = self.ladder.rung(rung_id)
        return not self._jobs(self._recordings(rung, self.fingerprint(rung), read_only=True), self.evalset)

    def _recordings(self, rung: RungSpec, prints: Fingerprint, read_only: bool) -> Recordings:
        return Recordings(self.folder, rung.id, prints.digest, self.shared.rootdir, read_only)

    def _answers(
        self,
        rung: RungSpec,
        prints: Fingerprint,
        evalset: EvalSet,
        own: Callable[..., Any] | None,
        watch: Callable[[], None] | None,
    ) -> Collected:
        recordings = self._recordings(rung, prints, self.settings.read_only)
        jobs = self._jobs(recordings, evalset)
        errors: list[CaseError] = []
        if jobs and self.settings.read_only:
            errors = [CaseError(j.question.id, j.repeat, "not on record", "missing") for j in jobs]
        elif jobs:
            if self.lock():  # another run may have written since
                recordings = self._recordings(rung, prints, read_only=False)
                jobs = self._jobs(recordings, evalset)
            mark_pending(self.folder, rung.id, prints.digest)
            errors = self._ask(rung, prints, recordings, jobs, own, watch)
        records = recordings.select(evalset, self.ladder.repeats)
        pending = not self.settings.read_only and is_pending(self.folder, rung.id, prints.digest)
        asked = len(jobs) - len(errors)
        return Collected(records, errors, asked, pending)

    def _jobs(self, recordings: Recordings, evalset: EvalSet) -> list[Job]:
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
    ) -> list[CaseError]:
        client = self.client(rung)
        system: System = OwnSystem(own, rung, client) if own else self.assembler.system(served(rung), client)
        guard = guard_local if self.local else guard_shared
        guard(self.folder)
        terms = Terms(
            fingerprint=prints.digest,
            record=lambda record: self._record(recordings, record),
            meter=self.meter,
            stray=lambda ledger: self._stray(rung, ledger),
            concurrency=self.settings.concurrency,
            timeout_s=self.settings.timeout_s,
        )
        self.progress = Progress(len(jobs))
        try:
            errors = self.shared.loop.run(collect(jobs, system, terms, self.progress), watch)
        finally:
            self.progress = None
        return [replace(error, message=self.scrubber.secrets.clean(error.message)) for error in errors]

    def _record(self, recordings: Recordings, record: Record) -> None:
        clean = self.scrubber.record(record)
        with self.writing():  # an answer that cannot be kept: nothing more is to be asked
            recordings.add(clean)

    def _stray(self, rung: RungSpec, ledger: Ledger) -> None:
        self.calls.add(rung.id, [self.scrubber.call(call) for call in ledger.calls])

    @cached_property
    def calls(self) -> CallIndex:
        """The recorded model calls of the whole ladder."""
        return CallIndex(self.folder)

    def client(self, rung: RungSpec) -> Client:
        """The model client of a rung."""
        rung = served(rung)
        again = self.settings.record is Mode.ALL
        return Client(
            name=rung.model,
            open_model=self.assembler.opener(rung),
            options={k: v for k, v in rung.model_options.items() if k not in run_settings(rung)},
            seed=self.ladder.seed,
            meter=self.meter,
            recorded=(lambda _: None) if again else self.calls.get,
            read_only=self.settings.read_only,
            where=rung.at(),
            files=self._model_files(rung),
            stray=lambda call: self.calls.add(rung.id, [self.scrubber.call(call)]),
        )

    def _model_files(self, rung: RungSpec) -> str:
        """Digest of the files of the rung's fingerprint that are its model; empty where there is none."""
        adapter = rung.options.get("adapter")
        folder = beside(self.assembler.path(str(adapter)), self.folder) + "/" if adapter else ""
        code = self.assembler.path(str(rung.model).rpartition(":")[0]) if names_file(rung.model or "") else None
        files = {
            path: content
            for path, content in self.fingerprint(self.ladder.rung(rung.id)).artifacts.items()
            if (folder and path.startswith(folder)) or (code and path == beside(code, self.folder))
        }
        return digest(files) if files else ""

    # --- grading -------------------------------------------------------------------------------------------------

    def _result(self, rung: RungSpec, prints: Fingerprint, evalset: EvalSet, got: Collected) -> RungResult:
        work = score(got.records, evalset, self.assembler.scorers(), self.corpus)
        outcomes: Outcomes = self.shared.loop.run(work)
        if self.local and not self.settings.read_only and self.settings.limit is None:
            keep_scores(self.folder, rung.id, prints.digest, got.records, outcomes)
        return self._graded(rung, prints, evalset, got, outcomes)

    @property
    def _graded_by(self) -> Ladder:
        """The contract; a smoke run has too few answers for a limit on latency, and leaves it out."""
        if self.settings.limit is None:
            return self.ladder
        return replace(self.ladder, limits=replace(self.ladder.limits, latency_p95=None))

    def _graded(
        self, rung: RungSpec, prints: Fingerprint, evalset: EvalSet, got: Collected, outcomes: Outcomes
    ) -> RungResult:
        evaluation = grade(self._graded_by, rung.id, evalset, got.records, got.errors, outcomes, asked=got.asked)
        missing = tuple(dict.fromkeys(error.case for error in got.errors if error.kind == "missing"))
        entry = None if missing else self.entry(rung, prints, evalset, evaluation, got.records)
        fault = ""
        if entry is not None and not (got.pending or got.asked or got.errors):
            fault = altered(rung_entries(self.log, rung.id), entry)
        return RungResult(
            rung.id, evaluation, entry, got.asked, fault, missing, got.unverifiable, self._notes(prints, evaluation),
            misses(evaluation, self.ladder.show),
        )  # fmt: skip

    def _notes(self, prints: Fingerprint, evaluation: Evaluation) -> tuple[str, ...]:
        return (*prints.warnings, *mixture(evaluation))

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
            contract=self.contract, fingerprint=prints.digest, answers=answers_digest(records),
            cases=len(evalset), repeats=self.ladder.repeats, scores=evaluation.scores, verdict=evaluation.verdict,
            model=served(rung).model, model_returned=evaluation.model_returned, limits=evaluation.limits,
            errors=evaluation.errors, usage=evaluation.usage, latency=evaluation.latency,
            artifacts=prints.artifacts, environment=self._environment(prints),
        )  # fmt: skip

    def _look(
        self,
        rung: RungSpec,
        prints: Fingerprint,
        own: Callable[..., Any] | None,
        watch: Callable[[], None] | None,
        result: RungResult,
    ) -> RungResult:
        if self.holdout is None:
            return replace(result, notes=(*result.notes, "hold-out: the key `holdout` names no set to look at"))
        look = self._result(rung, prints, self.holdout, self._answers(rung, prints, self.holdout, own, watch))
        looks = len([e for e in self.log if isinstance(e, RungEntry) and e.evalset == self.holdout.digest])
        entry = replace(look.entry, reason=f"hold-out, look {looks + 1}") if look.entry else None
        told = f"hold-out: {rung.id} is {look.evaluation.verdict} on {len(self.holdout)} cases"
        return replace(result, holdout=entry, notes=(*result.notes, told))

    def _from_scores(self, rung: RungSpec, prints: Fingerprint) -> RungResult | None:
        """Judge a rung from its committed scores: its answers are not here, the log's word for them is taken."""
        found = known_scores(self.folder, rung.id, prints.digest, self.shared.rootdir, self.whole, self.ladder.repeats)
        if found is None:
            return None
        records, outcomes = found
        got = Collected(records, [], 0, pending=True, unverifiable=True)
        result = self._graded(rung, prints, self.whole, got, dict(outcomes))
        standing = [e for e in rung_entries(self.log, rung.id) if e.fingerprint == prints.digest]
        if result.entry is None or not standing:
            return result
        return replace(result, entry=replace(result.entry, answers=standing[-1].answers))

    def _environment(self, prints: Fingerprint) -> dict[str, Json]:
        versions = {path: self.prompts[path].version for path in prints.artifacts if path in self.prompts}
        return {
            "python": platform.python_version(), "pytest_ladder": version("pytest-ladder"),
            "platform": platform.system().lower(), VERSIONS: {path: v for path, v in versions.items() if v},
        }  # fmt: skip

    # --- writing -------------------------------------------------------------------------------------------------

    def lock(self) -> bool:
        """Take the ladder's lock for this process, and read the log again; whether it was not held before.

        Raises:
            Locked: another run holds it.
        """
        if self._locked:
            return False
        self._lock.acquire()
        self._locked = True
        self.log = self._read_log()
        return True

    def settle(self, rung_id: str, fingerprint_digest: str) -> None:
        """Forget that a rung was being asked: its entry is in the log."""
        clear_pending(self.folder, rung_id, fingerprint_digest)

    def close(self) -> None:
        """Free the models and the lock."""
        self.assembler.close()
        if self._locked:
            self._lock.release()
            self._locked = False


@dataclass(frozen=True, slots=True)
class Collected:
    """The answers of one rung on one eval set, and the cases without."""

    records: Sequence[Record]
    errors: Sequence[CaseError]
    asked: int
    pending: bool = False
    """Whether an earlier run was interrupted while it asked again."""
    unverifiable: bool = False


def mixture(evaluation: Evaluation) -> tuple[str, ...]:
    """What is wrong with a rung whose answers are not of one model, one text a model asked for."""
    return tuple(
        f"rung {evaluation.rung}: {model} answered under more than one name ({', '.join(evaluation.model_returned)}): "
        f"the provider changed it. Ask again with `--ladder-record=all --ladder-rung={evaluation.rung}`."
        for model in evaluation.mixed_models
    )


def limited(evalset: EvalSet, limit: int | None) -> EvalSet:
    """The first `limit` cases of each slice, in file order; all of them for None."""
    if limit is None:
        return evalset
    slices = {name: cases for name, cases in evalset.slices.items() if name != "all"} or evalset.slices
    kept = {case.id for cases in slices.values() for case in cases[:limit]}
    kept |= {case.id for case in [c for c in evalset if not c.slices][:limit]}
    return EvalSet(tuple(case for case in evalset if case.id in kept), evalset.name)


def source_files(own: Callable[..., Any] | None) -> tuple[Path, ...]:
    """The file that defines a system that a test gave."""
    if own is None:
        return ()
    import inspect

    found = inspect.getsourcefile(inspect.unwrap(own) if inspect.isfunction(own) else type(own))
    return (Path(found),) if found else ()
