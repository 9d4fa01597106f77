"""The text of `ladder cost`."""

from __future__ import annotations

from pytest_ladder.core.economics import Costs
from pytest_ladder.report import numbers


def render_cost(costs: Costs) -> str:
    """Both monthly costs, the break-even volume, and what this volume calls for; ends with a line end."""
    rows = [
        ("API", f"{_dollars(costs.api_monthly)} a month", f"{numbers.money(costs.api_per_query)} a query"),
        ("tuned model", f"{_dollars(costs.tuned_monthly)} a month", "training spread over its months, and hosting"),
        ("break-even", _break_even(costs), ""),
    ]
    first, second = (max(len(row[at]) for row in rows) for at in (0, 1))
    lines = [f"{name:<{first}}  {figure:>{second}}  {remark}".rstrip() for name, figure, remark in rows]
    return "\n".join([*lines, "", _sentence(costs), _CAUTION]) + "\n"


_CAUTION = (
    "Labelling, experiments, regression reviews, monitoring and retraining come on top of a tuned model's figure."
)


def _dollars(usd: float) -> str:
    return f"${usd:,.2f}" if not usd or round(usd, 2) else numbers.money(usd)


def _break_even(costs: Costs) -> str:
    return "none" if costs.break_even is None else f"{numbers.count(costs.break_even)} queries a month"


def _sentence(costs: Costs) -> str:
    at = f"At {numbers.count(costs.queries)} queries a month"
    if costs.break_even is None:
        return f"{at} the API costs nothing a query: no volume pays for tuning."
    saving = round(costs.saving, 2)
    if saving == 0:
        return f"{at} both cost the same."
    cheaper = "the tuned model" if saving > 0 else "the API"
    return f"{at} {cheaper} is cheaper, by {_dollars(abs(saving))} a month."
