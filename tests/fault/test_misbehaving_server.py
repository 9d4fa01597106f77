"""A thousand questions to a server that misbehaves in every way it can: none lost, none doubled, none wrong."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from pytest_ladder.errors import LadderError, ModelRefused
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.settings import Settings
from pytest_ladder.session.shared import Shared
from tests.extras import needs
from tests.loopback import (
    EMPTY,
    GARBAGE,
    HANG,
    HTML,
    RESET,
    TRUNCATED,
    Act,
    Loopback,
    Script,
    Seen,
    failing,
)

needs("aiohttp", "http", module=True)

AT_A_TIME = 64
WORST = (
    failing(500), failing(502), failing(503, retry_after="0.1"), failing(429), failing(429, retry_after="0.1"), RESET,
    TRUNCATED, GARBAGE, HTML, EMPTY, HANG, Act(wait_s=0.2), Act(drip_s=0.2),
)  # fmt: skip
"""What it does besides answering; the last two are answers, only late."""

LADDER = """\
schema = 1
name = "faults"
evalset = "cases.jsonl"
model = "{model}"
model_options = {{ timeout = 1.0, max_tokens = 8 }}
metrics.answer.scorer = "exact_match"
thresholds.answer.all = 0.99

[budget]
cost_usd = {budget}

[prices."{model}"]
input = 0
output = {price}

