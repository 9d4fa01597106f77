"""How often the garbage collector looks while many answers are in the making."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 10_000
"""Objects that are made before it looks at the youngest: more than the answers in the making hold."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let the collector look seldom meanwhile: what answers in the making hold is young, and all of it in use.

    At Python's own threshold (700 until 3.12) it goes through all of that several times for each that is done. A
    collector that is off, or looks more seldom already, is left as it is.
    """
    young, *older = gc.get_threshold()
    if not 0 < young < YOUNG:
        yield
        return
    gc.set_threshold(YOUNG, *older)
    try:
        yield
    finally:
        if gc.get_threshold()[0] == YOUNG:  # else somebody has set it meanwhile
            gc.set_threshold(young, *older)
