"""The paired tests against scipy's own, power against trying, and the promise against chance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, fisher_exact, permutation_test

from pytest_ladder.core.mcnemar import mcnemar, proportion_bounds
from pytest_ladder.core.pairing import compare
from pytest_ladder.core.power import detectable_effect, detectable_mean
from pytest_ladder.core.signflip import sign_flip

SPLITS = [(0, 0), (0, 1), (5, 0), (3, 9), (40, 60), (200, 150), (7, 7)]


@pytest.mark.parametrize(("wins", "losses"), SPLITS[1:])
def test_mcnemar_is_the_sign_test_of_scipy(wins: int, losses: int) -> None:
    m = wins + losses

    gain, loss = mcnemar(wins, losses)

    assert gain == pytest.approx(binomtest(wins, m, alternative="greater").pvalue)
    assert loss == pytest.approx(binomtest(losses, m, alternative="greater").pvalue)


@pytest.mark.parametrize(("wins", "losses"), SPLITS[1:])
def test_the_two_sided_p_value_is_that_of_scipy(wins: int, losses: int) -> None:
    before = {f"c{i}": float(i >= wins) for i in range(wins + losses)}
    after = {id_: 1.0 - score for id_, score in before.items()}

    found = compare(before, after, {"all": list(before)}).slices["all"]

    assert found.p_value == pytest.approx(binomtest(wins, wins + losses).pvalue)


@pytest.mark.parametrize("seed", range(4))
def test_exact_sign_flips_are_those_of_scipy(seed: int) -> None:
    values = np.random.default_rng(seed).normal(0.3, 1, 9).round(3)

    gain, loss = sign_flip(values.tolist())

    for found, alternative in ((gain, "greater"), (loss, "less")):
        oracle = permutation_test(
            (values,), np.mean, permutation_type="samples", alternative=alternative, n_resamples=10_000
        )
        assert found == pytest.approx(oracle.pvalue)


def test_drawn_sign_flips_come_near_to_mcnemar() -> None:
    gain, loss = sign_flip([1.0] * 60 + [-1.0] * 45, seed=1)

    exact = mcnemar(60, 45)
    assert gain == pytest.approx(exact[0], abs=0.015)
    assert loss == pytest.approx(exact[1], abs=0.015)


@pytest.mark.parametrize(
    ("n", "won", "lost"), [(30, 0.1, 0.1), (50, 0.1, 0.02), (200, 0.0, 0.02), (200, 0.03, 0.01), (500, 0.2, 0.1)]
)
def test_the_bounds_of_a_difference_hold_as_often_as_they_promise(n: int, won: float, lost: float) -> None:
    drawn = np.random.default_rng(2).multinomial(n, [won, lost, 1 - won - lost], 4000)
    table = {(w, x): proportion_bounds(w, x, n, 0.95) for w, x in {(int(w), int(x)) for w, x, _ in drawn}}
    found = np.array([table[int(w), int(x)] for w, x, _ in drawn])

    assert (found[:, 0] <= won - lost).mean() >= 0.94
    assert (found[:, 1] >= won - lost).mean() >= 0.94


@pytest.mark.parametrize(("n", "discordance"), [(60, 0.2), (200, 0.1), (300, 0.0)])
def test_the_detectable_effect_is_detected_about_as_often_as_stated(n: int, discordance: float) -> None:
    effect = detectable_effect(n, discordance, power=0.8)
    assert effect is not None
    psi = max(effect, discordance)
    rng = np.random.default_rng(4)
    differing = rng.binomial(n, psi, 4000)
    wins = rng.binomial(differing, (1 + effect / psi) / 2)

    shown = [mcnemar(int(w), int(m - w))[0] <= 0.05 for w, m in zip(wins, differing, strict=True)]

    assert np.mean(shown) == pytest.approx(0.8, abs=0.025)


def test_the_detectable_mean_is_detected_about_as_often_as_stated() -> None:
    effect = detectable_mean(100, 0.2, power=0.8)
    assert effect is not None
    rng = np.random.default_rng(5)
    shown = []
    for _ in range(500):
        before = rng.uniform(0.45, 0.55, 100)
        gains = rng.uniform(-1, 1, 100) * 3**0.5 * 0.2 + effect
        rows = {f"c{i}": float(x) for i, x in enumerate(before)}
        after = {f"c{i}": float(x) for i, x in enumerate(before + gains)}
        shown.append(compare(rows, after, {"all": list(rows)}).slices["all"].p_gain <= 0.05)

    assert np.mean(shown) == pytest.approx(0.8, abs=0.05)


def test_gathered_losses_are_fishers_exact_test() -> None:
    before = {f"c{i}": 1.0 for i in range(60)}
    after = {f"c{i}": float(i not in (0, 1, 2, 3, 30)) for i in range(60)}

    found = compare(before, after, {"all": list(before), "part": list(before)[:12]})

    assert found.gathering["part"] == pytest.approx(fisher_exact([[4, 8], [1, 47]], alternative="greater")[1])


@pytest.mark.parametrize(("n", "share"), [(60, 0.2), (100, 0.08), (100, 0.5)])
def test_graded_scores_of_one_system_are_called_worse_at_most_as_often_as_promised(n: int, share: float) -> None:
    rng = np.random.default_rng(6)
    worse = 0
    for seed in range(400):
        one, other = rng.integers(0, 4, n) / 3, rng.integers(0, 4, n) / 3
        other = np.where(rng.random(n) < share, other, one)
        before = {f"c{i}": float(x) for i, x in enumerate(one)}
        after = {f"c{i}": float(x) for i, x in enumerate(other)}
        worse += bool(compare(before, after, {"all": list(before)}, seed=seed).regressions)

    assert worse / 400 <= 0.075
