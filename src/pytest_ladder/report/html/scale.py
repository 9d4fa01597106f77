"""From values to places on a picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_MOST_RATIO = 20.0
"""Prices that differ by more are put on a logarithmic scale."""
_LEAST = 1e-9
"""A smaller price is nothing."""
_CHARACTER = 6.5
"""Width of a character of a label, roughly, in units of the picture."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A line from `start` to `end`, in units of the picture, for values from `low` to `high`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value lies, to a tenth of a unit; values beyond an end lie at that end."""
        low, high, here = (self._put(v) for v in (self.low, self.high, min(max(value, self.low), self.high)))
        share = (here - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 1)

    def _put(self, value: float) -> float:
        return math.log10(value) if self.log else value


def score_scale(values: Iterable[float], start: float, end: float) -> Scale:
    """From 1 down to the tenth below the lowest value; the whole range where that is below 0.3."""
    lowest = min(values, default=0.0)
    low = math.floor(lowest * 10 - 0.25) / 10
    return Scale(0.0 if low < 0.3 else min(low, 0.9), 1.0, start, end)


def score_ticks(scale: Scale) -> tuple[float, ...]:
    """Three to six round scores from end to end."""
    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.25) if (scale.high - scale.low) / step <= 5.01)
    first = math.ceil(scale.low / step - 1e-9)
    return tuple(round(n * step, 2) for n in range(first, math.floor(1 / step + 1e-9) + 1))


def price_scale(values: Iterable[float], start: float, end: float) -> Scale:
    """From 0 up to a little above the highest price; logarithmic where prices are far apart."""
    known = sorted(value if value >= _LEAST else 0.0 for value in values)
    highest = known[-1] if known and known[-1] > 0 else 1.0
    if known and known[0] > 0 and highest / known[0] > _MOST_RATIO:
        return Scale(10.0 ** math.floor(math.log10(known[0])), 10.0 ** math.ceil(math.log10(highest)), start, end, True)
    step = _step(highest)
    return Scale(0.0, step * math.ceil(highest / step + 1e-9), start, end)


def price_ticks(scale: Scale) -> tuple[float, ...]:
    """Round prices from end to end: powers of ten on a logarithmic scale."""
    if scale.log:
        first, last = round(math.log10(scale.low)), round(math.log10(scale.high))
        stride = max(1, math.ceil((last - first) / 5))
        return tuple(10.0**n for n in range(first, last + 1, stride))
    step = _step(scale.high)
    return tuple(step * n for n in range(round(scale.high / step) + 1))


def apart(ticks: Sequence[tuple[float, str]]) -> tuple[tuple[float, str], ...]:
    """The ticks, places with their labels, whose labels do not run into one another.

    The last one is kept, with its label to the left of its place; those of the others are in the middle.
    """
    kept: list[tuple[float, str]] = []
    edge = math.inf
    for place, label in reversed(ticks):
        width = _CHARACTER * len(label)
        right = place + (width / 2 if kept else 0.0)
        if right + _CHARACTER <= edge:
            kept.append((place, label))
            edge = right - width
    return tuple(reversed(kept))


def _step(highest: float) -> float:
    """A round step by which three to five reach the highest value."""
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (0.2, 0.25, 0.5, 1.0, 2.0, 2.5) if highest / (step * power) <= 4.01)
