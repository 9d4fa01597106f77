"""New answers against recorded ones: real changes are found, chance alone seldom raises the alarm."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from pytest_ladder.core.answers import Answer, Call, Record, Reply
from pytest_ladder.core.drift import (
    Drift,
    DriftMetric,
    Finding,
    compared,
    least_cases,
    mean_tokens,
    median_latency,
    renamed,
    texts_differ,
)
from pytest_ladder.core.selftest import Repeats


def record(case: str, text: str, name: str = "m-1", *, tokens: int = 5, latency: float = 1.0) -> Record:
    call = Call("d", "m", Reply(text, name, prompt_tokens=tokens, completion_tokens=1))
    return Record(case, "i", 0, "f", Answer(text), (call,), latency)


def rows(rng: random.Random, cases: int, chances: list[float], repeats: int = 1) -> dict[str, list[float]]:
    return {f"c{i}": [float(rng.random() < chances[i]) for _ in range(repeats)] for i in range(cases)}


def judged(before: Repeats, after: Repeats, clusters: dict[str, str] | None = None) -> tuple[DriftMetric, ...]:
    return compared(before, after, confidence=0.95, clusters=clusters or {}, seed=1)


@pytest.mark.parametrize(("repeats", "runs", "most"), [(1, 400, 31), (2, 60, 7)])
def test_chance_alone_raises_the_alarm_at_most_at_the_level(repeats: int, runs: int, most: int):
    """The same random model twice, with two metrics: no more than 5 % of runs may call that a change."""
    alarms, rng = 0, random.Random(11)
    for _ in range(runs):
        chances = [rng.choice([0.3, 0.5, 0.7]) for _ in range(40)]
        before, after = ({metric: rows(rng, 40, chances, repeats) for metric in ("answer", "note")} for _ in range(2))
        alarms += any(metric.changed for metric in judged(before, after))

    assert alarms <= most  # at 5 % more are as rare as 1 %


@pytest.mark.parametrize(("old", "new"), [(0.9, 0.5), (0.5, 0.9)])
def test_a_change_in_either_direction_is_found(old: float, new: float):
    rng, found = random.Random(3), 0
    for _ in range(100):
        before, after = ({"answer": rows(rng, 60, [p] * 60)} for p in (old, new))
        found += judged(before, after)[0].changed

    assert found >= 95


def test_both_directions_share_the_error():
    """Five cases all lost are significant one-sided at 95 % (1/32), and not in both directions together."""
    before = {"answer": {f"c{i}": [1.0] for i in range(20)}}
    after = {"answer": {f"c{i}": [float(i >= 5)] for i in range(20)}}
    six = {"answer": {f"c{i}": [float(i >= 6)] for i in range(20)}}

    assert not judged(before, after)[0].changed
    assert judged(before, six)[0].changed
    assert judged(before, six)[0].p_value == pytest.approx(2 / 64)


def test_cases_that_go_together_count_once():
    before = {"answer": {f"c{i}": [1.0] for i in range(20)}}
    after = {"answer": {f"c{i}": [float(i >= 8)] for i in range(20)}}

    assert judged(before, after)[0].changed
    assert not judged(before, after, {f"c{i}": "one" for i in range(8)})[0].changed


def test_the_smallest_difference_is_told_and_shrinks_with_cases():
    few, many = (
        judged(same, same)[0].detectable for same in ({"answer": {f"c{i}": [1.0] for i in range(n)}} for n in (20, 200))
    )
    assert few is not None
    assert many is not None
    assert 0.0 < many < few < 1.0


def test_graded_scores_that_do_not_differ_are_no_proof_of_equality():
    graded, whole = ({"answer": {f"c{i}": [score] for i in range(50)}} for score in (0.5, 1.0))

    assert judged(graded, graded)[0].detectable == judged(whole, whole)[0].detectable


def test_below_the_least_number_of_cases_nothing_can_be_shown():
    assert least_cases(0.95, 1) == 6
    for n in (5, 6):
        same = {"answer": {f"c{i}": [1.0] for i in range(n)}}
        assert (judged(same, same)[0].detectable is None) == (n < 6)


def test_a_new_name_is_told_and_an_old_one_is_not():
    before = [record("a", "x"), record("b", "x", "m-2")]

    assert renamed(before, [record("a", "x", "m-2")]) == {}
    assert renamed(before, [record("a", "x", "m-3")]) == {"m": [["m-1", "m-2"], ["m-3"]]}


def test_texts_are_compared_apart_from_line_ends():
    before = [record("a", "x\r\ny"), record("b", "x"), record("c", "x")]

    assert texts_differ(before, [record("a", "x\ny"), record("b", "z")]) == (2, 1)


def test_plain_facts():
    found = [record("a", "x", tokens=5, latency=1.0), record("b", "x", tokens=15, latency=3.0)]

    assert (median_latency(found), mean_tokens(found)) == (2.0, 11.0)
    assert (median_latency([]), mean_tokens([replace(found[0], calls=())])) == (None, None)


def test_a_change_that_was_shown_counts_where_not_all_was_asked():
    base = Drift("prompt", 10, 10, 40)

    assert base.finding is Finding.NO_DIFFERENCE
    assert replace(base, stopped="why").finding is Finding.NO_CONCLUSION
    assert replace(base, stopped="why", renamed={"m": [["a"], ["b"]]}).finding is Finding.CHANGED


def test_it_crosses_from_a_worker_unchanged():
    same = {"answer": {f"c{i}": [1.0] for i in range(10)}}
    found = Drift("prompt", 10, 10, 40, metrics=judged(same, same), renamed={}, latency=[1.0, 2.0], tokens=[None, 1.0])

    assert Drift.from_dict(found.as_dict()) == found
