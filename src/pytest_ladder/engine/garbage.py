"""How often the garbage collector looks while many answers are in the making."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 2_000
"""Objects that are made before it looks at the youngest: Python's own number from 3.13 on; before it was 700."""
YOUNG_TEXTS = 10_000
"""The same where nothing but texts is made: more than the answers in the making hold."""


@contextmanager
def seldom_collected(texts: bool) -> Iterator[None]:
    """Let the collector look seldom meanwhile: what answers in the making hold is young, and all of it in use.

    At 700 it goes through all of that several times for each that is done. A collector that is off, or looks more
    seldom already, is left as it is.

    Args:
        texts: Whether nothing but texts is made on the way. Whatever else a system makes may be large, and wait for
            the collector to be given back.
    """
    ours = YOUNG_TEXTS if texts else YOUNG
    young, *older = gc.get_threshold()
    if not 0 < young < ours:
        yield
        return
    gc.set_threshold(ours, *older)
    try:
        yield
    finally:
        if gc.get_threshold()[0] == ours:  # else somebody has set it meanwhile
            gc.set_threshold(young, *older)
