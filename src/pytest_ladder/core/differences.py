"""What two evaluations of the same cases come to, slice by slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_ladder.core.paired_test import Method


class Difference(StrEnum):
    """What the pairs of a slice say."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no_difference"
    """None was shown; `low` and `high` say how large one could still be."""
    TOO_FEW = "too_few"
    """No conclusion: so few pairs, or so few that differ, that even if all fell to one side it would prove nothing;
    nor do the bounds keep within `min_effect`."""


@dataclass(frozen=True, slots=True)
class SliceComparison:
    """One slice before and after; differences are after minus before, so that a gain is positive."""

    slice: str
    n: int
    """Pairs: cases with a score in both."""
    wins: int
    """Pairs with a higher score after."""
    ties: int
    losses: int
    won: tuple[str, ...]
    """Ids of the cases with a higher score after, the largest gain first, then by id."""
    lost: tuple[str, ...]
    """Ids of the cases with a lower score after, the largest loss first, then by id."""
    before: float | None
    """Mean score of the pairs before; None without pairs, as is `after`."""
    after: float | None
    difference: float | None
    """Mean difference, -1 to 1; None without pairs, as are the bounds and the effect size."""
    low: float | None
    """One-sided lower bound of the mean difference."""
    high: float | None
    """One-sided upper bound of the mean difference."""
    effect_size: float | None
    """For binary scores Cohen's g with the sign of the difference, -0.5 to 0.5: the share of wins among the pairs that
    differ, less one half. Else the mean difference in its standard deviations (Cohen's d of pairs). 0 where no pair
    differs; infinite where all differ alike."""
    spread: float
    """Standard deviation of the differences."""
    error: float
    """Standard error of the mean difference, by clusters where there are any."""
    p_gain: float
    """One-sided p-value of there being no gain."""
    p_loss: float
    """One-sided p-value of there being no loss."""
    method: Method
    units: int
    """What is independent among the pairs: clusters; where no case shares one, the pairs themselves."""
    moved: int
    """Clusters whose differences do not cancel out; where no case shares one, the pairs that differ."""
    adjusted_gain: float = 1.0
    """`p_gain` after Holm over the slices that can show anything."""
    adjusted_loss: float = 1.0
    """`p_loss` after Holm over the slices that can show anything."""
    verdict: Difference = Difference.TOO_FEW
    regression: bool = False
    """Worse, and by more than `min_effect`."""

    @property
    def differing(self) -> int:
        """Pairs whose scores differ."""
        return self.wins + self.losses

    @property
    def adjusted(self) -> float:
        """The p-value after Holm of what is seen: of a gain, or of a loss."""
        return self.adjusted_loss if (self.difference or 0.0) < 0 else self.adjusted_gain

    @property
    def win_rate(self) -> float | None:
        """Share of pairs won, a tie counting one half; None without pairs."""
        return (self.wins + self.ties / 2) / self.n if self.n else None

    @property
    def p_value(self) -> float:
        """Two-sided p-value, without correction for the other slices."""
        return min(1.0, 2 * min(self.p_gain, self.p_loss))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two evaluations of the same cases, slice by slice."""

    slices: Mapping[str, SliceComparison]
    """In the order given."""
    confidence: float
    min_effect: float
    only_before: tuple[str, ...] = ()
    """Cases with a score before alone, by id: they count in no figure here."""
    only_after: tuple[str, ...] = ()
    """Cases with a score after alone, by id."""
    gathering: Mapping[str, float] = field(default_factory=dict)
    """Slice -> p-value after Holm, for each slice that holds more of the losses than chance would put there."""

    @property
    def regressions(self) -> tuple[str, ...]:
        """Slices with a regression: significant over all slices at once, and a loss above `min_effect`."""
        return tuple(name for name, found in self.slices.items() if found.regression)

    def those(self, verdict: Difference) -> tuple[str, ...]:
        """Slices with that verdict, in order."""
        return tuple(name for name, found in self.slices.items() if found.verdict is verdict)
