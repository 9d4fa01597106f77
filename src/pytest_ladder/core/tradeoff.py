"""What quality costs: each rung's score against its cost or latency, and the rungs that no other one beats in both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_ladder.core.cases import ALL
from pytest_ladder.core.entries import Figure, RungEntry, Verdict


class Price(StrEnum):
    """What a rung is paid in."""

    COST = "cost"
    """USD a case: all calls of its answers, divided by the cases."""
    LATENCY = "latency"
    """Median seconds of an answer itself: where every answer was free."""


@dataclass(frozen=True, slots=True)
class Point:
    """One rung."""

    rung: str
    figure: Figure
    price: float
    """At least 0, in the unit of the trade-off."""
    frontier: bool
    """Whether no other rung is as good and as cheap, and better in one of the two."""


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """One metric on the whole set, against what it costs."""

    metric: str
    price: Price
    points: tuple[Point, ...]
    """In climbing order; rungs in error, without a score or without a price are left out."""


def tradeoffs(entries: Sequence[RungEntry], metrics: Iterable[str]) -> tuple[Tradeoff, ...]:
    """Hold quality against price for some metrics.

    Args:
        entries: The rungs' current entries, in climbing order.
        metrics: Which to hold; those without two points are left out.
    """
    sound = [entry for entry in entries if entry.verdict is not Verdict.ERROR and entry.cases]
    price = Price.COST if any(entry.usage.cost_usd > 0 for entry in sound) else Price.LATENCY
    found = (Tradeoff(metric, price, _points(sound, metric, price)) for metric in metrics)
    return tuple(one for one in found if len(one.points) > 1)


def _points(entries: Sequence[RungEntry], metric: str, price: Price) -> tuple[Point, ...]:
    known = []
    for entry in entries:
        figure, paid = entry.scores.get(metric, {}).get(ALL), _paid(entry, price)
        if figure is not None and figure.mean is not None and paid is not None:
            known.append((entry.rung, figure, figure.mean, paid))
    places = [(mean, paid) for *_, mean, paid in known]
    return tuple(Point(rung, figure, paid, not _beaten((mean, paid), places)) for rung, figure, mean, paid in known)


def _paid(entry: RungEntry, price: Price) -> float | None:
    return entry.usage.cost_usd / max(1, entry.answered) if price is Price.COST else entry.latency.get("p50")


def _beaten(place: tuple[float, float], others: Iterable[tuple[float, float]]) -> bool:
    mean, paid = place
    return any(other != place and other[0] >= mean and other[1] <= paid for other in others)
