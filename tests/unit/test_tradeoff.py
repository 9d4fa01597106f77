"""Quality against cost, and its frontier."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ladder.core.answers import Usage
from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.tradeoff import Price, tradeoffs
from tests.summaries import entry


def made(rung: str, score: float, cost: float = 0.0, p50: float | None = 0.1) -> RungEntry:
    one = entry(rung, Verdict.SHORT, score, score, score)
    return replace(one, usage=Usage(218, 1, 1, cost * 218), latency={"p50": p50, "p95": p50})


def frontier(*entries: RungEntry) -> list[str]:
    (found,) = tradeoffs(entries, ("answer",))
    return [point.rung for point in found.points if point.frontier]


def test_the_frontier_leaves_out_what_another_beats():
    assert frontier(made("prompt", 0.5, 1), made("few_shot", 0.4, 2), made("rag", 0.9, 3)) == ["prompt", "rag"]


def test_as_good_at_a_higher_price_is_beaten_and_a_tie_in_both_is_not():
    assert frontier(made("prompt", 0.5, 1), made("few_shot", 0.5, 2)) == ["prompt"]
    assert frontier(made("prompt", 0.5, 1), made("few_shot", 0.5, 1)) == ["prompt", "few_shot"]


def test_the_price_is_dollars_a_case():
    (found,) = tradeoffs((made("prompt", 0.5, 0.01), made("rag", 0.9, 0.03)), ("answer",))

    assert found.price is Price.COST
    assert [point.price for point in found.points] == pytest.approx([0.01, 0.03])


def test_where_all_is_free_it_is_the_median_latency():
    (found,) = tradeoffs((made("prompt", 0.5), made("rag", 0.9, p50=0.4)), ("answer",))

    assert found.price is Price.LATENCY
    assert [point.price for point in found.points] == [0.1, 0.4]


def test_what_cannot_be_placed_is_left_out():
    broken = replace(made("rag", 0.9), verdict=Verdict.ERROR)

    assert tradeoffs((made("prompt", 0.5), broken), ("answer",)) == ()
    assert tradeoffs((made("prompt", 0.5), made("rag", 0.9, p50=None)), ("answer",)) == ()
    assert tradeoffs((made("prompt", 0.5), made("rag", 0.9)), ("other",)) == ()


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 1.0]), st.sampled_from([1, 2, 3])), min_size=2, max_size=6))
def test_every_rung_is_on_the_frontier_or_beaten_by_one_that_is(places: list[tuple[float, int]]):
    rungs = ("prompt", "few_shot", "rag", "advanced_rag", "decompose", "fine_tune")
    entries = [made(rung, score, cost) for rung, (score, cost) in zip(rungs, places, strict=False)]
    (found,) = tradeoffs(entries, ("answer",))

    best = {p.rung for p in found.points if p.frontier}
    beats = {
        (one, other)
        for (one, a), (other, b) in itertools.permutations(zip(rungs, places, strict=False), 2)
        if a[0] >= b[0] and a[1] <= b[1] and a != b
    }
    for rung, _ in zip(rungs, places, strict=False):
        beaten = {one for one, other in beats if other == rung}
        assert (rung in best) == (not beaten)
        assert not beaten or beaten & best
