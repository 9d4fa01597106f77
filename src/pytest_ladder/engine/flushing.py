"""Answers that come in the same turn of the loop, brought to disk together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Flushing:
    """Waits until what was recorded is on disk: one write for all who wait in the same turn of the loop.

    A write of its own for each answer would let go of the interpreter as often, and whatever else runs beside the loop
    (a library's own threads) would take it each time.

    Args:
        flush: Brings to disk what was recorded so far. What it raises, all get who wait for it.
    """

    def __init__(self, flush: Callable[[], None]) -> None:
        self._flush = flush
        self._turn: asyncio.Future[None] | None = None

    async def wait(self) -> None:
        """Wait for the write at the end of this turn."""
        if self._turn is None:
            loop = asyncio.get_running_loop()
            self._turn = loop.create_future()
            loop.call_soon(self._end, self._turn)
        await asyncio.shield(self._turn)

    def _end(self, turn: asyncio.Future[None]) -> None:
        self._turn = None
        try:
            self._flush()
        except Exception as error:  # noqa: BLE001  it belongs to those who wait
            turn.set_exception(error)
        else:
            turn.set_result(None)
