"""Budgets, and what is spent of them."""

from __future__ import annotations

import time
from math import inf
from pathlib import Path

import pytest

from pytest_ladder.core.answers import Reply, Usage
from pytest_ladder.core.prices import usd
from pytest_ladder.engine.meter import Meter
from pytest_ladder.engine.shared_meter import SharedMeter
from pytest_ladder.errors import BudgetSpent


def spend(meter: Meter, cost_usd: float = 0.0) -> None:
    meter.reserve()
    meter.settle(Reply("yes", "m", prompt_tokens=3, completion_tokens=2, cost_usd=cost_usd))


def test_without_bounds_it_only_counts():
    meter = Meter()
    for _ in range(3):
        spend(meter, 0.5)

    assert meter.spent == Usage(3, 9, 6, 1.5)
    assert meter.exhausted == ""


def test_as_many_calls_are_made_as_allowed_and_no_more():
    meter = Meter(max_calls=2)
    spend(meter)
    spend(meter)

    with pytest.raises(BudgetSpent, match=r"^budget: 2 model calls are made\. Run again .*`--ladder-max-calls`$"):
        meter.reserve()
    assert meter.exhausted.startswith("budget: 2 model calls")


def test_calls_in_flight_count():
    meter = Meter(max_calls=1)
    meter.reserve()

    with pytest.raises(BudgetSpent):
        meter.reserve()


def test_a_call_that_gave_no_reply_costs_nothing_and_its_place_is_free_again():
    meter = Meter(max_calls=1)
    meter.reserve()
    meter.settle(None)

    spend(meter)
    assert meter.spent.calls == 1


@pytest.mark.parametrize(("bound", "calls"), [(0.0, 1), (0.5, 1), (0.75, 2), (1.0, 2)])
def test_nothing_more_is_asked_once_the_cost_is_spent(bound: float, calls: int):
    meter = Meter(max_cost_usd=bound)
    for _ in range(calls):
        spend(meter, 0.5)

    with pytest.raises(BudgetSpent, match=r"USD are spent.*raise `--ladder-max-cost`"):
        meter.reserve()


def test_what_costs_nothing_never_spends_a_bound_of_zero():
    meter = Meter(max_cost_usd=0.0)
    for _ in range(5):
        spend(meter)

    assert meter.spent.calls == 5


@pytest.mark.parametrize("tight", ["whole", "part"])
def test_a_part_is_held_to_its_own_bound_and_to_the_bound_of_the_whole(tight: str):
    whole = Meter(max_calls=1 if tight == "whole" else None)
    part = Meter(max_calls=1 if tight == "part" else None, whole=whole)
    spend(part)

    with pytest.raises(BudgetSpent):
        part.reserve()
    assert part.exhausted
    assert whole.spent.calls == 1


def test_what_one_part_spends_is_gone_for_another():
    whole = Meter(max_calls=2)
    one, other = Meter(whole=whole), Meter(whole=whole)
    spend(one)
    spend(one)

    with pytest.raises(BudgetSpent):
        other.reserve()
    assert other.spent.calls == 0


def test_once_spent_it_stays_so():
    meter = Meter(max_calls=1)
    meter.reserve()
    with pytest.raises(BudgetSpent):
        meter.reserve()
    meter.settle(None)

    with pytest.raises(BudgetSpent):
        meter.reserve()


def test_calls_in_flight_are_put_aside_with_what_they_are_expected_to_cost():
    meter = Meter(max_cost_usd=1.0)
    meter.reserve(0.6)
    assert not meter.full
    meter.reserve(0.6)
    assert meter.full

    meter.settle(Reply("yes", "m", cost_usd=0.1), 0.6)
    assert not meter.full
    meter.settle(None, 0.6)
    assert (meter.expected_usd, meter.spent.cost_usd) == (0.0, 0.1)


def test_what_nothing_waits_for_is_never_full():
    meter = Meter(max_cost_usd=0.5)
    meter.reserve(0.1)
    meter.settle(Reply("yes", "m", cost_usd=0.5), 0.1)

    assert not meter.full
    with pytest.raises(BudgetSpent):
        meter.reserve(0.1)


