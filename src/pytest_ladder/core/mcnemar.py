"""Pairs of right and wrong answers: the exact test of those that differ, and bounds of what they add up to."""

from __future__ import annotations

import math

from pytest_ladder.core.intervals import SLACK, binomial_high, binomial_low


def least_differing(confidence: float = 0.95) -> int:
    """The fewest pairs that must differ before anything can be shown: 5 at 95 %, 7 at 99 %.

    If m pairs differ and all to the same side, the exact one-sided p-value is 0.5 ** m: the smallest there is. (Tested
    on both sides at once, 5 % takes the better known 6 pairs.)

    Source: the conditional distribution in McNemar, "Note on the sampling error of the difference between correlated
    proportions or percentages", Psychometrika 12 (1947).
    """
    return max(1, math.ceil(math.log2(1 / (1 - confidence)) - SLACK))


def mcnemar(wins: int, losses: int) -> tuple[float, float]:
    """The exact one-sided p-values of a gain and of a loss, from the pairs that differ.

    Without a difference each of these pairs falls to either side with probability 1/2: binomial tails.
    Source: as for `least_differing`.
    """
    from scipy.special import bdtr

    m = wins + losses
    return float(bdtr(losses, m, 0.5)), float(bdtr(wins, m, 0.5))


def proportion_bounds(wins: int, losses: int, n: int, confidence: float) -> tuple[float, float]:
    """One-sided bounds of the difference of two paired proportions, -1 to 1.

    Wald's bounds after adding one pair won and one lost; but never nearer than the exact bound of the wins alone or of
    the losses alone allows, which matters where all that differ fell to one side.

    Source: Bonett and Price, "Adjusted Wald confidence interval for a difference of binomial proportions based on
    paired data", Journal of Educational and Behavioral Statistics 37 (2012); recommended by Fagerland, Lydersen and
    Laake, "Recommended tests and confidence intervals for paired binomial proportions", Statistics in Medicine 33
    (2014).
    """
    low, high = _low(wins, losses, n, confidence), -_low(losses, wins, n, confidence)
    return max(-1.0, low), min(1.0, high)


def _low(wins: int, losses: int, n: int, confidence: float) -> float:
    from scipy.special import ndtri

    won, lost = (wins + 1) / (n + 2), (losses + 1) / (n + 2)
    reach = float(ndtri(confidence)) * math.sqrt((won + lost - (won - lost) ** 2) / (n + 2))
    by_wins = binomial_low(wins, n, confidence) - losses / n
    by_losses = wins / n - binomial_high(losses, n, confidence)
    return min(won - lost - reach, by_wins, by_losses)
