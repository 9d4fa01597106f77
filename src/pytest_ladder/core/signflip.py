"""Flip the signs of paired differences: how often chance alone would give a mean as far from zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_ladder.core.intervals import CHUNK, SLACK

if TYPE_CHECKING:
    import numpy as np

ALL_OF = 12
"""Up to so many differences every one of the 2 ** m patterns of signs is tried."""
FLIPS = 3999
"""Patterns drawn at least where there are more; one less than a round number, for the sample itself is one too."""


def sign_flip(values: Sequence[float], seed: int = 0, least: int = FLIPS) -> tuple[float, float]:
    """One-sided p-values of a mean above and of a mean below zero, from the signs of the differences.

    If both evaluations are of one system, each difference is as likely to have come out the other way round: then the
    test is exact. Zeros do not matter, nor does the order. The smallest p-value of m differences is 0.5 ** m.

    Source: Fisher, "The Design of Experiments" (1935), section 21; drawn patterns after Phipson and Smyth,
    "Permutation p-values should never be zero", Statistical Applications in Genetics and Molecular Biology 9 (2010).
    """
    import numpy as np

    sizes = np.sort(np.abs(np.asarray([value for value in values if value], dtype=float)))
    if not len(sizes):
        return 1.0, 1.0
    ups = float(np.sort([value for value in values if value > 0]).sum())
    sums = _every(sizes) if len(sizes) <= ALL_OF else _drawn(sizes, seed, max(FLIPS, least))
    itself = 0 if len(sizes) <= ALL_OF else 1
    downs = float(sizes.sum()) - ups
    gain, loss = int((sums >= ups - SLACK).sum()), int((sums >= downs - SLACK).sum())
    return (gain + itself) / (len(sums) + itself), (loss + itself) / (len(sums) + itself)


def _every(sizes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The sum of what is positive, for every pattern of signs."""
    import numpy as np

    patterns = np.arange(2 ** len(sizes))[:, None] >> np.arange(len(sizes)) & 1
    return np.asarray(patterns @ sizes)


def _drawn(sizes: np.ndarray[Any, Any], seed: int, flips: int) -> np.ndarray[Any, Any]:
    """The same for patterns drawn from the generator's raw bits, whose stream is fixed for good."""
    import numpy as np

    source, n = np.random.PCG64(abs(seed)), len(sizes)
    words, rows = -(-n // 64), max(1, CHUNK // n)
    parts = []
    for start in range(0, flips, rows):
        count = min(rows, flips - start)
        raw = np.asarray(source.random_raw(count * words), dtype="<u8").reshape(count, words)
        parts.append(np.unpackbits(raw.view(np.uint8), axis=1, bitorder="little")[:, :n] @ sizes)
    return np.concatenate(parts)