def test_a_part_is_full_where_the_whole_is():
    whole = Meter(max_cost_usd=1.0)
    one, other = Meter(whole=whole), Meter(whole=whole)
    one.reserve(2.0)

    assert other.full
    one.settle(None, 2.0)
    assert not other.full


def test_tokens_are_bounded():
    meter = Meter(max_tokens=10)
    spend(meter)
    spend(meter)

    with pytest.raises(BudgetSpent, match=r"^budget: 10 of 10 tokens are spent\. Run again .*`--ladder-max-tokens`$"):
        meter.reserve()


def test_tokens_of_calls_in_flight_are_put_aside_as_expected():
    meter = Meter(max_tokens=100)
    meter.reserve(0.0, 60.0)
    assert not meter.full
    meter.reserve(0.0, 60.0)
    assert meter.full

    meter.settle(Reply("yes", "m", prompt_tokens=5, completion_tokens=5), 0.0, 60.0)
    assert not meter.full
    meter.settle(None, 0.0, 60.0)
    assert meter.expected_tokens == 0.0


def test_what_costs_something_is_not_asked_on_a_bound_of_zero():
    meter = Meter(max_cost_usd=0.0)

    with pytest.raises(BudgetSpent, match=r"^budget: 0\.00 of 0\.00 USD are spent"):
        meter.reserve(0.1)
    assert meter.reserved == 0


@pytest.mark.parametrize("of", ["whole", "part"])
def test_time_is_bounded_also_for_what_asks_no_model(of: str):
    whole = Meter(max_time_s=0.001 if of == "whole" else None)
    part = Meter(max_time_s=0.001 if of == "part" else None, whole=whole)
    time.sleep(0.002)

    assert part.over.startswith("budget: the 0.001 s of the run are over. Run again to go on")
    with pytest.raises(BudgetSpent, match="--ladder-max-time"):
        part.reserve()


@pytest.mark.parametrize(("whole", "part"), [(5.0, 9.0), (9.0, 5.0), (5.0, None), (None, 5.0)])
def test_the_run_ends_with_the_tightest_bound_on_its_time(whole: float | None, part: float | None):
    run = Meter(max_time_s=whole, started=100.0)

    assert Meter(max_time_s=part, whole=run, started=100.0).ends == 105.0


def test_without_a_bound_on_time_the_run_does_not_end():
    assert Meter(whole=Meter()).ends == inf


def test_the_usual_answer_is_the_mean_of_those_so_far():
    meter = Meter()
    assert meter.usual_tokens is None
    spend(meter)

    assert meter.usual_tokens == 2


def test_processes_wait_for_their_own_calls_and_for_no_others(tmp_path: Path):
    one, other = (SharedMeter(max_cost_usd=1.0, path=tmp_path / "budget.json") for _ in range(2))
    one.reserve(2.0)
    other.reserve(0.1)
    assert (one.full, other.full) == (True, True)

    other.settle(Reply("yes", "m", cost_usd=0.1), 0.1)
    assert not other.full
    one.settle(Reply("yes", "m", cost_usd=0.95), 2.0)
    assert (one.spent.calls, one.expected_usd) == (2, pytest.approx(0.0))
    with pytest.raises(BudgetSpent):
        other.reserve()


def test_processes_put_tokens_aside_together(tmp_path: Path):
    one, other = (SharedMeter(max_tokens=10, path=tmp_path / "budget.json") for _ in range(2))
    one.reserve(0.0, 8.0)
    other.reserve(0.0, 1.0)
    assert not other.full
    other.reserve(0.0, 1.0)

    assert other.full
    assert other.expected_tokens == 10.0


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0.00"), (5, "5.00"), (1234.5, "1234.50"), (0.5, "0.50"), (0.02, "0.02"), (0.0213, "0.021"),
     (0.00000123, "0.0000012"), (-0.00001, "-0.00001")],
)  # fmt: skip
def test_an_amount_keeps_the_digits_that_matter(amount: float, text: str):
    assert usd(amount) == text


def test_a_tiny_budget_is_told_as_it_is():
    meter = Meter(max_cost_usd=0.000004)
    meter.reserve()
    meter.settle(Reply("x", "m", cost_usd=0.0000041))

    with pytest.raises(BudgetSpent, match=r"0\.0000041 of 0\.000004 USD are spent"):
        meter.reserve()