[rungs.prompt]
prompt = "prompt.md"
"""


def misbehaving(share: float, seed: int = 7) -> Script:
    """A share of the requests, drawn by their number, gets one of the worst."""

    def script(seen: Seen) -> Act:
        drawn = random.Random(f"{seed} {seen.number}")
        return drawn.choice(WORST) if drawn.random() < share else Act(wait_s=0.005)

    return script


def ladder(folder: Path, server: Loopback, cases: int, *, budget: float = 5.0, price: float = 0.0) -> Path:
    """A ladder of one rung on the server; each question holds a number that its answer must hold."""
    lines = [{"id": f"c{n}", "input": f"question {n}", "expected": f"answer {n}"} for n in range(cases)]
    (folder / "cases.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (folder / "prompt.md").write_text("user:\n{{ input }}\n", encoding="utf-8")
    path = folder / "ladder.toml"
    path.write_text(LADDER.format(model=server.model, budget=budget, price=price), encoding="utf-8")
    return path


def climb(path: Path, **settings: object) -> LadderRun:
    """One run of the rung; it is in its `results`, unless it ended in a fault of the set-up."""
    shared = Shared(Settings(concurrency=AT_A_TIME, **settings), path.parent)  # type: ignore[arg-type]
    run = LadderRun(path, shared)
    try:
        run.evaluate("prompt")
    except LadderError:
        assert "prompt" not in run.results
    finally:
        run.close()
        shared.loop.close()
    return run


def recorded(path: Path) -> Counter[str]:
    """Case -> how many answers are on record; each must be the right one."""
    found: Counter[str] = Counter()
    for file in (path.parent / "recordings" / "prompt").glob("[0-9a-f]*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            told = json.loads(line)
            assert told["answer"]["text"] == f"answer {told['case'][1:]}"
            found[told["case"]] += 1
    return found


def until_done(path: Path, cases: int, server: Loopback, runs: int = 6) -> int:
    """Run until every answer is on record, as a user would; how many runs it took."""
    for number in range(1, runs + 1):
        climb(path)
        if len(recorded(path)) == cases:
            return number
    raise AssertionError(f"{len(recorded(path))} of {cases} after {runs} runs, {len(server.requests)} requests")


@pytest.mark.parametrize("cases", [1000, pytest.param(10_000, marks=pytest.mark.slow)])  # what the project promises
def test_nothing_is_lost_asked_twice_or_scored_wrongly(tmp_path: Path, cases: int):
    with Loopback(misbehaving(0.15)) as server:
        path = ladder(tmp_path, server, cases)
        server.restart(after_s=0.7, down_s=0.5)

        until_done(path, cases, server)

        # The server counts an answer once all of it is sent. One that the restart cut off in flight, or that came
        # after the time-out, is asked again; no other is.
        twice = sum(count - 1 for count in server.answered.values())
        assert twice <= AT_A_TIME
        assert set(recorded(path).values()) == {1}
        asked = len(server.requests)
        run = climb(path)
        assert run.results["prompt"].evaluation.score("answer") == 1.0
        assert len(server.requests) == asked, "what is on record is not asked again"


def test_a_storm_of_refusals_is_ridden_out_at_the_rate_that_the_server_takes(tmp_path: Path):
    with Loopback(lambda _: Act(wait_s=0.02), most=5, retry_after="0.05") as server:
        path = ladder(tmp_path, server, 300)

        run = climb(path)

        assert run.results["prompt"].evaluation.errors == 0
        assert len(recorded(path)) == 300
        assert server.refused < 150
        assert max(server.answered.values()) == 1


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_budget_is_never_passed_by_more_than_what_is_in_flight(tmp_path: Path, share: float):
    each = 2 * 5000 / 1e6  # tokens of an answer, USD a million
    with Loopback(misbehaving(share)) as server:
        path = ladder(tmp_path, server, 400, budget=1.0, price=5000.0)

        run = climb(path)

        spent = run.meter.spent.cost_usd
        assert 0.9 < spent <= 1.0 + AT_A_TIME * each
        assert spent == pytest.approx(each * run.meter.spent.calls)
        # The estimate before a call is good here, so that the bound is passed by one call at most.
        assert spent <= 1.0 + each
        assert len(recorded(path)) == run.meter.spent.calls


def test_a_bound_on_calls_is_kept_to_the_call(tmp_path: Path):
    with Loopback(misbehaving(0.15)) as server:
        path = ladder(tmp_path, server, 300)
        shared = Shared(Settings(concurrency=AT_A_TIME), tmp_path)
        shared.meter.max_calls = 100
        run = LadderRun(path, shared)
        run.evaluate("prompt")
        run.close()
        shared.loop.close()

        assert len(recorded(path)) == run.meter.spent.calls == 100


def test_a_server_that_stays_down_ends_the_rung_and_what_is_recorded_stays(tmp_path: Path):
    with Loopback(lambda _: Act(wait_s=0.05)) as server:
        path = ladder(tmp_path, server, 1000)
        server.restart(after_s=0.4, down_s=3600)
        shared = Shared(Settings(concurrency=AT_A_TIME), tmp_path)
        run = LadderRun(path, shared)
        pace = shared.pace(server.model)
        assert pace is not None
        pace.unreachable_s = 0.5
        told = ""
        try:
            run.evaluate("prompt")
        except ModelRefused as fault:
            told = str(fault)
        run.close()
        shared.loop.close()

        assert "the server cannot be reached" in told
        assert told.endswith("Run again later to go on from what is recorded.")
        assert 0 < len(recorded(path)) < 1000
        server.start()
        assert until_done(path, 1000, server) == 1
        assert sum(server.answered.values()) <= 1000 + AT_A_TIME


def test_a_wait_that_no_answer_can_bear_ends_the_run_at_once_and_hardly_asks(tmp_path: Path):
    with Loopback(lambda seen: Act() if seen.number < 20 else failing(429, retry_after="3600")) as server:
        path = ladder(tmp_path, server, 300)
        start = time.monotonic()

        run = climb(path, timeout_s=60.0)

        assert time.monotonic() - start < 20
        assert len(recorded(path)) == 20
        assert len(server.requests) <= 20 + AT_A_TIME
        errors = [case.error for case in run.results["prompt"].evaluation.cases if case.error]
        assert len(errors) == 280
        assert all("longer than the answer, or the run, may take" in error.message for error in errors)
