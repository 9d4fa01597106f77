"""What a scorer says of one answer, and how it is asked."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Case


@dataclass(frozen=True, slots=True)
class Score:
    """How good one answer is by one metric."""

    value: float
    """From 0 (wrong) to 1 (right)."""
    note: str = ""
    """Why, in a few words; shown with the worst cases."""


@dataclass(frozen=True, slots=True)
class Unscored:
    """An answer that could not be scored: counted apart, never 0 and never dropped."""

    reason: str
    missing: bool = False
    """Whether what a judge was to say is not on record: another run may ask for it."""
    unjudged: bool = False
    """Whether a judge failed at it: it may deserve any score, and is no error of the rung."""


Outcome: TypeAlias = Score | Unscored


def merged(found: Sequence[Outcome]) -> Outcome:
    """One outcome of all repeats: the mean, with the note of the worst; unscored if any of them is.

    Of several that are unscored one that no judge failed at counts, for it is an error.
    """
    scored = [outcome for outcome in found if isinstance(outcome, Score)]
    if len(scored) < len(found):
        unscored = [outcome for outcome in found if isinstance(outcome, Unscored)]
        return min(unscored, key=lambda outcome: outcome.unjudged)
    if len(scored) == 1:
        return scored[0]
    return Score(math.fsum(s.value for s in scored) / len(scored), min(scored, key=lambda s: s.value).note)


@dataclass(frozen=True, slots=True)
class Scored:
    """What a scorer gets: the case with all that is known of it, and the answer."""

    case: Case
    answer: Answer
    documents: Mapping[str, str] = field(default_factory=dict)
    """Id -> text of every document of the ladder's corpora; empty where there is none."""

    @property
    def corpus(self) -> frozenset[str]:
        """Ids of every document."""
        return frozenset(self.documents)


class Scorer(Protocol):
    """Scores one answer. What it raises becomes `Unscored`; it must not look at anything but its argument.

    One that can only say 0 or 1 may have an attribute `binary = True`: under `stop = "certain"` and `rule =
    "confident"` its rungs end sooner. Without it a score may be anything between.
    """

    def __call__(self, scored: Scored, /) -> Outcome | float | bool | Awaitable[Outcome | float | bool]:
        """Return a Score, a number from 0 to 1, a bool, or Unscored."""


ScorerFactory: TypeAlias = Callable[[Mapping[str, Json]], Scorer]
"""Builds a scorer from a metric's `options`; raises ValueError on an option it does not know."""


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One `[metrics.NAME]` table."""

    name: str
    scorer: str
    """A registered name, `deepeval:NAME`, or `file.py:function`."""
    options: Mapping[str, Json] = field(default_factory=dict)
