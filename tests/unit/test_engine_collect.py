"""Answers are bounded, timed, and written down as they come."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pytest_ladder.core.answers import Answer, Call, CaseError, Record, Reply
from pytest_ladder.core.cases import Question
from pytest_ladder.engine.client import Ledger, current_ledger
from pytest_ladder.engine.collect import Job, Progress, Terms, collect
from pytest_ladder.engine.meter import Meter
from pytest_ladder.errors import (
    BudgetSpent,
    InvalidFile,
    InvalidRequest,
    Locked,
    MissingDependency,
    MissingRecording,
    ModelFailed,
    ModelRefused,
    SystemFailed,
)

Behaviour = Callable[[Question], Awaitable[Any]]


class Run:
    """A collection over cases 0, 1, ... with what it left behind."""

    def __init__(self, behaviour: Behaviour, n: int = 4, repeats: int = 1, **terms: Any) -> None:
        self.records: list[Record] = []
        self.stray: list[Ledger] = []
        self.asked: list[str] = []
        self.progress = Progress(n * repeats)
        self.behaviour = behaviour
        terms.setdefault("record", self.records.append)
        terms.setdefault("meter", Meter())
        terms.setdefault("stray", self.stray.append)
        known = Terms(fingerprint="sha256:f", **terms)
        jobs = [
            Job(Question(str(i), f"question {i}"), f"input {i}", repeat) for i in range(n) for repeat in range(repeats)
        ]
        self.errors: list[CaseError] = asyncio.run(collect(jobs, self, known, self.progress))

    async def answer(self, question: Question, /) -> Answer:
        self.asked.append(question.id)
        return await self.behaviour(question)  # type: ignore[no-any-return]


async def right(question: Question) -> Answer:
    return Answer(f"answer {question.id}")


def test_every_job_is_answered_and_recorded_with_what_it_answers():
    run = Run(right, n=2, repeats=2)

    assert run.errors == []
    assert sorted((r.case, r.input_digest, r.repeat, r.answer.text) for r in run.records) == [
        ("0", "input 0", 0, "answer 0"), ("0", "input 0", 1, "answer 0"),
        ("1", "input 1", 0, "answer 1"), ("1", "input 1", 1, "answer 1"),
    ]  # fmt: skip
    assert {r.fingerprint for r in run.records} == {"sha256:f"}
    assert (run.progress.done, run.progress.errors) == (4, 0)


def test_nothing_to_do_is_done_at_once():
    assert Run(right, n=0).errors == []


@pytest.mark.parametrize("concurrency", [1, 3, 100])
def test_no_more_answers_are_in_the_making_than_allowed(concurrency: int):
    running, most = 0, 0

    async def slow(question: Question) -> Answer:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(5):
            await asyncio.sleep(0)
        running -= 1
        return await right(question)

    run = Run(slow, n=12, concurrency=concurrency)

    assert most == min(concurrency, 12)
    assert len(run.records) == 12


def test_each_answer_is_recorded_as_it_comes():
    seen: list[int] = []

    async def looking(question: Question) -> Answer:
        seen.append(len(records))
        return await right(question)

    records: list[Record] = []
    Run(looking, n=3, concurrency=1, record=records.append)

    assert seen == [0, 1, 2]


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (ValueError("no such thing"), "system", "ValueError: no such thing"),
        (KeyError(), "system", "KeyError"),
        (SystemFailed("system: wrong"), "system", "system: wrong"),
        (ModelFailed("model: no reply"), "model", "model: no reply"),
        (MissingRecording("not on record"), "missing", "not on record"),
        (BudgetSpent("spent"), "budget", "spent"),
        (TimeoutError("its own"), "system", "TimeoutError: its own"),
        (SystemExit(3), "system", "SystemExit: 3"),
        (KeyboardInterrupt(), "system", "KeyboardInterrupt"),
        (asyncio.CancelledError(), "system", "CancelledError"),
    ],
)
def test_what_a_system_raises_is_an_error_of_its_case_alone(error: BaseException, kind: str, told: str):
    async def failing(question: Question) -> Answer:
        if question.id == "1":
            raise error
        return await right(question)

    run = Run(failing)

    assert run.errors == [CaseError("1", 0, told, kind)]
    assert sorted(record.case for record in run.records) == ["0", "2", "3"]
    assert (run.progress.done, run.progress.errors) == (4, 1)


def test_errors_come_in_the_order_of_the_jobs():
    async def failing(question: Question) -> Answer:
        for _ in range(10 - int(question.id)):
            await asyncio.sleep(0)
        raise ValueError(question.id)

    assert [error.case for error in Run(failing, n=5).errors] == ["0", "1", "2", "3", "4"]


def test_an_answer_that_does_not_come_in_time_is_a_timeout():
    async def hanging(question: Question) -> Answer:
        if question.id == "2":
            await asyncio.Event().wait()
        return await right(question)

    run = Run(hanging, timeout_s=0.05)

    assert run.errors == [CaseError("2", 0, "no answer within 0.05 s", "timeout")]
    assert len(run.records) == 3


@pytest.mark.parametrize("fault", [InvalidFile, InvalidRequest, MissingDependency, Locked])
def test_a_fault_of_the_set_up_ends_it_at_once(fault: type[Exception]):
    async def failing(_: Question) -> Answer:
        raise fault("mend this first")

    with pytest.raises(fault, match="mend this first"):
        Run(failing, n=50, concurrency=2)


def test_after_a_fault_of_the_set_up_nothing_more_is_asked():
    asked: list[str] = []

    async def failing(question: Question) -> Answer:
        asked.append(question.id)
        raise InvalidFile("mend this first")

    with pytest.raises(InvalidFile):
        Run(failing, n=50, concurrency=2)
    assert len(asked) <= 2


def test_answers_in_the_making_begin_no_call_once_the_rung_has_ended():
    calls: list[str] = []

    async def calling(question: Question) -> Answer:
        ledger = current_ledger.get()
        assert ledger is not None
        if question.id == "0":
            raise ModelRefused("no key")
        await asyncio.sleep(0.01)
        ledger.ending.check()
        calls.append(question.id)
        return await right(question)

    with pytest.raises(ModelRefused, match="no key"):
        Run(calling, n=50, concurrency=10)
    assert calls == []


def test_what_was_paid_for_when_the_rung_ended_is_kept():
    strays: list[Ledger] = []

    async def calling(question: Question) -> Answer:
        ledger = current_ledger.get()
        assert ledger is not None
        ledger.note(called(question.id), 0.0, asked=True)
        raise ModelRefused("the quota is spent")

    with pytest.raises(ModelRefused):
        Run(calling, n=2, concurrency=1, stray=strays.append)
    assert [call.reply.text for ledger in strays for call in ledger.calls] == ["0"]


def test_what_cannot_be_written_ends_it_and_is_no_error_of_the_case():
    def full(_: Record) -> None:
        raise InvalidFile("recordings: cannot be used (No space left on device)")

    with pytest.raises(InvalidFile, match="No space left"):
        Run(right, n=50, concurrency=1, record=full)


def test_once_the_budget_is_spent_nothing_more_is_asked():
    meter = Meter(max_calls=2)

    async def calling(question: Question) -> Answer:
        meter.reserve()
        meter.settle(Reply("yes", "m"))
        return await right(question)

    run = Run(calling, n=6, concurrency=1, meter=meter)

    assert sorted(record.case for record in run.records) == ["0", "1"]
    assert [(error.case, error.kind) for error in run.errors] == [(str(i), "budget") for i in range(2, 6)]
    assert run.asked == ["0", "1", "2"]


@pytest.mark.parametrize("answer", ["a text", None, 5, {"text": "x"}])
def test_an_answer_of_the_wrong_type_is_an_error(answer: object):
    async def odd(_: Question) -> object:
        return answer

    run = Run(odd, n=1)

    assert run.records == []
    assert "the answer has the wrong type" in run.errors[0].message


@pytest.mark.parametrize("error", [TypeError("set"), ValueError("NaN")])
def test_an_answer_that_is_not_json_is_an_error_of_its_case(error: Exception):
    def strict(_: Record) -> None:
        raise error

    run = Run(right, n=1, record=strict)

    assert run.errors[0].kind == "system"
    assert "cannot be written as JSON" in run.errors[0].message


def called(text: str = "yes", latency_s: float = 0.0) -> Call:
    return Call(f"sha256:{text}", "m", Reply(text, "m-1", latency_s=latency_s))


def test_the_calls_of_an_answer_are_recorded_with_it_and_those_of_another_are_not():
    async def calling(question: Question) -> Answer:
        ledger = current_ledger.get()
        assert ledger is not None
        await asyncio.sleep(0)
        ledger.note(called(question.id), 0.0, asked=True)
        return await right(question)

    run = Run(calling, n=8)

    assert {record.case: [call.reply.text for call in record.calls] for record in run.records} == {
        str(i): [str(i)] for i in range(8)
    }


@pytest.mark.parametrize("asked", [True, False])
def test_new_calls_of_an_answer_that_failed_are_kept(asked: bool):
    async def calling(_: Question) -> Answer:
        ledger = current_ledger.get()
        assert ledger is not None
        ledger.note(called(), 0.0, asked=asked)
        raise ValueError("after the call")

    run = Run(calling, n=1)

    assert [len(ledger.calls) for ledger in run.stray] == ([1] if asked else [])


@pytest.mark.parametrize(("waited", "latency"), [(60.0, 0.5), (0.5, 0.5)])
def test_the_time_of_an_answer_is_without_queueing_and_never_less_than_its_slowest_call(waited: float, latency: float):
    async def calling(question: Question) -> Answer:
        ledger = current_ledger.get()
        assert ledger is not None
        ledger.note(called(latency_s=latency), waited, asked=True)
        return await right(question)

    (record,) = Run(calling, n=1).records

    assert latency <= record.latency_s < 30.0


def test_the_time_of_a_replayed_call_counts_as_when_it_was_made():
    async def calling(question: Question) -> Answer:
        ledger = current_ledger.get()
        assert ledger is not None
        for _ in range(2):
            ledger.note(called(latency_s=3.0), 0.0, asked=False)
        return await right(question)

    (record,) = Run(calling, n=1).records

    assert 6.0 <= record.latency_s < 30.0


def test_cancelling_the_whole_ends_it_and_keeps_what_was_paid_for():
    started = asyncio.Event()
    stray: list[Ledger] = []

    async def hanging(_: Question) -> Answer:
        ledger = current_ledger.get()
        assert ledger is not None
        ledger.note(called(), 0.0, asked=True)
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def work() -> None:
        class Hanging:
            answer = staticmethod(hanging)

        terms = Terms("sha256:f", lambda _: None, Meter(), stray.append)
        job = Job(Question("0", "x"), "input", 0)
        task = asyncio.create_task(collect([job], Hanging(), terms, Progress(1)))
        await started.wait()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(work())
    assert [call.reply.text for ledger in stray for call in ledger.calls] == ["yes"]


def test_a_deep_stack_in_a_system_is_an_error_of_its_case():
    async def endless(question: Question) -> Answer:
        return await endless(question)

    run = Run(endless, n=1)

    assert run.errors[0].message.startswith("RecursionError")
    assert sys.getrecursionlimit() > 100


class Slow(Run):
    """A collection whose system has to be prepared."""

    fault: BaseException | None = None
    prepared = 0

    async def prepare(self) -> None:
        self.prepared += 1
        assert self.asked == []
        assert current_ledger.get() is None
        if self.fault:
            raise self.fault


def test_a_system_is_prepared_once_before_the_first_question():
    run = Slow(right, n=3)
    assert (run.prepared, run.errors, len(run.records)) == (1, [], 3)


@pytest.mark.parametrize(("fault", "kind"), [
    (BudgetSpent("no more calls"), "budget"), (ModelFailed("down"), "model"), (RuntimeError("broken"), "system"),
])  # fmt: skip
def test_where_the_preparation_fails_no_case_is_asked_and_each_is_in_error(monkeypatch, fault, kind):
    monkeypatch.setattr(Slow, "fault", fault)
    run = Slow(right, n=2)
    assert run.asked == []
    assert [(error.case, error.kind) for error in run.errors] == [("0", kind), ("1", kind)]
    assert run.errors[0].message.startswith("before the first question: ")


def test_a_set_up_that_is_at_fault_ends_the_rung(monkeypatch):
    monkeypatch.setattr(Slow, "fault", MissingDependency("install it"))
    with pytest.raises(MissingDependency):
        Slow(right)
