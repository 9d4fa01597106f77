"""What a run has to tell of a ladder against a git ref: finished records, ready to be shown."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ladder.core.differences import Difference, SliceComparison
from pytest_ladder.core.policy import Change, Direction

SHOWN = 10
"""How many ids of cases or entries are listed."""


@dataclass(frozen=True, slots=True)
class Flips:
    """One metric on one slice, before and now; differences are now minus before, so that a loss is negative."""

    before: str
    """The rung at the base."""
    now: str
    """The rung today; another one only where the lever changed."""
    metric: str
    found: SliceComparison

    @property
    def place(self) -> str:
        """What is compared, in one word each."""
        rungs = self.now if self.before == self.now else f"{self.before} -> {self.now}"
        return f"{rungs} {self.metric}[{self.found.slice}]"

    @property
    def pair(self) -> tuple[str, str]:
        """The rungs that are compared."""
        return self.before, self.now


@dataclass(frozen=True, slots=True)
class BaseSummary:
    """One ladder against the merge base."""

    ref: str
    """As the user gave it."""
    commit: str
    """The merge base, 40 digits."""
    confidence: float = 0.95
    flips: tuple[Flips, ...] = ()
    """Every rung, metric and slice that was compared."""
    changes: tuple[Change, ...] = ()
    """Of the rules."""
    refused: bool = False
    """Whether `policy_change` is "fail", there or here."""
    lost_lever: str = ""
    """The lever at the base, where none is selected today; empty otherwise."""
    rewritten: str = ""
    """What of the log's history is gone or changed; empty where nothing is."""
    notes: tuple[str, ...] = ()
    """What could not be compared, and other things worth knowing."""

    @property
    def shown(self) -> str:
        """The base as a reader knows it."""
        return f"{self.ref} ({self.commit[:10]})"

    @property
    def regressions(self) -> tuple[Flips, ...]:
        """What got worse, significantly and by more than `min_effect`."""
        return tuple(flips for flips in self.flips if flips.found.regression)

    @property
    def laxer(self) -> tuple[Change, ...]:
        """The rules that ask less, or may."""
        return tuple(change for change in self.changes if change.direction is Direction.LAXER)

    def those(self, verdict: Difference) -> tuple[Flips, ...]:
        """The comparisons with that verdict, regressions left out."""
        return tuple(flips for flips in self.flips if flips.found.verdict is verdict and not flips.found.regression)
