"""Cohen's kappa against its definition in fractions, its error against the delta method by differences, its bound by
simulation, and all of it against printed figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from pytest_ladder.core.agreement import LEAST_KAPPA, LEAST_OF_A_CLASS, cohen_kappa
from tests.unit.test_agreement import table

TABLES = [
    [[40, 9], [6, 45]],
    [[88, 10], [14, 16]],
    [[20, 5], [10, 15]],
    [[53, 5, 2], [11, 14, 5], [1, 6, 3]],
    [[22, 2, 2, 0], [5, 7, 14, 0], [0, 2, 36, 0], [0, 1, 17, 10]],
]


def exact(counts: Sequence[Sequence[int]]) -> Fraction:
    """1 less the disagreement seen over that of chance, a disagreement weighing as far as its classes lie apart."""
    n, size = sum(map(sum, counts)), range(len(counts))
    rows, columns = [sum(row) for row in counts], [sum(column) for column in zip(*counts, strict=True)]
    seen = sum(Fraction(abs(i - j) * counts[i][j], n) for i in size for j in size)
    chance = sum(Fraction(abs(i - j) * rows[i] * columns[j], n * n) for i in size for j in size)
    return 1 - seen / chance


def by_differences(counts: Sequence[Sequence[int]], step: float = 1e-6) -> float:
    """The standard error by the delta method, the gradient taken by central differences over the cells' shares."""
    cells = np.array(counts, dtype=float)
    n = cells.sum()
    shares = cells / n
    size = len(counts)
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))

    def kappa(p: np.ndarray) -> float:
        p = p / p.sum()
        return float(1 - (apart * p).sum() / (apart * np.outer(p.sum(1), p.sum(0))).sum())

    gradient = np.zeros_like(shares)
    for place in np.ndindex(*shares.shape):
        more, less = shares.copy(), shares.copy()
        more[place] += step
        less[place] -= step
        gradient[place] = (kappa(more) - kappa(less)) / (2 * step)
    variance = (shares * gradient**2).sum() - (shares * gradient).sum() ** 2
    return math.sqrt(variance / n)


@pytest.mark.parametrize("counts", TABLES)
def test_kappa_is_that_of_its_definition(counts: list[list[int]]):
    assert cohen_kappa(table(counts), len(counts)).value == pytest.approx(float(exact(counts)), abs=1e-12)


@pytest.mark.parametrize("counts", TABLES)
def test_its_standard_error_is_that_of_the_delta_method(counts: list[list[int]]):
    assert cohen_kappa(table(counts), len(counts)).error == pytest.approx(by_differences(counts), rel=1e-5)


def test_it_is_what_scikit_learn_and_statsmodels_give():
    """`cohen_kappa_score(weights="linear")` of scikit-learn 1.x and `cohens_kappa(wt="linear")` of statsmodels 0.14."""
    for counts, (value, error) in zip(TABLES, PRINTED, strict=True):
        found = cohen_kappa(table(counts), len(counts))
        assert (found.value, found.error) == pytest.approx((value, error), abs=1e-6)


PRINTED = ((0.699519, 0.071394), (0.452211, 0.094464), (0.4, 0.126996), (0.492308, 0.071727), (0.64881, 0.047652))


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.2, 0.25, 0.5, 0.8])
def test_a_judge_at_the_limit_is_let_through_in_at_most_five_per_cent(share: float):
    """True kappa 0.6, 100 labels: the share of samples in which the bound reaches 0.6 all the same."""
    chance = share**2 + (1 - share) ** 2
    both = share - (1 - (LEAST_KAPPA * (1 - chance) + chance)) / 2
    cells = [1 - 2 * share + both, share - both, share - both, both]
    drawn = np.random.default_rng(7).multinomial(100, cells, size=4000)
    through = 0
    for a, b, c, d in drawn.tolist():
        if min(a + b, c + d) >= LEAST_OF_A_CLASS:
            found = cohen_kappa(table([[a, b], [c, d]]), 2)
            through += found is not None and found.low() >= LEAST_KAPPA
    assert through / len(drawn) <= 0.05
