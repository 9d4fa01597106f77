"""Rungs that together meet what none meets alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_ladder.core.complements import complements
from pytest_ladder.core.decision import decide
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.entries import Figure, RungEntry, Verdict
from pytest_ladder.core.rungs import Kind, RungSpec
from tests.builders import ladder

RUNGS = tuple(RungSpec(kind.value, kind) for kind in (Kind.PROMPT, Kind.FEW_SHOT, Kind.RAG, Kind.FINE_TUNE))
THRESHOLDS = {"answer": {"all": 0.9, "talk": 0.9, "orders": 0.8}, "cited": {"orders": 0.5}}
SPEC = ladder(THRESHOLDS, rungs=RUNGS)


def entry(rung: RungSpec, talk: float | None, orders: float, cited: float = 1.0) -> RungEntry:
    def figure(mean: float | None) -> Figure:
        return Figure(mean, 20, mean, mean)

    answer = {"all": figure(0.6), "talk": figure(talk), "orders": figure(orders)}
    scores = {"answer": answer, "cited": {"orders": figure(cited)}}
    return RungEntry("support", rung.id, rung.kind, "e", "c", "f", "a", 20, 1, scores, Verdict.SHORT)


def told(*figures: tuple[float | None, float] | tuple[float | None, float, float], spec=SPEC) -> str:
    current = {rung.id: entry(rung, *those) for rung, those in zip(spec.rungs, figures, strict=False)}
    return complements(spec, spec.rungs[: len(figures)], current)


def test_the_cheapest_rung_for_each_slice_is_named():
    assert told((0.9, 0.1), (0.95, 0.2), (0.5, 0.8)) == "prompt meets talk, rag meets orders"
    assert told((0.2, 0.9), (0.9, 0.2)) == "prompt meets orders, few_shot meets talk"


@pytest.mark.parametrize(
    "figures",
    [
        [(0.9, 0.1), (0.8, 0.7)],  # nobody has the orders
        [(0.9, 0.1), (0.1, 0.9, 0.4)],  # nobody has them by every metric
        [(0.9, 0.1), (0.9, 0.9)],  # one has both, and misses `all` alone
        [(None, 0.1), (0.1, 0.9)],  # one slice was not scored
        [(0.9, 0.1), (0.1, 0.1), (0.1, 0.1), (0.1, 0.9)],  # it takes a tuned model
        [],
    ],
)
def test_nothing_is_said_where_they_do_not_complete_each_other(figures):
    assert told(*figures) == ""


def test_nor_where_there_is_a_router_already_or_no_slice_is_asked_for():
    routed = replace(RUNGS[1], options={"router": [{"to": "prompt"}]})
    assert told((0.9, 0.1), (0.1, 0.9), spec=replace(SPEC, rungs=(RUNGS[0], routed, *RUNGS[2:]))) == ""
    assert told((0.9, 0.1), (0.1, 0.9), spec=ladder({"answer": {"all": 0.9}}, rungs=RUNGS)) == ""


def test_it_is_what_the_decision_recommends():
    current = {
        rung.id: entry(rung, *those) for rung, those in zip(RUNGS, [(0.9, 0.1), (0.9, 0), (0, 0.9)], strict=False)
    }
    found = decide(SPEC, current, {FailureKind.FORM: 9}, lambda: True)
    assert found.recommendation == (
        "send each question to the rung that is good at it, by a `router`: prompt meets talk, rag meets orders"
    )
