"""The time that each of many waits has, watched by one timer for all of them."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType


class Deadlines:
    """Gives each wait the same time; a timer of its own for each would cost several times as much.

    All have the same time, so that who began first is over first. To be used on one event loop.

    Args:
        seconds: For one wait.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._running: deque[Deadline] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> Deadline:
        """A deadline that counts from now, for the task that asks for it."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        deadline = Deadline(task, loop.time() + self.seconds)
        while self._running and self._running[0].ended:
            self._running.popleft()
        self._running.append(deadline)
        if self._timer is None:
            self._timer = loop.call_at(self._running[0].when, self._look)
        return deadline

    def close(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._running and (self._running[0].ended or self._running[0].when <= now):
            self._running.popleft().interrupt()
        self._timer = loop.call_at(self._running[0].when, self._look) if self._running else None


class Deadline:
    """A context manager that interrupts its task when the time is over, and then raises TimeoutError.

    What else interrupts the task is let through, as by `asyncio.timeout`.
    """

    __slots__ = ("_cancelling", "_task", "ended", "expired", "when")

    def __init__(self, task: asyncio.Task[object], when: float) -> None:
        self._task = task
        self._cancelling = task.cancelling()
        self.when = when
        """On the loop's clock."""
        self.ended = False
        self.expired = False
        """Whether the time was over before the end."""

    def interrupt(self) -> None:
        """End what is going on, where it has not ended by itself."""
        if not self.ended:
            self.expired = True
            self._task.cancel()

    def __enter__(self) -> Deadline:
        return self

    def __exit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.ended = True
        interrupted = self.expired and self._task.uncancel() <= self._cancelling
        if interrupted and cls is not None and issubclass(cls, asyncio.CancelledError):
            raise TimeoutError from error
