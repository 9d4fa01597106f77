"""What answering costs a month: by API, by a tuned model, and where the two meet.

Source: the methodology's case of 100,000 queries a month, 500 input and 100 output tokens each, at $2.50 and $10.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pytest_ladder.errors import InvalidRequest, message

_MILLION = 1_000_000


def _number(name: str, value: float, *, positive: bool = False) -> float:
    if math.isfinite(value) and (value > 0 if positive else value >= 0):
        return value
    expected = "a number above 0" if positive else "a number of at least 0"
    raise InvalidRequest(message(name, "it is no such amount", got=value, expected=expected))


def api_cost_per_query(input_tokens: float, output_tokens: float, input_price: float, output_price: float) -> float:
    """USD one query costs; tokens a query, prices in USD per million tokens.

    Raises:
        InvalidRequest: an argument is negative or not finite.
    """
    into = _number("input_tokens", input_tokens) * _number("input_price", input_price)
    out = _number("output_tokens", output_tokens) * _number("output_price", output_price)
    return (into + out) / _MILLION


def monthly_api_cost(
    queries: float, input_tokens: float, output_tokens: float, input_price: float, output_price: float
) -> float:
    """USD a month by API; `queries` a month, the rest as in `api_cost_per_query`.

    Raises:
        InvalidRequest: an argument is negative or not finite.
    """
    return _number("queries", queries) * api_cost_per_query(input_tokens, output_tokens, input_price, output_price)


def monthly_tuned_cost(training_cost: float, amortize_months: float, hosting: float) -> float:
    """USD a month of a tuned model: its training spread over the months it serves, and its hosting a month.

    Raises:
        InvalidRequest: an amount is negative or not finite, or `amortize_months` is not above 0.
    """
    months = _number("amortize_months", amortize_months, positive=True)
    return _number("training_cost", training_cost) / months + _number("hosting", hosting)


def break_even_queries(tuned_monthly: float, api_per_query: float) -> int | None:
    """Queries a month at which both cost the same, to the nearest whole one.

    None where the API costs nothing a query: then no volume pays for tuning.
    Formula: tuned cost a month / API cost a query.

    Raises:
        InvalidRequest: an amount is negative or not finite.
    """
    tuned, query = _number("tuned_monthly", tuned_monthly), _number("api_per_query", api_per_query)
    return round(tuned / query) if query > 0 else None


@dataclass(frozen=True, slots=True)
class Costs:
    """Both ways of answering, side by side; USD."""

    queries: float
    """A month."""
    api_per_query: float
    api_monthly: float
    tuned_monthly: float
    break_even: int | None
    """Queries a month; None where no volume pays for tuning."""

    @property
    def saving(self) -> float:
        """USD a month that the tuned model saves; negative where the API is cheaper."""
        return self.api_monthly - self.tuned_monthly


def compare_costs(
    *, queries: float, input_tokens: float, output_tokens: float, input_price: float, output_price: float,
    training_cost: float, amortize_months: float, hosting: float,
) -> Costs:  # fmt: skip
    """Compare the monthly costs of an API and of a tuned model.

    Raises:
        InvalidRequest: an argument is negative or not finite, or `amortize_months` is not above 0.
    """
    query = api_cost_per_query(input_tokens, output_tokens, input_price, output_price)
    tuned = monthly_tuned_cost(training_cost, amortize_months, hosting)
    api = monthly_api_cost(queries, input_tokens, output_tokens, input_price, output_price)
    return Costs(queries, query, api, tuned, break_even_queries(tuned, query))
