"""Questions to recorded answers: bounded, timed, and written down as they come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace

from pytest_ladder.core.answers import Answer, CaseError, Record
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Prepared, System
from pytest_ladder.deadlines import Deadlines
from pytest_ladder.engine.client import Ending, Ledger, current_ledger
from pytest_ladder.engine.flushing import Flushing
from pytest_ladder.engine.garbage import seldom_collected
from pytest_ladder.engine.meter import Meter
from pytest_ladder.errors import (
    BudgetSpent,
    InvalidFile,
    InvalidRequest,
    LadderError,
    Locked,
    MissingDependency,
    MissingRecording,
    ModelFailed,
    ModelRefused,
    SystemFailed,
    message,
)

FATAL = (InvalidFile, InvalidRequest, MissingDependency, Locked, ModelRefused)
"""Faults of the set-up, or of a provider that takes no call: they end the rung at once, not case by case."""

KINDS = ((BudgetSpent, "budget"), (MissingRecording, "missing"), (ModelFailed, "model"))
"""Error class -> `CaseError.kind`; anything else is the system's own."""


@dataclass(frozen=True, slots=True)
class Job:
    """One answer to get."""

    question: Question
    input_digest: str
    repeat: int


@dataclass
class Progress:
    """How far a rung has come; written by the engine, read by whoever draws it."""

    total: int
    done: int = 0
    errors: int = 0
    doing: str = ""
    """What is done where it is not answering, as a word behind the rung's name."""
    started: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Terms:
    """The bounds and the sinks of one collection."""

    fingerprint: str
    record: Callable[[Record], None]
    """Takes one answer, without secrets and personal data; called as soon as it is there."""
    meter: Meter
    stray: Callable[[Ledger], None] = lambda _: None
    """Gets the calls of an answer that failed, so that they need not be asked again."""
    flush: Callable[[], None] = lambda: None
    """Brings what `record` took to disk; called once for the answers that come together."""
    concurrency: int = 16
    timeout_s: float = 600.0
    """For one answer."""
    texts_only: bool = False
    """Whether nothing but texts is made on the way to an answer: no code of the user's, no weights."""
    wanted: Callable[[Job], bool] = lambda _: True
    """Whether a job is still to be asked; looked at just before."""
    answered: Callable[[Job], Awaitable[None]] | None = None
    """Told of each answer that was put on record."""


@dataclass(slots=True)
class _Run:
    """What the workers of one collection share."""

    queue: Iterator[tuple[int, Job]]
    system: System
    terms: Terms
    progress: Progress
    deadlines: Deadlines
    flushing: Flushing
    errors: dict[int, CaseError] = field(default_factory=dict)
    ending: Ending = field(default_factory=Ending)


async def collect(jobs: Sequence[Job], system: System, terms: Terms, progress: Progress) -> list[CaseError]:
    """Answer every job that is wanted and record each answer as it comes.

    Returns:
        The cases that got no answer, in the jobs' order.

    Raises:
        LadderError: the set-up is at fault (a file, an option, a missing package): nothing more is asked.
    """
    if unprepared := await _unprepared(system):
        return [replace(unprepared, case=job.question.id, repeat=job.repeat) for job in jobs]
    run = _Run(enumerate(jobs), system, terms, progress, Deadlines(terms.timeout_s), Flushing(terms.flush))
    with seldom_collected(terms.texts_only), closing(run.deadlines):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_worker(run)) for _ in range(min(terms.concurrency, len(jobs)))]
    for task in tasks:
        if (fault := task.result()) is not None:
            raise fault
    return [run.errors[index] for index in sorted(run.errors)]


async def _unprepared(system: System) -> CaseError | None:
    """Let the system do what comes before the first question; what went wrong, where a later run may do better."""
    try:
        if isinstance(system, Prepared):
            await system.prepare()
    except FATAL:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, no case can be answered
        kind = next((kind for cls, kind in KINDS if isinstance(error, cls)), "system")
        return CaseError("", 0, f"before the first question: {_told(error)}", kind)
    return None


async def _worker(run: _Run) -> LadderError | None:
    terms, progress, ending = run.terms, run.progress, run.ending
    for index, job in run.queue:
        if not terms.wanted(job):
            continue
        try:
            error = await _one(job, run)
            if error is None:
                await run.flushing.wait()
                if terms.answered is not None:
                    await terms.answered(job)
        except FATAL as fault:
            ending.fault = ending.fault or fault
            for _ in run.queue:  # the others find nothing left to do
                continue
            return ending.fault
        if error is not None:
            run.errors[index] = error
            progress.errors += 1
        progress.done += 1
    return None


async def _one(job: Job, run: _Run) -> CaseError | None:
    terms = run.terms
    if over := terms.meter.over:
        return CaseError(job.question.id, job.repeat, over, "budget")
    until = min(time.monotonic() + terms.timeout_s, terms.meter.ends)
    ledger = Ledger(job.repeat, deadline=until, ending=run.ending)
    token = current_ledger.set(ledger)
    start = time.perf_counter()
    deadline = run.deadlines.begin()
    try:
        with deadline:
            answer = await run.system.answer(job.question)
        if deadline.expired:  # it kept the interrupt to itself, and answers too late
            raise TimeoutError
        _write(job, answer, ledger, time.perf_counter() - start, terms)
    except FATAL:
        with suppress(OSError):  # of a disk that is full the rung is told anyway
            _keep_calls(ledger, terms)
        raise
    except TimeoutError as error:
        if not deadline.expired:
            return _failed(job, ledger, terms, _told(error), "system")
        return _failed(job, ledger, terms, f"no answer within {terms.timeout_s:g} s", "timeout")
    except asyncio.CancelledError as error:
        if _cancelled():
            _keep_calls(ledger, terms)
            raise
        return _failed(job, ledger, terms, _told(error), "system")
    except GeneratorExit:
        raise
    except BaseException as error:  # noqa: BLE001 - what a user's system raises, a skip or an exit too, is its case's
        kind = next((kind for cls, kind in KINDS if isinstance(error, cls)), "system")
        return _failed(job, ledger, terms, _told(error), kind)
    finally:
        current_ledger.reset(token)
    return None


def _write(job: Job, answer: Answer, ledger: Ledger, wall_s: float, terms: Terms) -> None:
    if not isinstance(answer, Answer):
        raise SystemFailed(
            message("system", "the answer has the wrong type", got=type(answer).__name__, expected="an Answer")
        )
    slowest = max([call.reply.latency_s for call in ledger.calls], default=0.0)
    record = Record(
        job.question.id, job.input_digest, job.repeat, terms.fingerprint, answer,
        tuple(ledger.calls), max(wall_s - ledger.idle_s, slowest, 0.0),
    )  # fmt: skip
    try:
        terms.record(record)
    except (TypeError, ValueError) as error:
        if isinstance(error, LadderError):
            raise
        raise SystemFailed(
            message("system", "the answer cannot be written as JSON", got=str(error), expected="plain JSON values")
        ) from error


def _cancelled() -> bool:
    """Whether this task itself is to end, and not only something that a user's system waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _failed(job: Job, ledger: Ledger, terms: Terms, told: str, kind: str) -> CaseError:
    _keep_calls(ledger, terms)
    return CaseError(job.question.id, job.repeat, told, kind)


def _keep_calls(ledger: Ledger, terms: Terms) -> None:
    """Put on record what was paid for, though no answer came of it."""
    if ledger.asked:
        terms.stray(ledger)


def _told(error: BaseException) -> str:
    if isinstance(error, LadderError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
