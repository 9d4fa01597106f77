"""A rung ends at the very case after which nothing can change, and to find out costs next to nothing."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings

from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.curtailment import can_still_change, standings
from pytest_ladder.core.ladder import DecisionPolicy, Ladder, Limits
from pytest_ladder.core.stopping import Stopping, curtails, hindered
from tests.builders import case, ladder
from tests.unit.test_curtailment import binary, climbs, known

Climb = tuple[Ladder, EvalSet, list[dict[str, float | None]]]
EARLY = DecisionPolicy(stop="certain")


@settings(max_examples=25)
@given(climbs())
def test_it_settles_exactly_where_the_standings_do(climb: Climb) -> None:
    spec, cases, rows = climb
    stopping = Stopping(spec, cases, binary(rows))

    for asked in range(len(cases) + 1):
        found = standings(spec, cases, known(cases, rows, asked), binary=binary(rows))
        assert stopping.settled is not can_still_change(found)
        if asked < len(cases):
            stopping.add(cases[asked], rows[asked])


def test_ten_thousand_cases_cost_next_to_nothing() -> None:
    cases = EvalSet(tuple(Case(f"c{i}", f"q{i}", slices=(f"s{i % 4}",)) for i in range(10_000)))
    rows = dict.fromkeys(["all", "s0", "s1", "s2", "s3"], 0.5)
    stopping = Stopping(ladder({"answer": rows}, rule="confident"), cases)
    start, asked = time.process_time(), 0

    for one in cases:
        if stopping.settled:
            break
        stopping.add(one, {"answer": (asked % 7) / 6})
        asked += 1

    assert asked > 9000
    assert time.process_time() - start < 5.0


def test_in_a_large_set_the_end_is_seen_a_little_late_at_most() -> None:
    cases = EvalSet(tuple(case(f"c{i}") for i in range(10_000)))
    stopping = Stopping(ladder({"answer": {"all": 0.9}}), cases, ["answer"])
    asked = 0

    while not stopping.settled:
        stopping.add(cases[asked], {"answer": 1.0})
        asked += 1

    assert 9000 <= asked <= 9000 + 10_000 / 256


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, ""),
        ({"limits": Limits(cost_per_case=1.0)}, "ceiling"),
        ({"limits": Limits(latency_p95=1.0)}, "ceiling"),
        ({"decision": replace(EARLY, cluster="document")}, "cluster"),
    ],
)
def test_a_ladder_that_never_ends_early_says_why(changed: dict[str, object], why: str) -> None:
    spec = replace(ladder(decision=EARLY), **changed)  # type: ignore[arg-type]

    assert curtails(spec) is not bool(why)
    assert why in hindered(spec)


def test_nothing_ends_early_unasked() -> None:
    assert not curtails(ladder())
    assert not hindered(ladder(limits=Limits(cost_per_case=1.0)))
