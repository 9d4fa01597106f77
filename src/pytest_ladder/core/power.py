"""What an eval set could have shown: the smallest difference it would see, and when a gain has levelled off."""

from __future__ import annotations

import math
from functools import lru_cache

from pytest_ladder.core.differences import SliceComparison
from pytest_ladder.core.mcnemar import least_differing
from pytest_ladder.core.paired_test import Method
from pytest_ladder.errors import InvalidRequest, message

POWER = 0.8
"""The customary chance of seeing a difference that is there."""
HALVINGS = 40


def detectable_effect(n: int, discordance: float, confidence: float = 0.95, power: float = POWER) -> float | None:
    """The smallest true difference of two paired proportions that the exact McNemar test would show.

    Args:
        n: Pairs.
        discordance: Share of the pairs that differ, 0 to 1. A larger difference than this share takes at least so
            many differing pairs, and is reckoned with that many.
        confidence: Of the one-sided test of one slice.
        power: The chance with which the difference is shown.

    Returns:
        0 to 1, computed exactly: the number that differ is binomial, and so are the wins among them. None where n
        pairs cannot show any.

    Raises:
        InvalidRequest: a negative n, or a share, confidence or power outside its range.
    """
    _check(n, discordance, confidence, power)
    if n < least_differing(confidence):
        return None
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        shown = _chance(n, middle, max(discordance, middle), confidence) >= power
        low, high = (low, middle) if shown else (middle, high)
    return high


def detectable_mean(n: int, spread: float, confidence: float = 0.95, power: float = POWER) -> float | None:
    """The smallest true mean difference of graded scores that n pairs would show: (z_a + z_b) * spread / sqrt(n).

    Args:
        n: Pairs.
        spread: Standard deviation of the differences.
        confidence: Of the one-sided test of one slice.
        power: The chance with which the difference is shown.

    Returns:
        0 to 1; None where n pairs cannot show any. An approximation by the normal distribution.
        Source: Cohen, "Statistical Power Analysis for the Behavioral Sciences" (1988), chapter 2.

    Raises:
        InvalidRequest: a negative n, or a confidence or power outside its range.
    """
    from scipy.special import ndtri

    _check(n, 0.0, confidence, power)
    if n < least_differing(confidence):
        return None
    found = float(ndtri(confidence) + ndtri(power)) * spread / math.sqrt(n)
    return found if found <= 1.0 else None


def detectable(found: SliceComparison, confidence: float = 0.95, power: float = POWER) -> float | None:
    """The smallest difference that the pairs of a comparison would have shown, as many of them differing as did.

    Clusters count as what they are: so many independent units, each with the spread that was seen. Where too few of
    them differ to tell how much of a cluster does, it is taken to go right or wrong as a whole.
    """
    if found.method is not Method.MCNEMAR:
        return detectable_mean(found.units, found.error * math.sqrt(found.units), confidence, power)
    least = detectable_effect(found.units, found.moved / found.units if found.units else 0.0, confidence, power)
    whole = found.moved < least_differing(confidence)
    return least if least is None or whole else least * found.units / found.n


def is_plateau(found: SliceComparison, min_effect: float, confidence: float = 0.95, power: float = POWER) -> bool:
    """Whether a gain has levelled off: its interval holds zero although `min_effect` would have shown.

    With `min_effect` 0 nothing is a plateau: no number of cases shows every gain however small.
    """
    if found.low is None or found.high is None or not found.low <= 0.0 <= found.high:
        return False
    least = detectable(found, confidence, power)
    return least is not None and least <= min_effect


def _chance(n: int, difference: float, discordance: float, confidence: float) -> float:
    """The power of the exact one-sided test: over how many pairs differ, and how many of these are lost."""
    import numpy as np
    from scipy.special import bdtr, gammaln, xlog1py, xlogy

    if discordance <= 0.0:
        return 0.0
    m = np.arange(n + 1)
    ways = gammaln(n + 1) - gammaln(m + 1) - gammaln(n - m + 1)
    weights = np.exp(ways + xlogy(m, discordance) + xlog1py(n - m, -min(discordance, 1.0)))
    most = np.asarray(_most_lost(n, confidence))
    lost = max(0.0, (1 - difference / discordance) / 2)
    return float((weights * np.where(most < 0, 0.0, bdtr(np.maximum(most, 0), m, lost))).sum())


@lru_cache(maxsize=64)
def _most_lost(n: int, confidence: float) -> tuple[int, ...]:
    """For each number of differing pairs up to n, the most that may be lost for a gain to be shown; -1 for none."""
    from scipy.special import bdtr

    most, found = -1, []
    for m in range(n + 1):
        if bdtr(most + 1, m, 0.5) <= 1 - confidence and most + 1 < m:
            most += 1
        found.append(most)
    return tuple(found)


def _check(n: int, discordance: float, confidence: float, power: float) -> None:
    for what, value, good, expected in (
        ("n", n, n >= 0, "at least 0"),
        ("discordance", discordance, 0.0 <= discordance <= 1.0, "0 to 1"),
        ("confidence", confidence, 0.5 <= confidence < 1.0, "0.5 to 1"),
        ("power", power, 0.0 < power < 1.0, "between 0 and 1"),
    ):
        if not good:
            raise InvalidRequest(message(what, "it is out of range", got=value, expected=expected))
