"""Requests that arrive at nearly the same time, served together by one daemon thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pytest_ladder.core.daemon import Promise

T = TypeVar("T")
R = TypeVar("R")

WAIT_S = 0.005
"""How long a batch waits for one more request."""


@dataclass(frozen=True)
class _Waiting(Generic[T, R]):
    item: T
    promise: Promise[R]


class Batcher(Generic[T, R]):
    """Collects items from any number of tasks and hands them, some at a time, to one function in one thread."""

    def __init__(self, serve: Callable[[list[T]], Iterable[tuple[int, R | Exception]]], most: int, name: str) -> None:
        """Start the thread.

        Args:
            serve: Gets a list of items; yields each one's position with its result, or the error it failed with,
                in any order. What it raises fails every item that has no result yet.
            most: Most items handed over at once.
            name: The thread's name.
        """
        self._serve = serve
        self._most = most
        self._queue: queue.SimpleQueue[_Waiting[T, R] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def submit(self, item: T) -> R:
        """Wait for an item's result; raises the error it failed with. Not to be called after `close`."""
        waiting = _Waiting(item, Promise[R]())
        self._queue.put(waiting)
        return await waiting.promise.result()

    def close(self, timeout_s: float) -> None:
        """Let the thread end after the batch it is at, and wait for it at most so long."""
        self._queue.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)

    def _work(self) -> None:
        open_ = True
        while open_:
            batch, open_ = self._gather()
            self._settle([waiting for waiting in batch if not waiting.promise.abandoned])

    def _gather(self) -> tuple[list[_Waiting[T, R]], bool]:
        first = self._queue.get()
        if first is None:
            return [], False
        batch = [first]
        while len(batch) < self._most:
            try:
                following = self._queue.get(timeout=WAIT_S)
            except queue.Empty:
                break
            if following is None:
                return batch, False
            batch.append(following)
        return batch, True

    def _settle(self, batch: list[_Waiting[T, R]]) -> None:
        open_ = dict(enumerate(batch))
        if not open_:
            return
        try:
            for position, result in self._serve([waiting.item for waiting in batch]):
                promise = open_.pop(position).promise
                promise.fail(result) if isinstance(result, Exception) else promise.succeed(result)
        except BaseException as error:  # noqa: BLE001  handed to whoever waits
            for waiting in open_.values():
                waiting.promise.fail(error)
