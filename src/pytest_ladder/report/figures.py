"""How one figure stands against its threshold, and the words for states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_ladder.core.cases import ALL
from pytest_ladder.core.entries import Figure, Verdict
from pytest_ladder.core.summary import LadderSummary, State
from pytest_ladder.core.thresholds import check_threshold
from pytest_ladder.report import numbers

STATE_WORDS = {state: "undecided" if state is State.INCONCLUSIVE else state.value for state in State}
"""The word a reader sees for each state."""


def standing(figure: Figure | None, threshold: float | None, rule: str) -> Verdict | None:
    """What a figure says against its threshold; None without a threshold or a figure."""
    if figure is None or figure.mean is None or threshold is None:
        return None
    return check_threshold(figure, threshold, rule)


def mark(verdict: Verdict | None, unicode: bool) -> str:
    """The sign after a figure: whether it meets its threshold; empty where nothing was asked."""
    signs = {Verdict.MET: ("✓", "ok"), Verdict.SHORT: ("✗", "no")}.get(verdict, ("?", "?")) if verdict else ("", "")
    return signs[0] if unicode else signs[1]


@dataclass(frozen=True, slots=True)
class Place:
    """One metric on one slice, with its threshold if it has one."""

    metric: str
    slice: str
    threshold: float | None = None


def places(summary: LadderSummary) -> tuple[Place, ...]:
    """Every place with a threshold, and `all` of each metric: metrics as declared, `all` first in each."""
    return tuple(place for metric in _metrics(summary) for place in _places_of(summary, metric))


def _metrics(summary: LadderSummary) -> Iterator[str]:
    measured = (metric for row in summary.rows if row.entry for metric in row.entry.scores)
    yield from dict.fromkeys([*summary.thresholds, *measured])


def _places_of(summary: LadderSummary, metric: str) -> Iterator[Place]:
    slices = summary.thresholds.get(metric, {})
    yield Place(metric, ALL, slices.get(ALL))
    yield from (Place(metric, name, least) for name, least in slices.items() if name != ALL)


def rule_words(summary: LadderSummary) -> str:
    """How this ladder judges, in a few words."""
    bounds = f"one-sided bounds at {numbers.percent(summary.confidence)}"
    return f"judged by {bounds}" if summary.rule == "confident" else f"judged by the mean; in brackets {bounds}"
