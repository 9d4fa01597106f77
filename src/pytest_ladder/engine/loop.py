"""One event loop for the whole session, on a thread of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

GRACE_S = 5.0
"""How long an interrupted run waits for its tasks to end."""


class LoopThread:
    """Runs coroutines for synchronous callers; clients bound to the loop live as long as the session."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(
        self,
        work: Coroutine[Any, Any, Result],
        watch: Callable[[], None] | None = None,
        every_s: float = 0.2,
    ) -> Result:
        """Run a coroutine to its end; `watch` is called in the caller's thread about every `every_s` seconds.

        An interrupt cancels the coroutine and waits a moment for it to end before it is raised on.
        """
        future = asyncio.run_coroutine_threadsafe(work, self.loop())
        try:
            while watch is not None:
                watch()
                done, _ = concurrent.futures.wait([future], timeout=every_s)
                if done:
                    break
            return future.result()
        except BaseException:
            future.cancel()
            concurrent.futures.wait([future], timeout=GRACE_S)
            raise

    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, started at the first use."""
        if self._loop is None:
            loop = asyncio.new_event_loop()
            started = threading.Event()
            loop.call_soon(started.set)
            self._thread = threading.Thread(target=loop.run_forever, name="ladder-loop", daemon=True)
            self._thread.start()
            started.wait()
            self._loop = loop
        return self._loop

    def close(self) -> None:
        """Stop the loop; tasks that still run are cancelled."""
        if self._loop is None:
            return
        loop, self._loop = self._loop, None
        try:
            asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(GRACE_S)
        except (TimeoutError, concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
            return  # a task that will not end: the loop's thread is a daemon and ends with the process
        loop.call_soon_threadsafe(loop.stop)
        if self._thread is not None:
            self._thread.join(GRACE_S)
        if not loop.is_running():
            loop.close()


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
