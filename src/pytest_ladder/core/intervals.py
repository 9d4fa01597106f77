"""How far a mean score can be trusted: one-sided bounds, and how many cases a threshold needs."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_ladder.core.canonical import DECIMALS
from pytest_ladder.core.drawing import indices
from pytest_ladder.errors import InvalidRequest, message

if TYPE_CHECKING:
    import numpy as np

SLACK = 1e-9
"""Figures this near to a whole number or to a threshold count as on it: what floating point leaves of thirds."""
MOST_RESAMPLES, LEAST_RESAMPLES = 3999, 999
"""One less than a round number, so that the usual confidences fall on an order statistic."""
DRAWS = 10_000_000
"""Draws after which a large sample gets fewer resamples: there the bounds hardly depend on them."""
CHUNK = 1_000_000
"""Draws held in memory at a time."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A lower and an upper bound of a mean score, each one-sided."""

    low: float
    high: float


def bounds(
    values: Sequence[float], confidence: float = 0.95, seed: int = 0, *, of_high: float | None = None,
    clusters: Sequence[str] = (),
) -> Bounds:  # fmt: skip
    """Bound the mean of case scores from below and from above, rounded to six decimals.

    A value is the score of one case; where a case was answered several times it is the mean of its answers, so that
    answers to one case never count as independent. Scores that are all 0 or 1 get the exact binomial bounds. Others
    get a studentised bootstrap, which is never let wider than the binomial bounds of the same mean: among scores
    between 0 and 1, those that are all 0 or 1 spread most. Nor does it ever say more than as many perfect, or wholly
    wrong, cases would: what `least_n` says holds for every metric, and a sample without spread never gets an interval
    without width. The order of the values does not matter, and `low <= mean <= high`.

    Cases of one cluster may go right or wrong together. The clusters are then what is drawn in the bootstrap, and the
    binomial bounds are those of `effective_n` cases: as many as there would be if each cluster were one answer.

    Args:
        values: Scores, 0 to 1.
        confidence: Of each bound, one-sided.
        seed: Of the bootstrap.
        of_high: Of the upper bound, where it is to be surer than the lower one, or less sure.
        clusters: The cluster of each value; empty where each stands for itself.

    Raises:
        InvalidRequest: no values, a value outside 0 to 1, or a confidence outside 0.5 to 1.
    """
    return Sample(values, seed, clusters=clusters).bounds(confidence, of_high)


class Sample:
    """Scores whose mean is bounded at one confidence or at several: they are resampled once."""

    def __init__(self, values: Sequence[float], seed: int = 0, *, clusters: Sequence[str] = ()) -> None:
        """Take scores as `bounds` does, and raise as it does."""
        _check_values(values)
        self.values = values
        self.mean = math.fsum(values) / len(values)
        self._n = effective_n(clusters) if clusters else len(values)
        self._units = clustered(values, clusters) if self._n < len(values) else values
        self._seed = seed

    @cached_property
    def _resampled(self) -> Studentised | None:
        """None where all are 0 or 1."""
        return studentise(self._units, self._seed) if any(0.0 < value < 1.0 for value in self._units) else None

    def bounds(self, confidence: float, of_high: float | None = None) -> Bounds:
        """The bounds of the mean, as `bounds` gives them."""
        sure, n, total = (confidence, confidence if of_high is None else of_high), self._n, self.mean * self._n
        _check_confidences(*sure)
        low = binomial_low(math.floor(total + SLACK), n, sure[0])
        high = binomial_high(math.ceil(total - SLACK), n, sure[1])
        if self._resampled is not None:
            low = max(low, min(self._resampled.low(sure[0]), (1 - sure[0]) ** (1 / n)))
            high = min(high, max(self._resampled.high(sure[1]), 1 - (1 - sure[1]) ** (1 / n)))
        return Bounds(min(round(low, DECIMALS), self.mean), max(round(high, DECIMALS), self.mean))


def effective_n(clusters: Sequence[str]) -> int:
    """As many independent cases as cases of these clusters are worth, if those of a cluster all fare alike.

    It is n squared over the sum of the squared cluster sizes, rounded down: the number of clusters where all are of
    one size. Source: Kish, "Survey Sampling" (1965), section 8.2.
    """
    sizes = Counter(clusters).values()
    return math.floor(sum(sizes) ** 2 / sum(size**2 for size in sizes) + SLACK) if sizes else 0


def clustered(values: Sequence[float], clusters: Sequence[str]) -> list[float]:
    """One value a cluster, whose mean is the mean of all values and whose spread is that of the mean.

    They are the means of the clusters where all are of one size. Else a large cluster counts for more, and a value may
    lie outside 0 to 1: the mean of all values is a ratio of sums over clusters, and these are its linearised terms.
    Source: Cochran, "Sampling Techniques" (1977), section 9A.2.
    """
    mean, sums, sizes = math.fsum(values) / len(values), defaultdict[str, float](float), Counter(clusters)
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] += value
    return [mean + (sums[name] - mean * size) * len(sizes) / len(values) for name, size in sizes.items()]


def binomial_low(successes: float, n: float, confidence: float) -> float:
    """Lower Clopper-Pearson bound; successes may be a fraction, for estimates.

    Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 26 (1934), by the quantile of a beta distribution: B(1 - confidence; k, n - k + 1).
    """
    from scipy.special import betaincinv

    return float(betaincinv(successes, n - successes + 1, 1 - confidence)) if successes > 0 else 0.0


