"""Rung by slice: every score in one table, coloured."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ladder.core.cases import ALL
from pytest_ladder.core.summary import LadderSummary, RungRow
from pytest_ladder.report import numbers
from pytest_ladder.report.figures import Place, mark, noisy, standing
from pytest_ladder.report.html.climb import WORDS, all_places, figure_of
from pytest_ladder.report.text import one_line

LEVELS = 10
"""Shades of the colour, above the lowest."""


@dataclass(frozen=True, slots=True)
class Square:
    """One cell."""

    text: str
    sign: str = ""
    level: int | None = None
    """From 0 to LEVELS; None where there is no score."""
    told: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One slice."""

    slice: str
    n: str
    asked: str
    squares: tuple[Square, ...]


@dataclass(frozen=True, slots=True)
class Heat:
    """One metric."""

    metric: str
    rungs: tuple[str, ...]
    lines: tuple[Line, ...]


def heats(ladder: LadderSummary) -> tuple[Heat, ...]:
    """A map for each metric: a line a slice, the whole set first, a column for each measured rung."""
    rows = [row for row in ladder.rows if row.entry]
    by_metric: dict[str, list[Place]] = {}
    for place in all_places(ladder):
        by_metric.setdefault(place.metric, []).append(place)
    names = tuple(one_line(row.id) for row in rows)
    return tuple(
        Heat(one_line(metric), names, tuple(_line(ladder, rows, place) for place in places))
        for metric, places in by_metric.items()
        if rows
    )


def _line(ladder: LadderSummary, rows: list[RungRow], place: Place) -> Line:
    most = max((figure.n for row in rows if (figure := figure_of(row, place))), default=0)
    name = "all cases" if place.slice == ALL else one_line(place.slice)
    asked = f"≥ {numbers.threshold(place.threshold)}" if place.threshold is not None else ""
    return Line(name, numbers.count(most), asked, tuple(_square(ladder, row, place) for row in rows))


def _square(ladder: LadderSummary, row: RungRow, place: Place) -> Square:
    figure = figure_of(row, place)
    if figure is None or figure.mean is None:
        return Square(numbers.MISSING, told="no score")
    verdict = standing(figure, place, ladder.rule)
    reach = numbers.interval(figure.low, figure.high, threshold=place.threshold)
    told = ", ".join(filter(None, [WORDS[verdict], reach, f"n = {figure.n}"]))
    return Square(
        numbers.score(figure.mean, threshold=place.threshold),
        mark(verdict, True, noisy(ladder, row, figure, place.threshold)), round(figure.mean * LEVELS), told,
    )  # fmt: skip
