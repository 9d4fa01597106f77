"""How large a report of many failing cases is, how long it takes to write, and how long a browser takes to open it."""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pytest_ladder.core.answers import Answer, Usage
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.case_summary import CaseSummary, Details, RungCase
from pytest_ladder.core.entries import Figure, RungEntry, Verdict
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.summary import LadderSummary, RungRow, RunSummary, State
from pytest_ladder.core.tradeoff import tradeoffs
from pytest_ladder.report.write import write_report

RUNGS = (Kind.PROMPT, Kind.FEW_SHOT, Kind.RAG)
SLICES = tuple(f"topic-{n}" for n in range(12))
SENTENCE = "the order of a bicycle was sent on Monday and may be kept until the end of next month unless it is late"
DOCUMENTS = 400
WORDS = SENTENCE.split()


def summary_of(cases: int) -> RunSummary:
    """A run of three rungs in which every case failed somewhere; each has texts of its own, 2 kB a case.

    The answers of the last rung were taken apart, in 2 kB of steps each; they name 400 documents.
    """
    draw = random.Random(17)
    entries = tuple(_entry(rung, cases, 0.3 + 0.1 * at) for at, rung in enumerate(RUNGS))
    titles = {f"KB-{n}": _text(draw, 12) for n in range(DOCUMENTS)}
    details = Details(
        tuple(_case(n, draw) for n in range(cases)), tradeoffs(entries, ("answer",)), entries, documents=titles
    )  # fmt: skip
    rows = tuple(RungRow(str(e.rung_kind), e.rung_kind, State.SHORT, e) for e in entries)
    ladder = LadderSummary(
        name="large", where="evals/large/ladder.toml", task="Answer.", rows=rows, thresholds={"answer": {"all": 0.9}},
        limits={}, selected=None, decided="no rung on record meets the target", cases=cases, details=details,
    )  # fmt: skip
    return RunSummary((ladder,), "2026-01-01T00:00:00Z", "0")


def _entry(rung: Kind, cases: int, mean: float) -> RungEntry:
    figure = Figure(mean, cases, mean - 0.01, mean + 0.01)
    return RungEntry(
        ladder="large", rung=str(rung), rung_kind=rung, evalset="e", contract="c", fingerprint="f", answers="a",
        cases=cases, repeats=1, scores={"answer": {"all": figure, **dict.fromkeys(SLICES, figure)}},
        verdict=Verdict.SHORT, usage=Usage(cases, cases * 100, cases * 50, cases * mean / 100),
    ).sealed("2026-01-01T00:00:00Z")  # fmt: skip


def _case(number: int, draw: random.Random) -> CaseSummary:
    failed = [draw.random() < 0.6 for _ in RUNGS]
    failed[draw.randrange(len(RUNGS))] = True
    rungs = {
        str(rung): RungCase({"answer": float(not bad)}, bad, "unknown" if bad else "", _text(draw, 80), "not the same",
                            (_taken_apart(draw),) if rung is RUNGS[-1] else (Answer(),))
        for rung, bad in zip(RUNGS, failed, strict=True)
    }  # fmt: skip
    evidence = (f"KB-{draw.randrange(DOCUMENTS)}",)
    return CaseSummary(f"case-{number:05}", (draw.choice(SLICES),), rungs, _text(draw, 60), _text(draw, 20), evidence)


def _taken_apart(draw: random.Random) -> Answer:
    """An answer by way of three sub-questions, each with a search and a call."""
    steps: list[Json] = [{"step": "plan", "questions": [_text(draw, 12) for _ in range(3)]}]
    for part in range(1, 4):
        found = [{"rank": n + 1, "id": f"KB-{draw.randrange(DOCUMENTS)}", "score": 9.5 - n} for n in range(4)]
        steps += [
            {"step": "search", "query": _text(draw, 12), "found": found, "part": part},
            {"step": "tool", "name": "look_up", "arguments": {"about": _text(draw, 4)}, "result": _text(draw, 60)},
            {"step": "answer", "question": _text(draw, 12), "answer": _text(draw, 20), "part": part},
        ]
    return Answer(retrieved=("KB-1", "KB-2"), steps=tuple(steps))


def _text(draw: random.Random, words: int) -> str:
    return " ".join(draw.choices(WORDS, k=words))


def measure(cases: int, runs: int) -> list[Any]:
    from measure import Figure as Measured

    summary = summary_of(cases)
    with tempfile.TemporaryDirectory(prefix="ladder-bench-") as folder:
        path = Path(folder) / "report.html"
        began = time.perf_counter()
        write_report(path, summary)
        told = f"{cases} failing cases at three rungs"
        found = [
            Measured("html report", f"{told}: written", time.perf_counter() - began, "s"),
            Measured("html report", f"{told}: size", path.stat().st_size / 1e6, "MB"),
        ]
        if opened := _opened(path, runs):
            name = f"{told}: opened by a headless Chromium, median of {runs}"
            found.append(Measured("html report", name, statistics.median(opened), "s"))
    return found


def _opened(path: Path, runs: int) -> list[float]:
    from tests.browser import PROGRAM, Browser

    if PROGRAM is None:
        return []
    with Browser() as browser:
        return [browser.open(path) for _ in range(runs)]


if __name__ == "__main__":
    from measure import main

    assert __doc__
    main(__doc__, {"cases": 10_000, "runs": 5}, measure)
