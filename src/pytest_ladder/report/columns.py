"""The columns of a ladder's table: what they hold, before anyone asks how wide a screen is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.summary import LadderSummary, RungRow, State
from pytest_ladder.core.thresholds import check_limit
from pytest_ladder.report import numbers
from pytest_ladder.report.figures import STATE_WORDS, Place, mark, noisy, places, standing, unasked
from pytest_ladder.report.text import one_line

STATE_STYLES = {
    State.SELECTED: "bold green", State.MET: "green", State.SHORT: "yellow", State.INCONCLUSIVE: "yellow",
    State.ERROR: "red", State.NOT_NEEDED: "dim", State.NOT_RUN: "dim", State.REFUSED: "red",
}  # fmt: skip
_VERDICT_STYLES = {Verdict.MET: "green", Verdict.SHORT: "yellow", Verdict.INCONCLUSIVE: "yellow", None: ""}
FROM_LOG = "(log)"
"""What marks the state of a row that was not measured in this run."""
NOT_SCORED = "n/a"
"""The figure of a metric that scores no case of a rung, and need not."""


SLICES_HEADING = "slices without a threshold"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a cell that stays together; a cell puts its pieces on one line or below each other."""

    text: str
    style: str = ""


Cell = tuple[Piece, ...]
NOTHING: Cell = (Piece(""),)
"""The cell of a rung that has no entry."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: header lines, and a cell for each rung."""

    header: tuple[str, ...]
    cells: tuple[Cell, ...]
    right: bool = False
    """Whether its cells line up on the right."""
    most: int | None = None
    """Screen cells it may take; longer texts are broken."""

    @property
    def anything(self) -> bool:
        """Whether any rung has a figure here."""
        return any(piece.text not in ("", numbers.MISSING) for cell in self.cells for piece in cell)


@dataclass(frozen=True, slots=True)
class Columns:
    """All columns of a ladder, in the groups that a narrow screen parts."""

    rung: Column
    state: Column
    figures: tuple[Column, ...]
    """One for each metric and slice."""
    limits: tuple[Column, ...]
    usage: tuple[Column, ...]


def columns_of(summary: LadderSummary, *, unicode: bool) -> Columns:
    """Lay out everything the table tells of a ladder."""
    limits = [_limit_column(summary, name, most, unicode) for name, most in summary.limits.items()]
    found = _columns(summary, places(summary), unicode)
    return replace(found, limits=tuple(limits), usage=tuple(_usage_columns(summary)))


def columns_of_slices(summary: LadderSummary, *, unicode: bool) -> Columns:
    """Lay out the slices that no threshold asks about; without such slices there are no figures."""
    return _columns(summary, unasked(summary), unicode)


def _columns(summary: LadderSummary, shown: Sequence[Place], unicode: bool) -> Columns:
    return Columns(
        rung=Column(("rung",), tuple(_rung_cell(row, unicode) for row in summary.rows)),
        state=Column(("state",), tuple(_state_cell(row) for row in summary.rows)),
        figures=tuple(_figure_column(summary, place, unicode) for place in shown), limits=(), usage=(),
    )  # fmt: skip


def _dimmed(row: RungRow, style: str) -> str:
    return f"{style} dim".strip() if row.from_log else style


def _rung_cell(row: RungRow, unicode: bool) -> Cell:
    style = "bold green" if row.state is State.SELECTED else "bold"
    name = one_line(row.id, unicode=unicode) or repr(row.id)
    kind = () if row.id == row.kind or not row.entry else (Piece(str(row.kind), "dim"),)
    return (Piece(name, _dimmed(row, style)), *kind)


def _state_cell(row: RungRow) -> Cell:
    word = Piece(STATE_WORDS[row.state], _dimmed(row, STATE_STYLES[row.state]))
    return (word, Piece(FROM_LOG, "dim")) if row.from_log else (word,)


def _figure_column(summary: LadderSummary, place: Place, unicode: bool) -> Column:
    head = [one_line(place.metric, unicode=unicode), one_line(place.slice, unicode=unicode)]
    if place.threshold is not None:
        head.append(f"{'≥' if unicode else '>='} {numbers.threshold(place.threshold)}")
    return Column(tuple(head), tuple(_figure_cell(row, place, summary, unicode) for row in summary.rows))


def _figure_cell(row: RungRow, place: Place, summary: LadderSummary, unicode: bool) -> Cell:
    if row.entry is None:
        return NOTHING
    figure = row.entry.scores.get(place.metric, {}).get(place.slice)
    if figure is None:
        return (Piece(numbers.MISSING, "dim"),)
    if not figure.n and place.threshold is None:
        return (Piece(NOT_SCORED, "dim"),)
    verdict = standing(figure, place, summary.rule)
    sign = mark(verdict, unicode, noisy(summary, row, figure, place.threshold))
    text = numbers.score(figure.mean, threshold=place.threshold)
    pieces = [Piece(f"{text} {sign}".rstrip(), _dimmed(row, _VERDICT_STYLES.get(verdict, "red")))]
    if interval := numbers.interval(figure.low, figure.high, threshold=place.threshold):
        pieces.append(Piece(interval, "dim"))
    if figure.unscored:
        pieces.append(Piece(f"{numbers.count(figure.unscored)} unscored", _dimmed(row, "red")))
    return tuple(pieces)


def _limit_column(summary: LadderSummary, name: str, most: float, unicode: bool) -> Column:
    what, _, of = one_line(name, unicode=unicode).partition("_")
    sign = "≤" if unicode else "<="
    cells = tuple(_limit_cell(row, name, most, unicode) for row in summary.rows)
    return Column((what, of.replace("_", " "), f"{sign} {numbers.limit(name, most)}"), cells)


def _limit_cell(row: RungRow, name: str, most: float, unicode: bool) -> Cell:
    if row.entry is None:
        return NOTHING
    value = row.entry.limits.get(name)
    if not isinstance(value, int | float):
        return (Piece("unknown", "dim"),)
    verdict = check_limit(value, most)
    text = f"{numbers.ceiling(name, value, limit=most)} {mark(verdict, unicode)}".rstrip()
    return (Piece(text, _dimmed(row, _VERDICT_STYLES.get(verdict, "red"))),)


_USAGE: dict[str, Callable[[RungEntry], str]] = {
    "calls": lambda entry: numbers.count(entry.usage.calls),
    "tokens": lambda entry: numbers.tokens(entry.usage.prompt_tokens + entry.usage.completion_tokens),
    "cost": lambda entry: numbers.money(entry.usage.cost_usd),
    "p50": lambda entry: numbers.seconds(entry.latency.get("p50")),
    "p95": lambda entry: numbers.seconds(entry.latency.get("p95")),
    "errors": lambda entry: numbers.count(entry.errors) if entry.errors else numbers.MISSING,
}


def _usage_columns(summary: LadderSummary) -> Iterator[Column]:
    for name, text in _USAGE.items():
        column = _plain_column(name, summary, [text(row.entry) if row.entry else "" for row in summary.rows])
        if name != "errors" or column.anything:
            yield column
    recall = _plain_column("recall", summary, [numbers.score(row.recall) if row.entry else "" for row in summary.rows])
    if recall.anything:
        yield recall


def _plain_column(name: str, summary: LadderSummary, texts: list[str]) -> Column:
    style = "red" if name == "errors" else ""
    pairs = zip(summary.rows, texts, strict=True)
    return Column((name,), tuple((Piece(text, _dimmed(row, style)),) for row, text in pairs), right=True)
