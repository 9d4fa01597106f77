"""Differences of cases that are not independent: tested and bounded by their clusters."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from pytest_ladder.core.drawing import indices
from pytest_ladder.core.intervals import (
    CHUNK,
    DRAWS,
    LEAST_RESAMPLES,
    MOST_RESAMPLES,
    Studentised,
    binomial_high,
    binomial_low,
)

FINE = 9
"""Decimals of a difference that count: what floating point leaves of thirds is a tie."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """The differences of a slice, summed by cluster."""

    sums: tuple[float, ...]
    """Of each cluster, its differences added up: they may cancel out."""
    sizes: tuple[int, ...]
    """Of each cluster, its cases."""
    most: int
    """Of all clusters, the most cases that differ in one."""

    @classmethod
    def of(cls, differences: Sequence[float], units: Sequence[Hashable]) -> Clusters:
        """Sum differences by the unit that each belongs to; the order of the cases does not matter."""
        parts: defaultdict[Hashable, list[float]] = defaultdict(list)
        for difference, unit in zip(differences, units, strict=True):
            parts[unit].append(difference)
        rows = sorted((round(math.fsum(part), FINE), len(part)) for part in parts.values())
        most = max((sum(map(bool, part)) for part in parts.values()), default=0)
        return cls(tuple(row[0] for row in rows), tuple(row[1] for row in rows), most)

    @property
    def cases(self) -> int:
        """Of all clusters together."""
        return sum(self.sizes)

    @property
    def mean(self) -> float:
        """The mean difference of a case."""
        return math.fsum(self.sums) / self.cases

    @property
    def error(self) -> float:
        """The standard error of the mean: that of a linearised ratio of sums."""
        mean = self.mean
        residuals = ((total - mean * size) ** 2 for total, size in zip(self.sums, self.sizes, strict=True))
        return math.sqrt(math.fsum(residuals)) / self.cases

    def studentise(self, seed: int = 0, least: int = LEAST_RESAMPLES) -> Studentised:
        """The bootstrap-t distribution of the mean difference of a case, whole clusters drawn.

        The mean is a ratio: of the sum of the differences to the number of cases. With clusters of one case each this
        is `studentise` of the differences.

        Source: Cochran, "Sampling Techniques" (1977), section 6.4, for the error; Field and Welsh, "Bootstrapping
        clustered data", Journal of the Royal Statistical Society B 69 (2007), for drawing whole clusters.
        """
        import numpy as np

        sums, sizes = np.array(self.sums), np.array(self.sizes, dtype=float)
        g, ratio = len(sums), self.mean
        resamples = max(least, min(MOST_RESAMPLES, DRAWS // g))
        source, rows = np.random.PCG64(abs(seed)), max(1, CHUNK // g)
        parts = []
        for start in range(0, resamples, rows):
            drawn = indices(source, (min(rows, resamples - start), g))
            some, many = sums[drawn], sizes[drawn]
            total = many.sum(axis=1)
            found = some.sum(axis=1) / total
            off = found - ratio
            spread = np.sqrt(((some - found[:, None] * many) ** 2).sum(axis=1)) / total
            flat = spread < 1e-9
            far = np.where(np.abs(off) < 1e-12, 0.0, np.copysign(np.inf, off))
            parts.append(np.where(flat, far, off / np.where(flat, 1.0, spread)))
        return Studentised(ratio, self.error, np.sort(np.concatenate(parts)))

    def reach(self, confidence: float, largest: float) -> tuple[float, float]:
        """Bounds that no interval of the mean difference may lie within, however alike the clusters are.

        The clusters that lost are a binomial count, and so are those that won; what one of them loses is taken from
        those seen, and where next to none was seen it is a whole cluster at `largest`, the most that a case can lose.

        Args:
            confidence: Of each one-sided bound.
            largest: The most that one case can differ: 1 where scores are 0 or 1.
        """
        won = [value for value in self.sums if value > 0]
        lost = [-value for value in self.sums if value < 0]
        return self._reach(won, lost, confidence, largest), -self._reach(lost, won, confidence, largest)

    def _reach(self, won: Sequence[float], lost: Sequence[float], confidence: float, largest: float) -> float:
        g, gain, loss = len(self.sums), math.fsum(won) / self.cases, math.fsum(lost) / self.cases
        unseen = largest * binomial_high(0, g, confidence)
        most_lost = max(unseen, binomial_high(len(lost), g, confidence) * loss * g / len(lost) if lost else 0.0)
        least_won = binomial_low(len(won), g, confidence) * gain * g / len(won) if won else 0.0
        return min(gain - most_lost, least_won - loss)
