"""Answers that come together, written together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pytest_ladder.core.answers import Answer, Record
from pytest_ladder.core.cases import Question
from pytest_ladder.engine.collect import Job, Progress, Terms, collect
from pytest_ladder.engine.flushing import Flushing
from pytest_ladder.engine.meter import Meter
from pytest_ladder.errors import Locked


class Disk:
    """Holds what was flushed, and in which parts."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.taken: list[str] = []
        self.parts: list[list[str]] = []
        self.fault = fault

    def take(self, record: Record) -> None:
        self.taken.append(record.case)

    def flush(self) -> None:
        if self.fault:
            raise self.fault
        self.parts.append(self.taken)
        self.taken = []


class Model:
    """Answers in groups of so many at a time."""

    def __init__(self, group: int) -> None:
        self.group, self.waiting = group, 0
        self.gate: asyncio.Event | None = None

    async def answer(self, question: Question, /) -> Answer:
        gate = self.gate = self.gate or asyncio.Event()
        self.waiting += 1
        if self.waiting == self.group:
            self.waiting, self.gate = 0, None
            gate.set()
        await gate.wait()
        return Answer(question.id)


def run(disk: Disk, group: int, cases: int = 6, answered: Callable[[Job], Any] | None = None) -> Any:
    terms = Terms("sha256:f", disk.take, Meter(), flush=disk.flush, concurrency=group, answered=answered)
    jobs = [Job(Question(str(n), ""), f"input {n}", 0) for n in range(cases)]
    return asyncio.run(collect(jobs, Model(group), terms, Progress(cases)))


def test_answers_that_come_together_are_written_together():
    disk = Disk()
    assert run(disk, group=3) == []

    assert [sorted(part) for part in disk.parts] == [["0", "1", "2"], ["3", "4", "5"]]


def test_an_answer_counts_when_it_is_written():
    disk, seen = Disk(), []

    async def answered(job: Job) -> None:
        seen.append(job.question.id in {case for part in disk.parts for case in part})

    run(disk, group=2, answered=answered)
    assert seen == [True] * 6


def test_a_disk_that_takes_nothing_ends_the_rung():
    with pytest.raises(Locked, match="full"):
        run(Disk(Locked("full")), group=3)


def test_who_stops_waiting_does_not_stop_the_write():
    disk = Disk()

    async def interrupted() -> None:
        flushing = Flushing(disk.flush)
        disk.taken.append("a")
        tasks = [asyncio.create_task(flushing.wait()) for _ in range(2)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.wait(tasks)
        assert (tasks[0].cancelled(), tasks[1].exception()) == (True, None)

    asyncio.run(interrupted())
    assert disk.parts == [["a"]]
