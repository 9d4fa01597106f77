"""Asking a hosted model: as often as sense can be made of it, and no faster than it takes calls."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.core.ports import Model
from pytest_ladder.engine.limits import AdaptiveLimit, TooLate
from pytest_ladder.errors import ModelFailed, ModelRefused, ModelUnavailable

BASE_S = 0.5
CAP_S = 30.0


@dataclass
class RetryBudget:
    """How many calls may be made again: so many at once, and a share of those that were answered.

    It keeps a provider in trouble from being asked many times as much as one in health.
    """

    left: float = 100.0
    most: float = 100.0
    an_answer: float = 0.25
    """What each answered call adds."""

    def take(self) -> bool:
        """Take one repetition; whether there was one."""
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True

    def earn(self) -> None:
        """Note one answered call."""
        self.left = min(self.most, self.left + self.an_answer)


@dataclass
class Pace:
    """The pace at which one model is asked; shared by all who ask it.

    - A refusal for the rate (429) halves the calls at a time and lets nobody through until the provider's
      `Retry-After`, or for a random while that doubles with each refusal in a row. Such a call is asked again as
      long as its case has time.
    - A provider that cannot be reached is waited for in the same way.
    - Server errors, broken connections and time-outs are asked again after a random while, up to `attempts` in all,
      within the retry budget.
    """

    limit: AdaptiveLimit
    budget: RetryBudget = field(default_factory=RetryBudget)
    attempts: int = 6
    """Of one call, where its failures are of the third kind."""
    patience_s: float = 300.0
    """How long nothing but refusals is borne, before the provider counts as closed to this run."""
    unreachable_s: float = 20.0
    """The same for a provider that cannot be reached."""
    jitter: Callable[[float, float], float] = random.uniform
    asked: int = 0
    """Calls sent so far, repetitions among them."""
    refused: int = 0
    """Refusals for the rate so far."""
    _row: int = 0
    """Pauses since the last call that got through."""
    _since: float | None = None
    _refused_with: str = ""

    async def complete(
        self, model: Model, request: Request, deadline: float | None, check: Callable[[], None] = lambda: None
    ) -> Reply:
        """Ask until there is a reply, whose `retries` counts the calls before it.

        Args:
            model: Who is asked.
            request: What.
            deadline: When to give up, on `time.monotonic`; None for never.
            check: Called just before each call; what it raises is raised in place of the call.

        Raises:
            ModelUnavailable: no reply within the attempts, the budget or the deadline.
            ModelRefused: the provider takes no call of this run; whoever waits for a place is told so too.
            ModelFailed: asking again would not help.
        """
        failures = 0
        last: ModelUnavailable | None = None
        for retries in itertools.count():
            entered = self.limit.try_enter()
            if entered is None:
                entered = await self._wait_for_place(last is not None, deadline)
            answered = False
            try:
                check()
                self.asked += 1
                reply = await model.complete(request)
                answered = True
            except ModelUnavailable as fault:
                last = fault
                if fault.limited or fault.unsent:
                    self._refusal(fault, entered)  # before its place is free for another
                    continue
            except ModelRefused as fault:
                self.limit.dismiss(fault)  # likewise
                raise
            except ModelFailed:  # it got through, and was understood
                self._through()
                raise
            finally:
                self.limit.leave(answered=answered)
            self._through()
            if answered:
                self.budget.earn()
                return replace(reply, retries=retries) if retries else reply
            assert last is not None
            failures += 1
            await asyncio.sleep(self._wait(last, failures, deadline))
        raise AssertionError("it counts to infinity")

    async def _wait_for_place(self, again: bool, deadline: float | None) -> int:
        try:
            return await self.limit.enter(again, deadline)
        except TooLate:
            told = f"{self._refused_with} The wait that this takes is longer than the answer, or the run, may take."
            raise ModelUnavailable(told) from None

    def _through(self) -> None:
        self._row, self._since = 0, None

    def _refusal(self, fault: ModelUnavailable, entered: int) -> None:
        """Shut the gate for a while; raises where patience is at its end."""
        self.refused += fault.limited
        self._refused_with = str(fault)
        news = self.limit.refused(entered, cut=fault.limited)
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        self._row += news
        if fault.retry_after:
            self.limit.pause(fault.retry_after)
        elif news:
            self.limit.pause(self._backoff(self._row))
        patience = self.patience_s if fault.limited else self.unreachable_s
        if now - self._since > patience:
            told = f"{fault} So it has been for {now - self._since:.0f} s, whatever was asked."
            closed = ModelRefused(f"{told} Run again later to go on from what is recorded.")
            self.limit.dismiss(closed)
            raise closed from fault

    def _wait(self, fault: ModelUnavailable, failures: int, deadline: float | None) -> float:
        """Seconds before the next attempt; raises where there is to be none, and says why."""
        wait = max(self._backoff(failures), fault.retry_after or 0.0)
        if failures >= self.attempts:
            raise ModelUnavailable(f"{fault} It was asked {failures} times.") from fault
        if deadline is not None and time.monotonic() + wait > deadline:
            raise ModelUnavailable(
                f"{fault} There is no time to ask again within the time of the answer, or of the run."
            ) from fault
        if not self.budget.take():
            raise ModelUnavailable(f"{fault} So many calls fail that none is made again.") from fault
        return wait

    def _backoff(self, number: int) -> float:
        """A random share of a while that doubles: full jitter.

        Source: Brooker, Exponential backoff and jitter (AWS Architecture Blog, 2015).
        """
        return self.jitter(0.0, min(CAP_S, BASE_S * 2.0 ** min(number - 1, 10)))
