"""When a rung may end: each threshold counted case by case, at next to no cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pytest_ladder.core.cases import ALL, Case, EvalSet
from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.curtailment import Tally, standing
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.thresholds import asked, ceilings

CERTAIN = "certain"
"""The `stop` under which a rung ends once no remaining case can change a verdict."""

CHECKS = 256
"""Verdicts are looked at after every case, or where more than this many remain, after a 256th of them."""


class Stopping:
    """Tells whether a rung may end, fed one case after another.

    What is settled stays settled, so that a threshold is counted no further once it is.
    """

    def __init__(self, ladder: Ladder, evalset: EvalSet, binary: Collection[str] = ()) -> None:
        """Begin with no case asked.

        Args:
            ladder: Whose thresholds and rule are asked.
            evalset: All its cases.
            binary: Metrics whose cases can only score 0 or 1.
        """
        self._ladder, self._sure = ladder, Confidences.of(ladder)
        self._remaining, self._due = len(evalset), 0
        self._open = {what: Tally(len(evalset.slices.get(what[1], ())), what[0] in binary) for what in asked(ladder)}

    def add(self, case: Case, values: Mapping[str, float | None]) -> None:
        """Count one more case.

        Args:
            case: Which.
            values: Metric -> its score; None, or no key, where it has none.
        """
        for (metric, slice_, _), tally in self._open.items():
            if slice_ == ALL or slice_ in case.slices:
                tally.add(values.get(metric))
        self._remaining -= 1
        self._due -= 1

    @property
    def settled(self) -> bool:
        """Whether no remaining case can change any verdict; it may be told some cases late."""
        if self._open and self._due <= 0:
            self.settle()
        return not self._open

    def settle(self) -> bool:
        """Whether no remaining case can change any verdict, looked at now."""
        self._due = self._remaining // CHECKS
        self._open = {what: tally for what, tally in self._open.items() if self._can_change(what, tally)}
        return not self._open

    def _can_change(self, what: tuple[str, str, float], tally: Tally) -> bool:
        return bool(tally.remaining) and standing(what, tally, self._ladder, self._sure).verdict is None


def hindered(ladder: Ladder) -> str:
    """Why `stop = "certain"` ends no rung of a ladder early; empty where it does, or is not asked for."""
    if ladder.decision.stop != CERTAIN:
        return ""
    if ceilings(ladder.limits):
        return "each further answer may break a ceiling of [limits]"
    if ladder.decision.cluster:
        return "cases that go together by `cluster` weigh by those not asked, too"
    unproven = next((metric for metric in ladder.thresholds if metric in ladder.unproven), None)
    return f"people need answers to label, before the judge of {unproven} may decide" if unproven else ""


def curtails(ladder: Ladder) -> bool:
    """Whether rungs of a ladder end as soon as their verdicts are certain."""
    return ladder.decision.stop == CERTAIN and not hindered(ladder)
