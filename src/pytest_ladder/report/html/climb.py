"""The climb as a picture: for each metric and slice, every rung's score with its interval against the threshold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_ladder.core.cases import ALL
from pytest_ladder.core.entries import Figure, Verdict
from pytest_ladder.core.summary import LadderSummary, RungRow, State
from pytest_ladder.report import numbers
from pytest_ladder.report.figures import STATE_WORDS, Place, mark, noisy, places, standing
from pytest_ladder.report.html.scale import Scale, score_scale, score_ticks
from pytest_ladder.report.text import cut, one_line

MOST = 9
"""Pictures of one ladder; further slices stand in the heat map alone."""
WIDTH = 360
_LEFT, _RIGHT, _TOP, _ROW = 124, 284, 8, 32
_NAME_CELLS = 18

WORDS = {
    Verdict.MET: "met", Verdict.SHORT: "short", Verdict.INCONCLUSIVE: "undecided", Verdict.ERROR: "error", None: ""
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dot:
    """One rung in a picture; coordinates in units of the picture."""

    rung: str
    name: str
    """The rung, cut to fit."""
    y: float
    selected: bool
    told: str
    """All there is to say, in words."""
    look: str = "none"
    """`met`, `short`, `undecided`, `plain`, or `none` where there is no score."""
    x: float = 0.0
    low: float = 0.0
    high: float = 0.0
    score: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture."""

    metric: str
    slice: str
    asked: str
    """The threshold in words; empty where there is none."""
    n: str
    threshold: float | None
    """Where its line stands."""
    dots: tuple[Dot, ...]
    """From the top of the ladder down: the picture is climbed from below."""
    ticks: tuple[tuple[float, str], ...]
    path: str
    """The line from rung to rung, as SVG points."""
    width: int
    height: float
    left: float
    right: float
    bottom: float

    @property
    def told(self) -> str:
        """The picture in words, from the first rung up."""
        return "; ".join(dot.told for dot in reversed(self.dots))


def panels(ladder: LadderSummary) -> tuple[Panel, ...]:
    """A picture for each place with a threshold and for `all`, then for the other slices, up to nine."""
    shown = _pictured(ladder)[:MOST]
    scale = score_scale(_extent(ladder, shown), _LEFT, _RIGHT)
    return tuple(_panel(ladder, place, scale) for place in shown)


def left_out(ladder: LadderSummary) -> int:
    """How many slices have no picture."""
    return max(0, len(_pictured(ladder)) - MOST)


def _pictured(ladder: LadderSummary) -> list[Place]:
    return [place for place in all_places(ladder) if _figures(ladder, place)]


def all_places(ladder: LadderSummary) -> tuple[Place, ...]:
    """Every metric on every slice that was measured: those with a threshold first."""
    first = places(ladder)
    known = {(place.metric, place.slice) for place in first}
    return (*first, *(place for place in _others(ladder) if (place.metric, place.slice) not in known))


def _others(ladder: LadderSummary) -> Iterator[Place]:
    scores = (pair for row in ladder.rows if row.entry for pair in row.entry.scores.items())
    for metric, name in dict.fromkeys((metric, name) for metric, slices in scores for name in slices):
        yield Place(metric, name)


def _figures(ladder: LadderSummary, place: Place) -> list[Figure]:
    found = (figure_of(row, place) for row in ladder.rows)
    return [figure for figure in found if figure is not None and figure.mean is not None]


def figure_of(row: RungRow, place: Place) -> Figure | None:
    """What a rung scored somewhere."""
    return row.entry.scores.get(place.metric, {}).get(place.slice) if row.entry else None


def _extent(ladder: LadderSummary, shown: list[Place]) -> Iterator[float]:
    for place in shown:
        if place.threshold is not None:
            yield place.threshold
        for figure in _figures(ladder, place):
            yield from (value for value in (figure.mean, figure.low) if value is not None)


def _panel(ladder: LadderSummary, place: Place, scale: Scale) -> Panel:
    rows = [row for row in ladder.rows if row.entry or row.state is not State.NOT_RUN] or list(ladder.rows)
    dots = tuple(_dot(ladder, row, place, scale, level) for level, row in enumerate(reversed(rows)))
    bottom = _TOP + _ROW * len(rows)
    path = " ".join(f"{dot.x},{dot.y}" for dot in dots if dot.look != "none")
    counts = sorted({figure.n for figure in _figures(ladder, place)})
    n = numbers.plural(counts[0], "case") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} cases"
    return Panel(
        metric=one_line(place.metric), slice="all cases" if place.slice == ALL else one_line(place.slice),
        asked=f"≥ {numbers.threshold(place.threshold)}" if place.threshold is not None else "", n=n,
        threshold=scale.at(place.threshold) if place.threshold is not None else None, dots=dots,
        ticks=tuple((scale.at(tick), f"{tick:g}") for tick in score_ticks(scale)), path=path, width=WIDTH,
        height=bottom + 22, left=_LEFT, right=_RIGHT, bottom=bottom,
    )  # fmt: skip


def _dot(ladder: LadderSummary, row: RungRow, place: Place, scale: Scale, level: int) -> Dot:
    name, y = one_line(row.id) or repr(row.id), _TOP + _ROW * (level + 0.5)
    shown, figure = cut(name, _NAME_CELLS), figure_of(row, place)
    selected = row.state is State.SELECTED
    if figure is None or figure.mean is None:
        word = STATE_WORDS[row.state]
        return Dot(name, shown, y, selected, f"{name} {word}, no score", score="no score" if row.entry else word)
    verdict = standing(figure, place, ladder.rule)
    score = numbers.score(figure.mean, threshold=place.threshold)
    sign = mark(verdict, True, noisy(ladder, row, figure, place.threshold))
    reach = numbers.interval(figure.low, figure.high, threshold=place.threshold)
    low, high = (figure.mean if v is None else v for v in (figure.low, figure.high))
    return Dot(
        name, shown, y, selected, " ".join(filter(None, [name, score, reach, WORDS[verdict]])),
        WORDS[verdict] or "plain", scale.at(figure.mean), scale.at(low), scale.at(high), f"{score} {sign}".rstrip(),
    )  # fmt: skip