def binomial_high(successes: float, n: float, confidence: float) -> float:
    """Upper Clopper-Pearson bound: the lower one seen from the failures."""
    return 1.0 - binomial_low(n - successes, n, confidence)


def least_n(threshold: float, confidence: float = 0.95) -> int | None:
    """The fewest cases with which a perfect score confirms a threshold: 0.90 needs 29 at 95 %.

    None for a threshold of 1: no number of cases confirms it. A perfect score of n cases has the lower bound
    (1 - confidence) ** (1 / n).
    """
    if threshold >= 1.0:
        return None
    if threshold <= 0.0:
        return 1
    return max(1, math.ceil(math.log(1 - confidence) / math.log(threshold) - SLACK))


def percentile(values: Sequence[float], q: float) -> float:
    """The q-th percentile, q from 0 to 100, by linear interpolation between the two nearest ranks.

    Source: definition 7 of Hyndman and Fan, "Sample quantiles in statistical packages", The American Statistician
    50 (1996).

    Raises:
        InvalidRequest: no values.
    """
    if not values:
        raise InvalidRequest(message("percentile", "there are no values"))
    ranked = sorted(values)
    place = (len(ranked) - 1) * q / 100
    below = math.floor(place)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (ranked[above] - ranked[below]) * (place - below)


@dataclass(frozen=True, slots=True, eq=False)
class Studentised:
    """The bootstrap-t distribution of a mean: bounds and p-values that never contradict one another.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 12.5; the p-values count the
    sample itself, as in Davison and Hinkley, "Bootstrap Methods and their Application" (1997), section 4.4.
    """

    mean: float
    error: float
    """Standard error of the mean; 0 for values without spread, which have no bounds and p-values of 1."""
    ratios: np.ndarray[Any, Any]
    """Of each resample: how many of its standard errors its mean lies off, ascending."""

    def low(self, confidence: float) -> float:
        """One-sided lower bound; minus infinity where too many resamples have no spread."""
        return self.mean - float(self.ratios[-self._tail(confidence)]) * self.error if self.error else -math.inf

    def high(self, confidence: float) -> float:
        """One-sided upper bound; infinity where too many resamples have no spread."""
        return self.mean - float(self.ratios[self._tail(confidence) - 1]) * self.error if self.error else math.inf

    def p_above(self) -> float:
        """One-sided p-value of a mean of at most 0: at most 1 - confidence exactly where `low` is above 0."""
        return self._p(lambda ratio: len(self.ratios) - int(self.ratios.searchsorted(ratio, "left")))

    def p_below(self) -> float:
        """One-sided p-value of a mean of at least 0: at most 1 - confidence exactly where `high` is below 0."""
        return self._p(lambda ratio: int(self.ratios.searchsorted(ratio, "right")))

    def _p(self, further: Callable[[float], int]) -> float:
        return (1 + further(self.mean / self.error)) / (1 + len(self.ratios)) if self.error else 1.0

    def _tail(self, confidence: float) -> int:
        return max(1, math.floor((1 - confidence) * (len(self.ratios) + 1) + SLACK))


def studentise(values: Sequence[float], seed: int = 0, least: int = LEAST_RESAMPLES) -> Studentised:
    """Resample values and studentise each resample's mean; the order of the values does not matter.

    Fewer resamples are drawn of very many values, but never fewer than `least`.
    """
    import numpy as np

    ordered = np.sort(np.asarray(values, dtype=float))
    mean = float(ordered.mean())
    deviations = ordered - mean
    error = float(np.sqrt((deviations**2).mean() / len(ordered)))
    resamples = max(least, min(MOST_RESAMPLES, DRAWS // len(ordered)))
    return Studentised(mean, error, np.sort(_ratios(deviations, resamples, seed)))


def _check_values(values: Sequence[float]) -> None:
    if not values:
        raise InvalidRequest(message("bounds", "there are no scores", expected="at least one"))
    for value in values:
        if not 0.0 <= value <= 1.0:
            raise InvalidRequest(message("bounds", "a score is out of range", got=value, expected="0 to 1"))


def _check_confidences(*confidences: float) -> None:
    for confidence in confidences:
        if not 0.5 <= confidence < 1.0:
            raise InvalidRequest(message("bounds", "no such confidence", got=confidence, expected="0.5 to 1"))


def _ratios(deviations: np.ndarray[Any, Any], resamples: int, seed: int) -> np.ndarray[Any, Any]:
    """The t ratio of each resample; one without spread is infinitely far, to its own side."""
    import numpy as np

    n = len(deviations)
    source = np.random.PCG64(abs(seed))
    rows = max(1, CHUNK // n)
    parts = []
    for start in range(0, resamples, rows):
        shape = (min(rows, resamples - start), n)
        sample = deviations[indices(source, shape)]
        mean = sample.mean(axis=1)
        variance = np.maximum(np.einsum("ij,ij->i", sample, sample) / n - mean**2, 0.0)
        flat = variance < 1e-12
        error = np.sqrt(np.where(flat, 1.0, variance) / n)
        parts.append(np.where(flat, np.where(mean == 0, 0.0, np.copysign(np.inf, mean)), mean / error))
    return np.concatenate(parts)
