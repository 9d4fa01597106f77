"""Quality against cost as a picture."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ladder.core.summary import LadderSummary
from pytest_ladder.core.tradeoff import Point, Price, Tradeoff
from pytest_ladder.report import numbers
from pytest_ladder.report.html.scale import Scale, apart, price_scale, price_ticks, score_scale, score_ticks
from pytest_ladder.report.html.tags import Box, Tag, tags
from pytest_ladder.report.text import one_line

WIDTH, HEIGHT = 360, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 344, 16, 212
_FIELD = Box((_LEFT + WIDTH) / 2, _BOTTOM / 2, WIDTH - _LEFT, _BOTTOM)
AXES = {Price.COST: "USD a case", Price.LATENCY: "median seconds of an answer"}


@dataclass(frozen=True, slots=True)
class Spot:
    """One rung in the picture, and in the table beside it."""

    number: int
    """Its place in the climb, from 1: what names it in the picture."""
    rung: str
    x: float
    y: float
    low: float
    high: float
    frontier: bool
    selected: bool
    score: str
    price: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture."""

    metric: str
    axis: str
    log: bool
    spots: tuple[Spot, ...]
    tags: tuple[Tag, ...]
    """What names the spots."""
    frontier: str
    """The line through the rungs that no other beats, as SVG points: a stair."""
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    threshold: float | None
    asked: str
    width: int = WIDTH
    height: int = HEIGHT
    left: float = _LEFT
    right: float = _RIGHT
    top: float = _TOP
    bottom: float = _BOTTOM

    @property
    def drawn(self) -> tuple[tuple[Tag, tuple[Spot, ...]], ...]:
        """The tags in the order of drawing, each with its spots: what is on the frontier covers the rest."""
        found = ((tag, tuple(self.spots[at] for at in tag.members)) for tag in self.tags)
        return tuple(sorted(found, key=lambda one: one[1][0].frontier))

    @property
    def crowded(self) -> bool:
        """Whether numbers stand beside their points, or share a tag."""
        return any(tag.aside or len(tag.members) > 1 for tag in self.tags)

    @property
    def told(self) -> str:
        """The picture in words."""
        return "; ".join(
            f"{spot.rung}: {spot.score} at {spot.price}{', on the frontier' if spot.frontier else ''}"
            for spot in self.spots
        )


def charts(ladder: LadderSummary) -> tuple[Chart, ...]:
    """A picture for each metric with a threshold."""
    return tuple(_chart(ladder, tradeoff) for tradeoff in (ladder.details.tradeoffs if ladder.details else ()))


def _chart(ladder: LadderSummary, tradeoff: Tradeoff) -> Chart:
    points = tradeoff.points
    least = ladder.thresholds.get(tradeoff.metric, {}).get("all")
    marks = [v for p in points for v in (p.figure.mean, p.figure.low) if v is not None]
    up = score_scale([*marks, *([least] if least is not None else [])], _BOTTOM, _TOP)
    along = price_scale([point.price for point in points], _LEFT, _RIGHT)
    money = numbers.money if tradeoff.price is Price.COST else numbers.seconds
    spots = tuple(_spot(ladder, n, point, along, up, money(point.price)) for n, point in enumerate(points, 1))
    return Chart(
        metric=one_line(tradeoff.metric), axis=AXES[tradeoff.price], log=along.log, spots=spots,
        tags=tags([(spot.x, spot.y) for spot in spots], [spot.frontier for spot in spots], _FIELD),
        frontier=_stair(points, along, up), x_ticks=apart([(along.at(t), money(t)) for t in price_ticks(along)]),
        y_ticks=tuple((up.at(t), f"{t:g}") for t in score_ticks(up)),
        threshold=up.at(least) if least is not None else None,
        asked=f"≥ {numbers.threshold(least)}" if least is not None else "",
    )  # fmt: skip


def _spot(ladder: LadderSummary, number: int, point: Point, along: Scale, up: Scale, price: str) -> Spot:
    figure = point.figure
    mean = figure.mean or 0.0
    return Spot(
        number=number, rung=one_line(point.rung), x=along.at(point.price), y=up.at(mean),
        low=up.at(mean if figure.low is None else figure.low), high=up.at(mean if figure.high is None else figure.high),
        frontier=point.frontier, selected=point.rung == ladder.selected, score=numbers.score(mean), price=price,
    )  # fmt: skip


def _stair(points: tuple[Point, ...], along: Scale, up: Scale) -> str:
    best = sorted((p.price, p.figure.mean or 0.0) for p in points if p.frontier)
    corners: list[tuple[float, float]] = []
    for price, mean in best:
        if corners:
            corners.append((along.at(price), corners[-1][1]))
        corners.append((along.at(price), up.at(mean)))
    if corners:
        corners.append((_RIGHT, corners[-1][1]))
    return " ".join(f"{x},{y}" for x, y in corners)
