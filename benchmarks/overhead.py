"""What the engine costs beyond the waiting that systems do: through the engine against a bare asyncio loop."""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from measure import Figure, main

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case, Question
from pytest_ladder.engine.collect import Job, Progress, Terms, collect
from pytest_ladder.engine.meter import Meter
from pytest_ladder.store.recordings import Recordings

FINGERPRINT = "sha256:" + "0" * 64


class Waiting:
    """A system that waits as a remote model would, then answers."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def answer(self, question: Question, /) -> Answer:
        await asyncio.sleep(self.seconds)
        return Answer(f"answer to {question.text}")


async def through_engine(cases: list[Case], system: Waiting, concurrency: int, folder: Path) -> None:
    """Ask every case and record every answer on disk, as a rung does."""
    recordings = Recordings(folder, "prompt", FINGERPRINT, folder)
    terms = Terms(fingerprint=FINGERPRINT, record=recordings.add, meter=Meter(), concurrency=concurrency)
    jobs = [Job(case.question, case.input_digest, 0) for case in cases]
    errors = await collect(jobs, system, terms, Progress(len(jobs)))
    assert not errors
    assert recordings.lines == len(cases)


async def bare(cases: list[Case], system: Waiting, concurrency: int, folder: Path) -> None:
    """The same by hand: workers over one queue, and a line of JSON for each answer."""
    queue = iter(cases)
    with (folder / "answers.jsonl").open("w", encoding="utf-8") as file:

        async def worker() -> None:
            for case in queue:
                answer = await system.answer(case.question)
                file.write(json.dumps({"case": case.id, "text": answer.text}) + "\n")

        await asyncio.gather(*(worker() for _ in range(concurrency)))


def timed(way: Callable[[list[Case], Waiting, int, Path], Awaitable[None]], *arguments: object) -> float:
    with tempfile.TemporaryDirectory(prefix="ladder-bench-") as folder:
        start = time.perf_counter()
        asyncio.run(way(*arguments, Path(folder)))  # type: ignore[arg-type]
        return time.perf_counter() - start


def measure(cases: int, wait_ms: int, concurrency: int, pairs: int) -> list[Figure]:
    system = Waiting(wait_ms / 1000)
    asked = [Case(f"case-{number}", f"question {number}", expected="x") for number in range(cases)]
    ratios, times = [], {through_engine: [], bare: []}
    for _, order in zip(range(pairs), itertools.cycle([(bare, through_engine), (through_engine, bare)]), strict=False):
        pair = {way: timed(way, asked, system, concurrency) for way in order}
        for way, seconds in pair.items():
            times[way].append(seconds)
        ratios.append(pair[through_engine] / pair[bare])
    engine_s, bare_s = statistics.median(times[through_engine]), statistics.median(times[bare])
    return [
        Figure("overhead", f"{cases} cases of {wait_ms} ms, {concurrency} at a time, engine", engine_s, "s"),
        Figure("overhead", "the same in a bare asyncio loop", bare_s, "s"),
        Figure("overhead", f"ratio, median of {pairs} pairs", statistics.median(ratios), "x"),
        Figure("overhead", "more wall time a case", (engine_s - bare_s) / cases * 1e6, "us"),
    ]


if __name__ == "__main__":
    assert __doc__
    main(__doc__, {"cases": 1000, "wait_ms": 50, "concurrency": 64, "pairs": 7}, measure)
