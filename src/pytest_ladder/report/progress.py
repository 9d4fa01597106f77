"""Live progress as text; who prints it, where and how often is the caller's."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ladder.report import numbers
from pytest_ladder.report.text import cut, one_line

EVERY_S = 0.2
"""Seconds between two lines on a terminal that redraws them."""
EVERY_CI_S = 30.0
"""Seconds between two lines in a log that keeps them all."""
_LEAST_BAR = 5
_MOST_BAR = 30


def should_print(now: float, last: float | None, ci: bool) -> bool:
    """Whether a new line is due; times are seconds of one monotonic clock, `last` is None before the first line."""
    return last is None or now - last >= (EVERY_CI_S if ci else EVERY_S)


@dataclass(frozen=True, slots=True)
class ProgressLine:
    """How far one rung has come."""

    total: int
    """Answers to get."""
    label: str
    width: int = 80
    """Screen cells; no line is longer."""
    unicode: bool = True

    def render(self, done: int, errors: int = 0, elapsed_s: float = 0.0, tokens: int | None = None) -> str:
        """One line without a line end: label, bar, count, rate, errors, tokens and the time that remains.

        Without room the bar goes first, then parts from the right; the label is cut last.
        """
        label = one_line(self.label, unicode=self.unicode)
        parts = self._parts(done, errors, elapsed_s, tokens)
        while len(parts) > 1 and self._length([label, *parts]) > self.width:
            parts.pop()
        room = self.width - self._length([label, *parts]) - 2
        if room >= _LEAST_BAR:
            parts.insert(0, self._bar(done, min(room, _MOST_BAR)))
        return cut("  ".join([label, *parts]), self.width, unicode=self.unicode)

    @staticmethod
    def _length(parts: list[str]) -> int:
        from rich.cells import cell_len

        return cell_len("  ".join(parts))

    def _parts(self, done: int, errors: int, elapsed_s: float, tokens: int | None) -> list[str]:
        rate = done / elapsed_s if elapsed_s > 0 else 0.0
        parts = [f"{numbers.count(done)}/{numbers.count(self.total)}"]
        if errors:
            parts.append(numbers.plural(errors, "error"))
        if 0 < done < self.total and rate > 0:
            parts.append(f"{numbers.seconds((self.total - done) / rate)} left")
        elif done >= self.total:
            parts.append(f"in {numbers.seconds(elapsed_s)}")
        if rate > 0:
            parts.append(f"{rate:,.1f}/s")
        if tokens is not None:
            parts.append(f"{numbers.tokens(tokens)} tokens")
        return parts

    def _bar(self, done: int, width: int) -> str:
        filled = width if self.total <= 0 else max(0, min(width, width * done // self.total))
        full, empty = ("━", "╌") if self.unicode else ("#", ".")
        return full * filled + empty * (width - filled)
