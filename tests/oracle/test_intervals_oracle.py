"""The exact bounds against scipy's own, `least_n` against trying, the bootstrap against its promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from pytest_ladder.core.intervals import bounds, least_n

NS = [1, 2, 5, 17, 29, 60, 250]


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("n", NS)
def test_binary_bounds_are_those_of_scipy(n: int, confidence: float) -> None:
    for k in sorted({0, 1, n // 3, n // 2, n - 1, n}):
        found = bounds([1.0] * k + [0.0] * (n - k), confidence)

        low = binomtest(k, n, alternative="greater").proportion_ci(confidence, method="exact").low
        high = binomtest(k, n, alternative="less").proportion_ci(confidence, method="exact").high
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.8, 0.9, 0.95])
def test_least_n_is_the_first_that_works(threshold: float, confidence: float) -> None:
    n = least_n(threshold, confidence)

    assert n == next(n for n in range(1, 1000) if bounds([1.0] * n, confidence).low >= threshold)


def test_graded_bounds_hold_about_as_often_as_they_promise() -> None:
    rng = np.random.default_rng(3)
    samples = rng.choice([0.0, 0.5, 0.75, 1.0], p=[0.05, 0.1, 0.25, 0.6], size=(400, 80))
    truth = 0.1 * 0.5 + 0.25 * 0.75 + 0.6

    found = [bounds(sample.tolist(), 0.95) for sample in samples]

    assert 0.92 <= np.mean([f.low <= truth for f in found]) <= 0.985
    assert 0.92 <= np.mean([f.high >= truth for f in found]) <= 0.985
