"""Slices in which the losses gather."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping

from pytest_ladder.core.intervals import SLACK
from pytest_ladder.core.multiplicity import holm


def gathering(
    members: Mapping[str, Collection[Hashable]], lost: Collection[Hashable], confidence: float
) -> dict[str, float]:
    """The slices with more losses than chance would put there, if losses fell on the units at random.

    Source: Fisher's exact test, the upper tail of the hypergeometric distribution.

    Args:
        members: Slice -> its units: cases, or clusters of cases that go right or wrong together.
        lost: The units with a loss.
        confidence: Of there being no false alarm in any slice.

    Returns:
        Slice -> p-value after Holm, for those in which losses gather; the largest slice is what they are held against.
    """
    whole = max(members.values(), key=len, default=())
    marked = set(lost) & set(whole)
    if not marked:
        return {}
    parts = {
        name: units for name, units in members.items() if len(units) < len(whole) and set(lost) & set(units) <= marked
    }
    tails = {
        name: _hypergeometric(len(marked & set(units)), len(units), len(marked), len(whole))
        for name, units in parts.items()
    }
    return {name: p for name, p in holm(tails).items() if p <= 1 - confidence + SLACK}


def _hypergeometric(hits: int, drawn: int, marked: int, total: int) -> float:
    """The chance of at least so many hits among `drawn` of `total`, of which `marked` are marked."""
    ways = sum(
        math.comb(marked, k) * math.comb(total - marked, drawn - k)
        for k in range(hits, min(drawn, marked) + 1)
        if drawn - k <= total - marked
    )
    return ways / math.comb(total, drawn)
