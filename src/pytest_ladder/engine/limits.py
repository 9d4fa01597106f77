"""How many calls a provider takes at a time, found out by asking."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from pytest_ladder.errors import LadderError

SATURATED = 0.8
"""The limit grows only while at least this share of it is used: else it says nothing."""

QUARTER = 4
"""It starts at a quarter of what may be asked at a time."""

LEAST_START = 4


class TooLate(Exception):
    """Nobody is let through before the caller's time is up."""


@dataclass(eq=False)
class _Waiter:
    place: asyncio.Future[None]
    deadline: float | None

    @property
    def given(self) -> bool:
        """Whether it has its place."""
        return self.place.done() and not self.place.cancelled() and self.place.exception() is None

    def late(self, resume_at: float) -> bool:
        return self.deadline is not None and resume_at > max(self.deadline, time.monotonic())


class AdaptiveLimit:
    """Lets so many calls through at a time as the provider takes, and nobody while it asks to wait.

    It starts at a quarter of `most` and grows by one an answer (slow start). At the first refusal for the rate it is
    halved, and from then on grows by one a full round (additive increase), and is halved at each refusal
    (multiplicative decrease); refusals of calls that were under way together count once. Failures of other kinds do
    not change it. To be used on one event loop at a time.

    Source: Chiu and Jain, Analysis of the increase and decrease algorithms for congestion avoidance (1989).
    """

    def __init__(self, most: int) -> None:
        """Begin; `most` calls at a time are never passed, at least 1."""
        self.most = float(most)
        self.limit = float(min(most, max(LEAST_START, most // QUARTER)))
        self.in_flight = 0
        self.cuts = 0
        """How often it was halved."""
        self.epoch = 0
        """How often it was shut."""
        self.resume_at = 0.0
        """Until when nobody is let through, on `time.monotonic`."""
        self._waiting: deque[_Waiter] = deque()

    def try_enter(self) -> int | None:
        """Take a place where one is free and nobody waits; gives the epoch in which it was had, else None."""
        if self._waiting or not self._open():
            return None
        self.in_flight += 1
        return self.epoch

    async def enter(self, first: bool = False, deadline: float | None = None) -> int:
        """Wait for a place; gives the epoch in which it was had.

        Args:
            first: Go before all who wait.
            deadline: When the caller's time is up, on `time.monotonic`; None for never.

        Raises:
            TooLate: it is known that nobody is let through before the deadline.
        """
        epoch = self.try_enter()
        if epoch is not None:
            return epoch
        await self._wait(first, deadline)
        return self.epoch

    async def _wait(self, first: bool, deadline: float | None) -> None:
        waiter = _Waiter(asyncio.get_running_loop().create_future(), deadline)
        if waiter.late(self.resume_at):
            raise TooLate
        (self._waiting.appendleft if first else self._waiting.append)(waiter)
        self._wake()
        try:
            await waiter.place
        except asyncio.CancelledError:
            if waiter.given:  # the place was handed over already
                self.in_flight -= 1
                self._wake()
            raise

    def leave(self, *, answered: bool) -> None:
        """Give the place back, and say whether the call was answered."""
        used = self.in_flight
        self.in_flight -= 1
        if answered and used >= SATURATED * int(self.limit):
            self.limit = min(self.most, self.limit + (1.0 / self.limit if self.cuts else 1.0))
        self._wake()

    def refused(self, entered: int, *, cut: bool) -> bool:
        """Note a refusal of a call that entered in that epoch; whether it is news: the first since the last pause.

        News begin a new epoch, and with `cut` halve the limit.
        """
        if entered != self.epoch:
            return False
        self.epoch += 1
        if cut:
            self.limit = max(1.0, self.limit / 2)
            self.cuts += 1
        return True

    def dismiss(self, fault: LadderError) -> None:
        """Send all who wait away, each with a fault like this one."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.place.done():
                waiter.place.set_exception(type(fault)(str(fault)))

    def pause(self, seconds: float) -> None:
        """Let nobody through for so many seconds from now; those who cannot wait that long are told."""
        self.resume_at = max(self.resume_at, time.monotonic() + seconds)
        for waiter in self._waiting:
            if waiter.late(self.resume_at) and not waiter.place.done():
                waiter.place.set_exception(TooLate())
        asyncio.get_running_loop().call_later(max(0.0, self.resume_at - time.monotonic()), self._wake)

    def _open(self) -> bool:
        return self.in_flight < int(self.limit) and time.monotonic() >= self.resume_at

    def _wake(self) -> None:
        while self._waiting and self._open():
            waiter = self._waiting.popleft()
            if not waiter.place.done():
                self.in_flight += 1
                waiter.place.set_result(None)
