"""Tables that fit a screen: figures fold, then columns move to another table; nothing is cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import compress
from typing import TYPE_CHECKING

from pytest_ladder.report.columns import Cell, Column, Columns

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

GAP = 2
"""Blank cells between two columns."""


def tables(columns: Columns, *, width: int, unicode: bool) -> Iterator[Table]:
    """Lay the columns out in as few tables as the width allows; at least 40 cells are taken.

    In this order: everything side by side; intervals below their figures; usage in a table of its own; the figures in
    several tables. A text wider than its column is broken, never left out.
    """
    lead = [replace(columns.rung, most=width // 3), columns.state]
    figures, usage = [*columns.figures, *columns.limits], [*columns.usage]
    everything = [*lead, *figures, *usage]
    for folded in (False, True):
        if _width(everything, folded) <= width:
            yield _table(everything, folded, unicode)
            return
    if _width([*lead, *figures], True) > width:
        figures, usage = [*columns.figures], [*columns.limits, *usage]
    yield from _chunks(lead, figures, width, unicode)
    if usage:
        yield from _chunks(*_measured(lead[:1], usage), width, unicode)


def _measured(lead: list[Column], columns: list[Column]) -> tuple[list[Column], list[Column]]:
    """The columns without the rungs that have nothing in any of them."""
    kept = [any(piece.text for cell in cells for piece in cell) for cells in _rows(columns)]
    lead, columns = ([replace(c, cells=tuple(compress(c.cells, kept))) for c in group] for group in (lead, columns))
    return lead, columns


def _rows(columns: Sequence[Column]) -> Iterator[tuple[Cell, ...]]:
    return zip(*(column.cells for column in columns), strict=True)


def _chunks(lead: list[Column], columns: Sequence[Column], width: int, unicode: bool) -> Iterator[Table]:
    """As many of the columns to a table as fit behind the leading ones."""
    whole = [*lead, *columns]
    if _width(whole, False) <= width:
        yield _table(whole, False, unicode)
        return
    room = max(width - _width(lead, True) - GAP, 1)
    chunk: list[Column] = []
    for column in (replace(column, most=room) for column in columns):
        if chunk and _width([*lead, *chunk, column], True) > width:
            yield _table([*lead, *chunk], True, unicode)
            chunk = []
        chunk.append(column)
    yield _table([*lead, *chunk], True, unicode)


def _width(columns: Sequence[Column], folded: bool) -> int:
    return sum(_column_width(column, folded) for column in columns) + GAP * (len(columns) - 1)


def _column_width(column: Column, folded: bool) -> int:
    from rich.cells import cell_len

    lines = [*column.header, *(line for cell in column.cells for line in _lines(cell, folded))]
    natural = max((cell_len(line) for line in lines), default=1)
    return natural if column.most is None else min(natural, column.most)


def _lines(cell: Cell, folded: bool) -> list[str]:
    texts = [piece.text for piece in cell]
    return texts if folded else [" ".join(texts)]


def _table(columns: Sequence[Column], folded: bool, unicode: bool) -> Table:
    from rich.box import Box
    from rich.table import Table
    from rich.text import Text

    line = "─" if unicode else "-"
    rows = ["    ", "    ", f" {line}{line} ", *["    "] * 5]
    box = Box("\n".join(rows) + "\n", ascii=not unicode)
    table = Table(box=box, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0), header_style="")
    for column in columns:
        table.add_column(
            Text("\n".join(column.header), "bold"), width=_column_width(column, folded), overflow="fold",
            justify="right" if column.right else "left",
        )  # fmt: skip
    for cells in _rows(columns):
        table.add_row(*(_text(cell, folded) for cell in cells))
    return table


def _text(cell: Cell, folded: bool) -> Text:
    from rich.text import Text

    return Text("\n" if folded else " ").join([Text(piece.text, piece.style) for piece in cell])
