"""Two rungs against each other, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_ladder.core.compared import Compared
from pytest_ladder.core.differences import Comparison
from pytest_ladder.report import numbers
from pytest_ladder.report.comparison import columns_of_comparison, flips_of
from pytest_ladder.report.grid import tables
from pytest_ladder.report.page import LEAST_WIDTH, Page, Remark

if TYPE_CHECKING:
    from rich.console import RenderableType


def render_compare(compared: Compared, *, width: int, color: bool, unicode: bool, cases: int | None) -> str:
    """Write a comparison for a terminal; it ends with a line end.

    Args:
        compared: The two rungs.
        width: Screen cells; no line is longer, but no line is planned for fewer than 40.
        color: Whether to write ANSI colours.
        unicode: Whether the terminal takes more than ASCII.
        cases: How many ids of lost and of won cases to list; None for all.
    """
    page = Page(max(width, LEAST_WIDTH), unicode, color)
    return page.render([*_parts(page, compared, cases)])


def _parts(page: Page, compared: Compared, cases: int | None) -> Iterator[RenderableType]:
    yield page.title(f"ladder {compared.ladder}: {compared.after} against {compared.before}")
    yield page.indented(f"{compared.where}, {numbers.plural(compared.cases, 'case')}; {_legend(compared)}", style="dim")
    for metric, found in compared.metrics.items():
        yield ""
        yield page.indented(metric, style="bold")
        yield ""
        yield from _metric(page, found, (compared.before, compared.after), cases)
    if compared.notes:
        yield ""
        yield page.labelled([Remark("note", note, "yellow", "bold yellow") for note in compared.notes])


def _metric(page: Page, found: Comparison, names: tuple[str, str], cases: int | None) -> Iterator[RenderableType]:
    columns = columns_of_comparison(found, names, unicode=page.unicode)
    for place, table in enumerate(tables(columns, width=page.room, unicode=page.unicode)):
        if place:
            yield ""
        yield page.indented(table)
    if remarks := [Remark(label, text) for label, text in flips_of(found, cases)]:
        yield ""
        yield page.labelled(remarks)


def _legend(compared: Compared) -> str:
    sure = numbers.percent(compared.confidence)
    least = f"; a loss of more than {numbers.threshold(compared.min_effect)} counts" if compared.min_effect else ""
    joined = f"; cases with the same `{compared.cluster}` count as one cluster" if compared.cluster else ""
    tests = sum(len(found.slices) for found in compared.metrics.values())
    return (
        f"differences are {compared.after} less {compared.before}, with one-sided bounds at {sure}; p is one-sided, "
        f"after Holm over {numbers.plural(tests, 'comparison')}; could show: the smallest difference that so many "
        f"pairs show four times in five{least}{joined}"
    )
