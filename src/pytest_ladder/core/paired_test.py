"""The paired test of one slice: p-values, bounds and the effect size of its differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_ladder.core.canonical import DECIMALS
from pytest_ladder.core.intervals import SLACK, studentise
from pytest_ladder.core.mcnemar import mcnemar, proportion_bounds
from pytest_ladder.core.signflip import sign_flip


class Method(StrEnum):
    """How the pairs of a slice were tested."""

    MCNEMAR = "exact McNemar test"
    BOOTSTRAP = "paired bootstrap"


@dataclass(frozen=True, slots=True)
class PairedTest:
    """What the differences of a slice say; without any, nothing."""

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    effect: float | None = None
    spread: float = 0.0
    p_gain: float = 1.0
    p_loss: float = 1.0


def paired_test(
    values: Sequence[float], wins: int, losses: int, binary: bool, confidence: float, seed: int
) -> PairedTest:
    """Test the mean of paired differences for a gain and for a loss.

    Args:
        values: The differences, after minus before.
        wins: How many are above 0.
        losses: How many are below 0.
        binary: Whether all scores are 0 or 1, and the test McNemar's.
        confidence: Of each one-sided bound.
        seed: Of the bootstrap.
    """
    if not values:
        return PairedTest()
    n, mean = len(values), math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / n)
    alike = binary or spread <= SLACK
    if alike:
        (p_gain, p_loss), scale = mcnemar(wins, losses), 1.0 if binary else abs(mean)
        low, high = (scale * bound for bound in proportion_bounds(wins, losses, n, confidence))
    else:
        p_gain, p_loss, low, high = _bootstrap(values, confidence, seed)
    tail = 1 - confidence + SLACK
    low = min(low, mean) if p_gain <= tail else min(low, mean, 0.0)
    high = max(high, mean) if p_loss <= tail else max(high, mean, 0.0)
    effect = _effect(wins, losses, mean, spread, binary)
    return PairedTest(mean, round(low, DECIMALS), round(high, DECIMALS), effect, spread, p_gain, p_loss)


def _bootstrap(values: Sequence[float], confidence: float, seed: int) -> tuple[float, float, float, float]:
    found, (gain, loss) = studentise(values, seed), sign_flip(values, seed)
    low, high = max(-1.0, found.low(confidence)), min(1.0, found.high(confidence))
    return max(gain, found.p_above()), max(loss, found.p_below()), low, high


def _effect(wins: int, losses: int, mean: float, spread: float, binary: bool) -> float:
    if not wins + losses:
        return 0.0
    if binary:
        return wins / (wins + losses) - 0.5
    return mean / spread if spread > SLACK else math.copysign(math.inf, mean)
