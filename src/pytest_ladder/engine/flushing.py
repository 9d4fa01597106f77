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
        self._waiting: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        """Wait for the write at the end of this turn."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._end)
        self._waiting.append(done := loop.create_future())
        await done

    def _end(self) -> None:
        waiting, self._waiting = self._waiting, []
        fault = self._fault()
        for done in waiting:
            if done.done():  # who waited was stopped; the write takes place all the same
                continue
            if fault is None:
                done.set_result(None)
            else:
                done.set_exception(fault)

    def _fault(self) -> Exception | None:
        try:
            self._flush()
        except Exception as error:  # noqa: BLE001  it belongs to those who wait
            return error
        return None
