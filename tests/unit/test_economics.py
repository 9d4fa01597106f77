"""The methodology's case, to the cent, and what cannot be asked."""

from __future__ import annotations

import math

import pytest

from pytest_ladder.core.economics import (
    break_even_queries,
    compare_costs,
    monthly_api_cost,
    monthly_tuned_cost,
)
from pytest_ladder.errors import InvalidRequest
from pytest_ladder.report.economics import render_cost

CASE = {
    "queries": 100_000, "input_tokens": 500, "output_tokens": 100, "input_price": 2.5, "output_price": 10,
    "training_cost": 50, "amortize_months": 12, "hosting": 200,
}  # fmt: skip


def test_the_case_of_the_methodology():
    assert round(monthly_api_cost(100_000, 500, 100, 2.5, 10), 2) == 225.00
    assert round(monthly_tuned_cost(50, 12, 200), 2) == 204.17
    assert break_even_queries(monthly_tuned_cost(50, 12, 200), 225 / 100_000) == 90_741


def test_both_ways_side_by_side():
    costs = compare_costs(**CASE)

    assert (round(costs.api_monthly, 2), round(costs.tuned_monthly, 2), costs.break_even) == (225.00, 204.17, 90_741)
    assert round(costs.saving, 2) == 20.83


def test_the_text_holds_the_figures():
    text = render_cost(compare_costs(**CASE))

    assert "$225.00 a month" in text
    assert "$204.17 a month" in text
    assert "90,741 queries a month" in text
    assert "At 100,000 queries a month the tuned model is cheaper, by $20.83 a month." in text


def test_below_the_break_even_the_api_is_cheaper():
    assert "the API is cheaper, by $136.67 a month" in render_cost(compare_costs(**{**CASE, "queries": 30_000}))


def test_equal_costs_are_called_equal():
    equal = {**CASE, "training_cost": 0, "hosting": 225}

    assert "both cost the same" in render_cost(compare_costs(**equal))


def test_a_free_api_is_never_beaten():
    costs = compare_costs(**{**CASE, "input_price": 0, "output_price": 0})

    assert costs.break_even is None
    assert "no volume pays for tuning" in render_cost(costs)


def test_a_free_tuned_model_pays_at_once():
    assert break_even_queries(0, 0.01) == 0


@pytest.mark.parametrize("name", CASE)
@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_an_amount_that_cannot_be_is_refused_by_name(name: str, value: float):
    with pytest.raises(InvalidRequest, match=name):
        compare_costs(**{**CASE, name: value})


def test_training_is_spread_over_some_time():
    with pytest.raises(InvalidRequest, match=r"amortize_months.*above 0"):
        monthly_tuned_cost(50, 0, 200)
