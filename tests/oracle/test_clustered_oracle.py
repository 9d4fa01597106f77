"""Tests by clusters against every exchange there is, against scipy's, and against chance."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import permutation_test

from pytest_ladder.core.clustered import Clusters
from pytest_ladder.core.pairing import Pairs, compare_family
from pytest_ladder.core.signflip import sign_flip

SIZES = (1, 2, 2, 3, 4, 1, 2, 5, 1)


def exchanged(before: list[float], after: list[float], units: list[int]) -> tuple[float, float]:
    """The p-values of a gain and of a loss from every exchange of the two systems within whole clusters."""
    seen = sum(after) - sum(before)
    sums = [
        sum(b - a if swap[unit] else a - b for a, b, unit in zip(after, before, units, strict=True))
        for swap in product((False, True), repeat=len(set(units)))
    ]
    return float(np.mean(np.array(sums) >= seen - 1e-9)), float(np.mean(np.array(sums) <= seen + 1e-9))


def regressed(pairs: Pairs, seed: int) -> bool:
    return bool(compare_family({"m": pairs}, seed=seed)["m"].regressions)


@pytest.mark.parametrize("seed", range(4))
def test_flips_by_cluster_are_every_exchange_within_clusters(seed: int) -> None:
    rng = np.random.default_rng(seed)
    units = [g for g, size in enumerate(SIZES) for _ in range(size)]
    before, after = (rng.integers(0, 5, len(units)) / 4 for _ in range(2))

    clusters = Clusters.of((after - before).tolist(), units)

    assert sign_flip(clusters.sums) == pytest.approx(exchanged(before.tolist(), after.tolist(), units))


@pytest.mark.parametrize("seed", range(3))
def test_flips_by_cluster_are_those_of_scipy(seed: int) -> None:
    values = np.random.default_rng(seed).normal(0.2, 1, 24).round(3)
    sums = values.reshape(8, 3).sum(axis=1)

    gain, loss = sign_flip(Clusters.of(values.tolist(), [i // 3 for i in range(24)]).sums)

    for found, alternative in ((gain, "greater"), (loss, "less")):
        oracle = permutation_test(
            (sums,), np.mean, permutation_type="samples", alternative=alternative, n_resamples=10_000
        )
        assert found == pytest.approx(oracle.pvalue)


def test_no_p_value_is_below_that_of_every_exchange() -> None:
    rng = np.random.default_rng(11)
    units = [g for g, size in enumerate(SIZES) for _ in range(size)]
    for binary in (True, False):
        for _ in range(25):
            levels = 1 if binary else 4
            before, after = (rng.integers(0, levels + 1, len(units)) / levels for _ in range(2))
            ids = [f"c{i}" for i in range(len(units))]
            pairs = Pairs(
                dict(zip(ids, before.tolist(), strict=True)), dict(zip(ids, after.tolist(), strict=True)),
                {"all": ids}, {id_: str(unit) for id_, unit in zip(ids, units, strict=True)},
            )  # fmt: skip
            found = compare_family({"m": pairs})["m"].slices["all"]

            gain, loss = exchanged(before.tolist(), after.tolist(), units)

            assert found.p_gain >= gain - 1e-9
            assert found.p_loss >= loss - 1e-9


@pytest.mark.parametrize("graded", [False, True])
def test_one_system_in_clusters_of_four_is_called_worse_at_most_as_often_as_promised(graded: bool) -> None:
    rng = np.random.default_rng(8)
    ids = [f"c{i}" for i in range(160)]
    clusters = {id_: str(i // 4) for i, id_ in enumerate(ids)}
    alone = together = 0
    for seed in range(250):
        levels = 3 if graded else 1
        first, second = (rng.integers(0, levels + 1, 40) / levels for _ in range(2))
        shared = rng.random(40) < 0.3  # the clusters in which the two answers differ at all
        before = np.repeat(first, 4)
        after = np.repeat(np.where(shared, second, first), 4)
        lone = rng.random(160) < 0.05  # and cases of their own will
        after = np.where(lone, rng.integers(0, levels + 1, 160) / levels, after)
        scores = dict(zip(ids, before.tolist(), strict=True)), dict(zip(ids, after.tolist(), strict=True))
        alone += regressed(Pairs(*scores, {"all": ids}), seed)
        together += regressed(Pairs(*scores, {"all": ids}, clusters), seed)

    assert together / 250 <= 0.09
    assert alone / 250 >= 0.12


@pytest.mark.parametrize("size", [(4, 4), (1, 6)])
def test_the_bounds_by_clusters_hold_about_as_often_as_they_promise(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(9)
    true, low, high, trials = 0.1, 0, 0, 250
    for seed in range(trials):
        sizes = rng.integers(size[0], size[1] + 1, 40)
        common = np.repeat(rng.normal(0, 0.1, 40), sizes)
        values = np.clip(true + common + rng.normal(0, 0.05, sizes.sum()), -1, 1).tolist()
        found = Clusters.of(values, np.repeat(np.arange(40), sizes).tolist()).studentise(seed)
        low += found.low(0.95) <= true
        high += found.high(0.95) >= true

    assert low / trials >= 0.9
    assert high / trials >= 0.9
