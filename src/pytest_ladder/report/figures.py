"""How one figure stands against its threshold, and the words for states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_ladder.core.cases import ALL
from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.entries import Figure, Verdict
from pytest_ladder.core.intervals import SLACK
from pytest_ladder.core.ladder import CONFIDENT
from pytest_ladder.core.summary import LadderSummary, RungRow, State
from pytest_ladder.core.thresholds import check_threshold, within_noise
from pytest_ladder.report import numbers

STATE_WORDS = {state: "undecided" if state is State.INCONCLUSIVE else state.value for state in State}
"""The word a reader sees for each state."""


def standing(figure: Figure | None, place: Place, rule: str) -> Verdict | None:
    """What a figure says against the threshold of its place; None without a threshold or a figure.

    In triage, where a judge's agreement with people is not shown, that is always left open; so it is where the answers
    that a judge failed at would decide.
    """
    if figure is None or figure.mean is None or place.threshold is None:
        return None
    if place.triage or (place.judged and _hangs_on_unscored(figure, figure.mean, place.threshold)):
        return Verdict.INCONCLUSIVE
    return check_threshold(figure, place.threshold, rule)


def _hangs_on_unscored(figure: Figure, mean: float, threshold: float) -> bool:
    """Whether the mean would lie on both sides of the threshold, as the cases without a score all deserve 0, or 1."""
    total, cases = mean * figure.n, figure.n + figure.unscored
    return total / cases < threshold - SLACK <= (total + figure.unscored) / cases


NOISE = "~"
"""What marks a verdict whose threshold lies within the interval: other cases might have given another one."""


def mark(verdict: Verdict | None, unicode: bool, noisy: bool = False) -> str:
    """The sign after a figure: whether it meets its threshold, and if within noise; empty where nothing was asked."""
    signs = {Verdict.MET: ("✓", "ok"), Verdict.SHORT: ("✗", "no")}.get(verdict, ("?", "?")) if verdict else ("", "")
    return (signs[0] if unicode else signs[1]) + (NOISE if noisy and verdict is not Verdict.INCONCLUSIVE else "")


def noisy(summary: LadderSummary, row: RungRow, figure: Figure | None, threshold: float | None) -> bool:
    """Whether a figure's verdict by the mean lies within the noise; that of a rung that ended early is certain."""
    if figure is None or threshold is None or summary.rule == CONFIDENT or asked_words(row):
        return False
    return within_noise(figure, threshold)


@dataclass(frozen=True, slots=True)
class Place:
    """One metric on one slice, with its threshold if it has one."""

    metric: str
    slice: str
    threshold: float | None = None
    triage: bool = False
    """Whether its threshold decides nothing."""
    judged: bool = False
    """Whether a model judges it."""


def places(summary: LadderSummary) -> tuple[Place, ...]:
    """Every place with a threshold, and `all` of each metric: metrics as declared, `all` first in each."""
    return tuple(place for metric in _metrics(summary) for place in _places_of(summary, metric))


def unasked(summary: LadderSummary) -> tuple[Place, ...]:
    """The slices besides `all` that were measured and have no threshold, by metric, as declared."""
    entries = [row.entry for row in summary.rows if row.entry]
    return tuple(
        Place(metric, name)
        for metric in _metrics(summary)
        for name in dict.fromkeys(name for entry in entries for name in entry.scores.get(metric, {}))
        if name != ALL and name not in summary.thresholds.get(metric, {})
    )


def _metrics(summary: LadderSummary) -> Iterator[str]:
    measured = (metric for row in summary.rows if row.entry for metric in row.entry.scores)
    yield from dict.fromkeys([*summary.thresholds, *measured])


def _places_of(summary: LadderSummary, metric: str) -> Iterator[Place]:
    slices = summary.thresholds.get(metric, {})
    judge = next((judge for judge in summary.judges if judge.metric == metric), None)
    known = judge is not None and judge.triage, judge is not None
    yield Place(metric, ALL, slices.get(ALL), *known)
    yield from (Place(metric, name, least, *known) for name, least in slices.items() if name != ALL)


def rule_words(summary: LadderSummary) -> str:
    """How this ladder judges, in a few words."""
    bounds = bounds_words(summary.sure)
    if summary.rule == CONFIDENT:
        return f"judged by {bounds}{_shared(summary)}"
    legend = f"; {NOISE} within noise: they reach over the threshold" if _any_noise(summary) else ""
    return f"judged by the mean; in brackets {bounds}{legend}"


def bounds_words(sure: Confidences) -> str:
    """What the bounds of an interval are, in a few words."""
    low, high = numbers.level(sure.met), numbers.level(sure.short)
    if low == high:
        return f"one-sided bounds at {low}"
    return f"one-sided bounds, the lower at {low}, the upper at {high}"


def _shared(summary: LadderSummary) -> str:
    thresholds = sum(map(len, summary.thresholds.values()))
    rungs = numbers.plural(len(summary.rows), "rung")
    if summary.sure == Confidences(summary.confidence, summary.confidence):
        return ""
    return f": {numbers.percent(summary.confidence)} over {rungs} and {numbers.plural(thresholds, 'threshold')}"


def _any_noise(summary: LadderSummary) -> bool:
    return any(
        noisy(summary, row, row.entry.scores.get(place.metric, {}).get(place.slice), place.threshold)
        for row in summary.rows
        if row.entry
        for place in places(summary)
        if not place.triage
    )


def asked_words(row: RungRow) -> str:
    """How many cases a rung that ended early was asked; empty where it was asked all."""
    entry = row.entry
    return numbers.asked(entry.answered, entry.cases) if entry and entry.answered < entry.cases else ""


def versions_words(summary: LadderSummary) -> str:
    """How many versions of which rungs were tried on the eval set; empty where none was tried twice."""
    tried = [f"{row.id} in {row.versions}" for row in summary.rows if row.versions > 1]
    return f"{', '.join(tried)} versions on this eval set" if tried else ""
