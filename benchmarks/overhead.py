"""What a ladder costs beyond the waiting that its systems do, against a bare asyncio loop that does the same.

`rung` is all of a rung: the contract and the eval set are read, a user's async system answers, every answer is recorded
and scored, and the entry is built. `engine` is the asking and recording alone.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

from measure import Figure, main

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case, Question
from pytest_ladder.engine.collect import Job, Progress, Terms, collect
from pytest_ladder.engine.meter import Meter
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.settings import Settings
from pytest_ladder.session.shared import Shared
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
    terms = Terms(
        fingerprint=FINGERPRINT, record=recordings.take, flush=recordings.flush, meter=Meter(), concurrency=concurrency
    )
    jobs = [Job(case.question, case.input_digest, 0) for case in cases]
    errors = await collect(jobs, system, terms, Progress(len(jobs)))
    assert not errors
    assert recordings.lines == len(cases)


SYSTEM = "import asyncio\n\n\nasync def waits(case):\n    await asyncio.sleep({seconds})\n    return case.input\n"
LADDER = """schema = 1
name = "overhead"
task = "wait"
evalset = "cases.jsonl"
metrics.answer.scorer = "exact_match"
thresholds.answer.all = 0.9
rungs.prompt.system = "systems.py:waits"
"""


def write_ladder(cases: list[Case], system: Waiting, folder: Path) -> Path:
    """A ladder whose one rung is a user's own async system."""
    rows = [json.dumps({"id": case.id, "input": case.input, "expected": case.input}) for case in cases]
    (folder / "cases.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "systems.py").write_text(SYSTEM.format(seconds=system.seconds), encoding="utf-8")
    (folder / "ladder.toml").write_text(LADDER, encoding="utf-8")
    return folder / "ladder.toml"


def through_rung(path: Path, concurrency: int) -> None:
    """Climb the one rung as a test does."""
    shared = Shared(Settings(concurrency=concurrency), path.parent)
    result = LadderRun(path, shared).evaluate("prompt")
    assert result.evaluation.met
    assert result.asked == len(result.evaluation.cases)
    shared.loop.close()


async def bare(cases: list[Case], system: Waiting, concurrency: int, folder: Path) -> None:
    """The same by hand: workers over one queue, and a line of JSON for each answer."""
    queue = iter(cases)
    with (folder / "answers.jsonl").open("w", encoding="utf-8") as file:

        async def worker() -> None:
            for case in queue:
                answer = await system.answer(case.question)
                file.write(json.dumps({"case": case.id, "text": answer.text}) + "\n")

        await asyncio.gather(*(worker() for _ in range(concurrency)))


def timed(way: str, cases: list[Case], system: Waiting, concurrency: int) -> tuple[float, float]:
    """Wall and CPU seconds of one way of asking all cases, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="ladder-bench-") as name:
        folder = Path(name)
        path = write_ladder(cases, system, folder)
        wall, cpu = time.perf_counter(), time.process_time()
        if way == "rung":
            through_rung(path, concurrency)
        else:
            asyncio.run((bare if way == "bare" else through_engine)(cases, system, concurrency, folder))
        return time.perf_counter() - wall, time.process_time() - cpu


def measure(cases: int, wait_ms: int, concurrency: int, pairs: int) -> list[Figure]:
    system = Waiting(wait_ms / 1000)
    asked = [Case(f"case-{number}", f"question {number}", expected="x") for number in range(cases)]
    timed("rung", asked[:concurrency], system, concurrency)  # imports are not what is measured
    times: dict[str, list[tuple[float, float]]] = {"bare": [], "engine": [], "rung": []}
    for number in range(pairs):
        for way in sorted(times, reverse=bool(number % 2)):
            times[way].append(timed(way, asked, system, concurrency))
    figures = [Figure("overhead", f"{cases} cases of {wait_ms} ms, {concurrency} at a time, bare loop",
                      statistics.median(wall for wall, _ in times["bare"]), "s")]  # fmt: skip
    for way in ("engine", "rung"):
        both = list(zip(times[way], times["bare"], strict=True))
        ratio = statistics.median(mine[0] / theirs[0] for mine, theirs in both)
        more, cpu = (statistics.median(mine[part] - theirs[part] for mine, theirs in both) for part in (0, 1))
        figures += [
            Figure("overhead", f"{way}: ratio to the bare loop, median of {pairs} pairs", ratio, "x"),
            Figure("overhead", f"{way}: more wall time a case", more / cases * 1e6, "us"),
            Figure("overhead", f"{way}: more CPU time a case", cpu / cases * 1e6, "us"),
        ]
    return figures


if __name__ == "__main__":
    assert __doc__
    main(__doc__, {"cases": 1000, "wait_ms": 50, "concurrency": 64, "pairs": 7}, measure)
