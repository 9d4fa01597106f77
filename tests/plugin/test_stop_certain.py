"""Under `stop = "certain"` a rung ends once no remaining case can change a verdict, and nothing else changes."""

from __future__ import annotations

from typing import Any

from tests.plugin.bench import Bench

CERTAIN = '[decision]\nstop = "certain"'


def early(bench: Bench, rungs: dict[str, Any], **parts: Any) -> Bench:
    """A ladder of 60 cases whose rungs end early."""
    tables = f"{CERTAIN}\n{parts.pop('decision', '')}\n{parts.pop('tables', '')}"
    return bench.make(rungs, cases=parts.pop("cases", 60), tables=tables, **parts)


def figure(entry: dict[str, Any], slice_: str = "all") -> dict[str, Any]:
    return entry["scores"]["answer"][slice_]


def test_a_rung_ends_as_soon_as_its_verdict_is_certain(bench: Bench) -> None:
    early(bench, {"prompt": 0, "few_shot": 60})

    ran = bench.run("--ladder-concurrency=1")

    assert ran.status == 0
    assert bench.verdicts == ["prompt short", "few_shot met", "selected few_shot"]
    assert len(bench.asked("prompt")) == 7  # of 60 cases 54 must be right
    assert len(bench.recorded("few_shot")) == 54
    short, met = bench.log[:2]
    assert (short["cases"], short["errors"]) == (60, 0)
    assert (figure(short)["n"], figure(short)["mean"], figure(short)["unscored"]) == (7, 0.0, 0)
    assert figure(short)["low"] == 0.0 < figure(short)["high"] < 1.0
    assert figure(met)["n"] == 54


def test_a_second_run_asks_nothing_and_leaves_the_log_as_it_is(bench: Bench) -> None:
    early(bench, {"prompt": 10, "few_shot": 58})
    assert bench.run().status == 0
    bench.asked()
    before = bench.log_path.read_bytes()

    assert bench.run().status == 0
    assert bench.run("--ladder-record=none").status == 0
    assert bench.asked() == []
    assert bench.log_path.read_bytes() == before


def test_the_terminal_tells_how_many_were_asked(bench: Bench) -> None:
    early(bench, {"prompt": 0, "few_shot": 30})

    ran = bench.run("--ladder-concurrency=1")

    assert ran.status == 1
    assert "asked 7 of 60: certain" in ran.text
