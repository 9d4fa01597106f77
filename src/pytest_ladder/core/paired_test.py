"""The paired test of one slice: p-values, bounds and the effect size of its differences."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_ladder.core.canonical import DECIMALS
from pytest_ladder.core.clustered import Clusters
from pytest_ladder.core.intervals import LEAST_RESAMPLES, SLACK, studentise
from pytest_ladder.core.mcnemar import mcnemar, proportion_bounds
from pytest_ladder.core.signflip import sign_flip


class Method(StrEnum):
    """How the pairs of a slice were tested."""

    MCNEMAR = "exact McNemar test"
    SIGNS = "exact sign test"
    """McNemar's, of differences of one size."""
    BOOTSTRAP = "paired bootstrap"
    CLUSTERS = "paired bootstrap by clusters"


@dataclass(frozen=True, slots=True)
class PairedTest:
    """What the differences of a slice say; without any, nothing."""

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    effect: float | None = None
    spread: float = 0.0
    """Standard deviation of the differences."""
    error: float = 0.0
    """Standard error of their mean, by clusters where there are any."""
    p_gain: float = 1.0
    p_loss: float = 1.0
    method: Method = Method.MCNEMAR
    units: int = 0
    """Clusters; without them, pairs."""
    moved: int = 0
    """Clusters whose differences do not cancel out; without clusters, pairs that differ."""


@dataclass(frozen=True, slots=True)
class _Found:
    p_gain: float
    p_loss: float
    low: float
    high: float
    error: float
    method: Method


def paired_test(
    values: Sequence[float], units: Sequence[Hashable], *, binary: bool, confidence: float, seed: int,
    least: int = LEAST_RESAMPLES,
) -> PairedTest:  # fmt: skip
    """Test the mean of paired differences for a gain and for a loss.

    Args:
        values: The differences, after minus before.
        units: Of each difference, what is independent of the others: its cluster, or itself.
        binary: Whether all scores are 0 or 1.
        confidence: Of each one-sided bound.
        seed: Of the bootstrap.
        least: The fewest resamples: no p-value that is drawn is below 1 / (1 + resamples).
    """
    if not values:
        return PairedTest()
    wins, losses = sum(value > 0 for value in values), sum(value < 0 for value in values)
    mean = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
    clusters = Clusters.of(values, units)
    if len(clusters.sums) == len(values):
        found = _alone(values, wins, losses, spread, binary, confidence, seed, least)
    else:
        found = _together(clusters, max(map(abs, values)), wins, losses, binary, confidence, seed, least)
    low, high = _agreeing(found, mean, confidence)
    return PairedTest(
        mean, low, high, _effect(wins, losses, mean, spread, binary), spread, found.error, found.p_gain, found.p_loss,
        found.method, len(clusters.sums), sum(map(bool, clusters.sums)),
    )  # fmt: skip


def _alone(
    values: Sequence[float], wins: int, losses: int, spread: float, binary: bool, confidence: float, seed: int,
    least: int,
) -> _Found:  # fmt: skip
    """Cases that are independent of one another.

    Where all that differ differ by the same amount, signs alone tell, as they do of scores of 0 and 1; a bootstrap
    finds resamples without any spread there, and shows nothing.
    """
    n, error = len(values), spread / math.sqrt(len(values))
    sizes = {abs(value) for value in values if value}
    method = Method.MCNEMAR if binary else Method.SIGNS if len(sizes) == 1 else Method.BOOTSTRAP
    if binary or len(sizes) <= 1:
        scale = 1.0 if binary else max(sizes, default=0.0)
        low, high = (scale * bound for bound in proportion_bounds(wins, losses, n, confidence))
        return _Found(*mcnemar(wins, losses), low, high, error, method)
    found, (gain, loss) = studentise(values, seed, least), sign_flip(values, seed, least)
    low, high = max(-1.0, found.low(confidence)), min(1.0, found.high(confidence))
    return _Found(max(gain, found.p_above()), max(loss, found.p_below()), low, high, error, method)


def _together(
    clusters: Clusters, largest: float, wins: int, losses: int, binary: bool, confidence: float, seed: int, least: int
) -> _Found:
    """Cases some of which go right or wrong together.

    If both evaluations are of one system, a whole cluster is as likely to have come out the other way round: its sum
    flips its sign. Where no more than one case differs in any, that is McNemar's exact test.
    """
    outer = clusters.reach(confidence, 1.0 if binary else largest)
    if binary and clusters.most <= 1:
        g = len(clusters.sums)
        inner = tuple(g / clusters.cases * bound for bound in proportion_bounds(wins, losses, g, confidence))
        p_values, method = mcnemar(wins, losses), Method.MCNEMAR
    elif clusters.error <= SLACK:
        inner, p_values, method = outer, sign_flip(clusters.sums, seed), Method.CLUSTERS
    else:
        found, (gain, loss) = clusters.studentise(seed, least), sign_flip(clusters.sums, seed, least)
        inner = found.low(confidence), found.high(confidence)
        p_values, method = (max(gain, found.p_above()), max(loss, found.p_below())), Method.CLUSTERS
    low, high = max(-1.0, min(inner[0], outer[0])), min(1.0, max(inner[1], outer[1]))
    return _Found(*p_values, low, high, clusters.error, method)


def _agreeing(found: _Found, mean: float, confidence: float) -> tuple[float, float]:
    """The bounds, made to exclude zero only where the test does."""
    tail = 1 - confidence + SLACK
    low = min(found.low, mean) if found.p_gain <= tail else min(found.low, mean, 0.0)
    high = max(found.high, mean) if found.p_loss <= tail else max(found.high, mean, 0.0)
    return round(low, DECIMALS), round(high, DECIMALS)


def _effect(wins: int, losses: int, mean: float, spread: float, binary: bool) -> float:
    if not wins + losses:
        return 0.0
    if binary:
        return wins / (wins + losses) - 0.5
    return mean / spread if spread > SLACK else math.copysign(math.inf, mean)
