"""Budgets of a whole run, and what is spent of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from pytest_ladder.core.answers import Reply, Usage
from pytest_ladder.errors import BudgetSpent, message


@dataclass
class Meter:
    """Counts the model calls of a run and refuses what would pass a bound.

    A call is reserved before it is made and settled after; calls in flight may pass the cost bound by what they
    themselves cost, never by more.
    """

    max_calls: int | None = None
    max_cost_usd: float | None = None
    raise_by: str = "raise `--ladder-max-cost`"
    """How the user raises the bound on cost."""
    whole: Meter | None = None
    """The meter of the whole run, where this one is of a part: both bounds hold."""
    spent: Usage = field(default_factory=Usage)
    reserved: int = 0
    exhausted: str = ""
    """Why nothing more may be asked; empty while something may."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def reserve(self) -> None:
        """Take one call from the budget.

        Raises:
            BudgetSpent: a bound is reached; nothing was reserved.
        """
        with self._lock:
            if not self.exhausted:
                self.exhausted = self._why_not()
            if self.exhausted:
                raise BudgetSpent(self.exhausted)
            if self.whole is not None:
                self._reserve_whole(self.whole)
            self.reserved += 1

    def _reserve_whole(self, whole: Meter) -> None:
        try:
            whole.reserve()
        except BudgetSpent as spent:
            self.exhausted = str(spent)
            raise

    def settle(self, reply: Reply | None) -> None:
        """Give a reservation back and count what the call consumed; None for a call that gave no reply."""
        if self.whole is not None:
            self.whole.settle(reply)
        with self._lock:
            self.reserved -= 1
            if reply is not None:
                self.spent += Usage(1, reply.prompt_tokens, reply.completion_tokens, reply.cost_usd)

    def _why_not(self) -> str:
        calls, cost = self.spent.calls + self.reserved, self.spent.cost_usd
        if self.max_calls is not None and calls >= self.max_calls:
            return message(
                "budget", f"{self.max_calls} model calls are made",
                next_step="run again to go on from what is recorded, or raise `--ladder-max-calls`",
            )  # fmt: skip
        if self.max_cost_usd is not None and cost and cost >= self.max_cost_usd:
            return message(
                "budget", f"{cost:.2f} of {self.max_cost_usd:.2f} USD are spent",
                next_step=f"run again to go on from what is recorded, or {self.raise_by}",
            )  # fmt: skip
        return ""
