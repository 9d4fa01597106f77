"""Budgets of a whole run, and what is spent of them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from math import inf

from pytest_ladder.core.answers import Reply, Usage
from pytest_ladder.core.prices import usd
from pytest_ladder.errors import BudgetSpent, message


@dataclass
class Meter:
    """Counts the model calls of a run and refuses what would pass a bound.

    A call is reserved before it is made, with what it is expected to cost, and settled after: the bounds on cost and
    on tokens are passed at most by what the calls in flight take more than expected.
    """

    max_calls: int | None = None
    max_cost_usd: float | None = None
    max_tokens: int | None = None
    max_time_s: float | None = None
    """Of the whole run, from the making of this meter."""
    raise_by: str = "raise `--ladder-max-cost`"
    """How the user raises the bound on cost."""
    whole: Meter | None = None
    """The meter of the whole run, where this one is of a part: both bounds hold."""
    spent: Usage = field(default_factory=Usage)
    reserved: int = 0
    expected_usd: float = 0.0
    """What the calls in flight are expected to cost."""
    expected_tokens: float = 0.0
    """Tokens that the calls in flight are expected to take."""
    exhausted: str = ""
    """Why nothing more may be asked; empty while something may."""
    started: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def full(self) -> bool:
        """Whether what is spent and what is in flight may reach a bound: wait until a call is settled."""
        return bool(self.reserved and self._committed) or (self.whole is not None and self.whole.full)

    @property
    def _committed(self) -> bool:
        cost, tokens = self.spent.cost_usd + self.expected_usd, self._tokens + self.expected_tokens
        return bool(
            (self.max_cost_usd and cost >= self.max_cost_usd) or (self.max_tokens and tokens >= self.max_tokens)
        )

    @property
    def bounds_cost(self) -> bool:
        """Whether there is a bound on cost."""
        return self.max_cost_usd is not None or (self.whole is not None and self.whole.bounds_cost)

    @property
    def bounds_tokens(self) -> bool:
        """Whether there is a bound on tokens."""
        return self.max_tokens is not None or (self.whole is not None and self.whole.bounds_tokens)

    @property
    def _tokens(self) -> int:
        return self.spent.prompt_tokens + self.spent.completion_tokens

    @property
    def usual_tokens(self) -> float | None:
        """Mean tokens of an answer so far; None before the first."""
        return self.spent.completion_tokens / self.spent.calls if self.spent.calls else None

    @property
    def ends(self) -> float:
        """When the time of the run is over, on `time.monotonic`; infinite where it is not bounded."""
        mine = inf if self.max_time_s is None else self.started + self.max_time_s
        return mine if self.whole is None else min(mine, self.whole.ends)

    @property
    def over(self) -> str:
        """Why nothing more may be begun; empty while something may."""
        passed = time.monotonic() - self.started
        if not self.exhausted and self.max_time_s is not None and passed >= self.max_time_s:
            self.exhausted = message(
                "budget", f"the {self.max_time_s:g} s of the run are over",
                next_step="run again to go on from what is recorded, or raise `--ladder-max-time`",
            )  # fmt: skip
        return self.exhausted or (self.whole.over if self.whole is not None else "")

    def reserve(self, expected_usd: float = 0.0, expected_tokens: float = 0.0) -> None:
        """Take one call from the budget.

        Raises:
            BudgetSpent: a bound is reached; nothing was reserved.
        """
        with self._lock:
            self.exhausted = self.over or self._why_not(expected_usd)
            if self.exhausted:
                raise BudgetSpent(self.exhausted)
            if self.whole is not None:
                self._reserve_whole(self.whole, expected_usd, expected_tokens)
            self.reserved += 1
            self.expected_usd += expected_usd
            self.expected_tokens += expected_tokens

    def _reserve_whole(self, whole: Meter, expected_usd: float, expected_tokens: float) -> None:
        try:
            whole.reserve(expected_usd, expected_tokens)
        except BudgetSpent as spent:
            self.exhausted = str(spent)
            raise

    def settle(self, reply: Reply | None, expected_usd: float = 0.0, expected_tokens: float = 0.0) -> None:
        """Give a reservation back and count what the call consumed; None for a call that gave no reply."""
        if self.whole is not None:
            self.whole.settle(reply, expected_usd, expected_tokens)
        with self._lock:
            self.reserved -= 1
            self.expected_usd = max(0.0, self.expected_usd - expected_usd) if self.reserved else 0.0
            self.expected_tokens = max(0.0, self.expected_tokens - expected_tokens) if self.reserved else 0.0
            if reply is not None:
                spent = self.spent
                self.spent = Usage(
                    spent.calls + 1, spent.prompt_tokens + reply.prompt_tokens,
                    spent.completion_tokens + reply.completion_tokens, spent.cost_usd + reply.cost_usd,
                )  # fmt: skip

    def _why_not(self, expected_usd: float) -> str:
        calls, cost, tokens = self.spent.calls + self.reserved, self.spent.cost_usd, self._tokens
        if self.max_calls is not None and calls >= self.max_calls:
            return message(
                "budget", f"{self.max_calls} model calls are made",
                next_step="run again to go on from what is recorded, or raise `--ladder-max-calls`",
            )  # fmt: skip
        if self.max_cost_usd is not None and (cost or expected_usd) and cost >= self.max_cost_usd:
            return message(
                "budget", f"{usd(cost)} of {usd(self.max_cost_usd)} USD are spent",
                next_step=f"run again to go on from what is recorded, or {self.raise_by}",
            )  # fmt: skip
        if self.max_tokens is not None and tokens >= self.max_tokens:
            return message(
                "budget", f"{tokens} of {self.max_tokens} tokens are spent",
                next_step="run again to go on from what is recorded, or raise `--ladder-max-tokens`",
            )  # fmt: skip
        return ""


def left(*meters: Meter | None) -> float | None:
    """USD that the tightest of some budgets still holds; None where none bounds the cost."""
    bounds = [meter.max_cost_usd - meter.spent.cost_usd for meter in meters if meter and meter.max_cost_usd is not None]
    return max(0.0, min(bounds)) if bounds else None
