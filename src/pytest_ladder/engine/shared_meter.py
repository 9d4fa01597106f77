"""A budget that several processes spend together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from pytest_ladder.core.answers import Reply, Usage
from pytest_ladder.engine.meter import Meter


@dataclass
class SharedMeter(Meter):
    """Keeps its count in a file, under a lock: what one process spends, the others see.

    The calls that a process had in flight when it died stay counted.
    """

    path: Path = Path()
    """The file; it comes into being with the first call."""
    mine: int = 0
    """Calls of this process that are under way."""

    @property
    def full(self) -> bool:
        """As for one process, but nobody waits for calls of others: one of them may have died with its calls."""
        return self.mine > 0 and super().full

    def reserve(self, expected_usd: float = 0.0, expected_tokens: float = 0.0) -> None:
        """Take one call from the budget; raises BudgetSpent where a bound is reached."""
        with self._together():
            super().reserve(expected_usd, expected_tokens)
            self.mine += 1

    def settle(self, reply: Reply | None, expected_usd: float = 0.0, expected_tokens: float = 0.0) -> None:
        """Give a reservation back and count what the call consumed."""
        with self._together():
            super().settle(reply, expected_usd, expected_tokens)
            self.mine -= 1

    @contextmanager
    def _together(self) -> Iterator[None]:
        with FileLock(self.path.with_suffix(".lock")):
            if self.path.exists():
                known = json.loads(self.path.read_text(encoding="utf-8"))
                self.spent, self.reserved = Usage(**known["spent"]), known["reserved"]
                self.expected_usd, self.expected_tokens = known["expected_usd"], known["expected_tokens"]
            try:
                yield
            finally:
                told = {
                    "spent": asdict(self.spent), "reserved": self.reserved,
                    "expected_usd": self.expected_usd, "expected_tokens": self.expected_tokens,
                }  # fmt: skip
                self.path.write_text(json.dumps(told), encoding="utf-8")
