"""Draws for resampling that no release of numpy changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def indices(source: np.random.PCG64, shape: tuple[int, int]) -> np.ndarray[Any, Any]:
    """Draw indices below `shape[1]` from the generator's raw bits.

    The raw stream of a bit generator is fixed for good; what numpy's distributions make of it may change with a
    release, and then a figure in the log would.
    """
    import numpy as np

    count = shape[0] * shape[1]
    raw = np.asarray(source.random_raw((count + 1) // 2), dtype=np.uint64)
    halves = np.concatenate([raw >> np.uint64(32), raw & np.uint64(0xFFFFFFFF)])[:count]
    return ((halves * np.uint64(shape[1])) >> np.uint64(32)).astype(np.intp).reshape(shape)
