"""Several rankings of the same things as one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from itertools import chain, repeat
from typing import TypeVar

T = TypeVar("T", bound=Hashable)

K = 60
"""The constant of the source: it keeps the first places of one ranking from outweighing all the others."""


def reciprocal_rank_fusion(
    rankings: Iterable[Sequence[T]], k: float = K, weights: Iterable[float] = ()
) -> dict[T, float]:
    """Add up weight / (k + rank) of each item over the rankings that have it, ranks counted from 1.

    Args:
        rankings: Each best first; an item counts once in each, at its first place.
        k: Above 0; the larger, the less the first places stand out.
        weights: What each ranking counts, above 0, in the rankings' order; 1 for those left out. The source has none.

    Returns:
        Item -> score, best first; ties in the order in which the rankings, one after the other, name them.

    Source: Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
    Methods", SIGIR 2009.
    """
    scores: dict[T, float] = {}
    for ranking, weight in zip(rankings, chain(weights, repeat(1.0)), strict=False):
        for rank, item in enumerate(dict.fromkeys(ranking), 1):
            scores[item] = scores.get(item, 0.0) + weight / (k + rank)
    return dict(sorted(scores.items(), key=lambda pair: -round(pair[1], 12)))
