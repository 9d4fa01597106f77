"""The terminal's section of a run: one block a ladder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_ladder.core.selftested import SelfTested
from pytest_ladder.core.summary import LadderSummary, Miss, RungRow, RunSummary, State
from pytest_ladder.report import base, numbers
from pytest_ladder.report.columns import FROM_LOG, SLICES_HEADING, columns_of, columns_of_slices
from pytest_ladder.report.drift import STYLES, drift_facts, drift_words
from pytest_ladder.report.figures import asked_words, rule_words, versions_words
from pytest_ladder.report.gains import gain_flips, gain_remark
from pytest_ladder.report.grid import tables
from pytest_ladder.report.judged import judged_words
from pytest_ladder.report.page import INDENT, LEAST_WIDTH, Page, Remark
from pytest_ladder.report.requests import HEADING as REQUESTS_HEADING
from pytest_ladder.report.requests import PARTS_HEADING, columns_of_parts, columns_of_requests, known_of
from pytest_ladder.report.searching import searched_words
from pytest_ladder.report.selftest import HEADING, columns_of_selftest, selftest_lines
from pytest_ladder.report.texts import MOST_REASON, failure_words, gate_title, texts_of

if TYPE_CHECKING:
    from rich.console import RenderableType


def render_terminal(summary: RunSummary, *, width: int, color: bool, unicode: bool, verbose: int) -> str:
    """Write a run for a terminal; empty without a ladder, else it ends with a line end.

    Args:
        summary: What the run has to tell.
        width: Screen cells; no line is longer, but no line is planned for fewer than 40.
        color: Whether to write ANSI colours.
        unicode: Whether the terminal takes more than ASCII.
        verbose: Worst cases are listed from 1 up.
    """
    page = Page(max(width, LEAST_WIDTH), unicode, color)
    sections = [page.render([*_section(page, ladder, verbose)]) for ladder in summary.ladders]
    if summary.gone:
        sections.append(page.render([page.labelled([Remark("gone", gone, "red", "red") for gone in summary.gone])]))
    return "\n".join(sections)


def _section(page: Page, ladder: LadderSummary, verbose: int) -> Iterator[RenderableType]:
    facts = f"{ladder.where}, {numbers.plural(ladder.cases, 'case')}, {rule_words(ladder)}"
    yield page.title(f"ladder {ladder.name}")
    yield page.indented(facts, style="dim")
    if ladder.rows:
        yield ""
        yield from _tables(page, ladder)
    if remarks := [*_rung_remarks(ladder)]:
        yield page.labelled(remarks)
        yield ""
    yield page.labelled([*_remarks(ladder), *_more(ladder, verbose)])
    yield from _gate(page, ladder)
    yield from _base(page, ladder)
    yield from _selftest(page, ladder.selftest)
    if verbose >= 1:
        yield from _slices(page, ladder)
        yield from _worst(page, ladder)
        yield from gain_flips(page, ladder)
        yield from _requests(page, ladder)


def _tables(page: Page, ladder: LadderSummary) -> Iterator[RenderableType]:
    for table in tables(columns_of(ladder, unicode=page.unicode), width=page.room, unicode=page.unicode):
        yield page.indented(table)
        yield ""


def _rung_remarks(ladder: LadderSummary) -> Iterator[Remark]:
    for row in ladder.rows:
        if row.note:
            yield Remark(row.id, row.note, "red" if row.state is State.ERROR else "dim")
        if asked := asked_words(row):
            yield Remark(row.id, asked, "dim")
        if searched := searched_words(row):
            yield Remark(row.id, searched, "dim")
        if row.entry and row.entry.diagnosis:
            yield Remark(row.id, f"failures: {failure_words(row.entry.diagnosis)}", "dim")
        yield from gain_remark(row)
    if any(row.from_log for row in ladder.rows):
        yield Remark(FROM_LOG, "not measured in this run: the figures stand in the log", "dim", "dim")


def _remarks(ladder: LadderSummary) -> Iterator[Remark]:
    yield Remark("decided", ladder.decided, "bold green" if ladder.selected else "bold yellow")
    if ladder.recommendation:
        yield Remark("next", ladder.recommendation)
    for _, line in ladder.looks:
        yield Remark("hold-out", line)
    for drift in ladder.drifts:
        yield Remark("drift", drift_words(drift), STYLES[drift.finding], STYLES[drift.finding] or "bold")
        if facts := drift_facts(drift):
            yield Remark("", facts, "dim")
    for judge in ladder.judges:
        style = "yellow" if judge.triage and judge.gates else "dim"
        yield Remark("judge", judged_words(judge), style, style)
    if tried := versions_words(ladder):
        yield Remark("tried", tried, "dim", "dim")
    for few in ladder.too_few:
        yield Remark("too few", few, "yellow", "yellow")
    for note in ladder.notes:
        yield Remark("warning", note, "yellow", "bold yellow")
    for waiver in ladder.waivers:
        yield Remark("waiver", waiver, "", "bold magenta")


def _more(ladder: LadderSummary, verbose: int) -> Iterator[Remark]:
    if verbose < 1 and any(row.misses for row in ladder.rows):
        yield Remark("more", "`-v` shows the worst cases of each rung", "dim", "dim")


def _gate(page: Page, ladder: LadderSummary) -> Iterator[RenderableType]:
    title, style = gate_title(ladder)
    if not title:
        return
    yield ""
    yield page.indented(title, style=f"bold {style}")
    for refusal in ladder.refusals:
        yield page.labelled([Remark(f"{refusal.code}:", refusal.reason, style, f"bold {style}")], by=INDENT * 2, gap=1)
        yield page.labelled([Remark("→" if page.unicode else "->", refusal.mend)], by=INDENT * 4, gap=1)
    if ladder.checklist:
        yield page.indented("checklist", by=INDENT * 2, style="bold")
        yield page.labelled([Remark(*item, label_style="") for item in ladder.checklist.items()], by=INDENT * 4)


def _base(page: Page, ladder: LadderSummary) -> Iterator[RenderableType]:
    if ladder.base is not None:
        yield ""
        yield page.indented(base.heading(ladder.base), style="bold")
        told = [Remark(line.label, line.text, line.style, line.style or "dim") for line in base.lines(ladder.base)]
        yield page.labelled(told or [Remark("same", "nothing changed")], by=INDENT * 2)


def _selftest(page: Page, found: SelfTested | None) -> Iterator[RenderableType]:
    if found is None:
        return
    yield ""
    yield page.indented(HEADING, style="bold")
    if found.rungs:
        yield ""
        columns = columns_of_selftest(found, unicode=page.unicode)
        for table in tables(columns, width=page.room, unicode=page.unicode):
            yield page.indented(table)
            yield ""
    lines = selftest_lines(found)
    yield page.labelled([Remark(label, text, "yellow" if warns else "dim", "dim") for label, text, warns in lines])


def _slices(page: Page, ladder: LadderSummary) -> Iterator[RenderableType]:
    columns = columns_of_slices(ladder, unicode=page.unicode)
    if not columns.figures:
        return
    yield ""
    yield page.indented(SLICES_HEADING, style="bold")
    for table in tables(columns, width=page.room, unicode=page.unicode):
        yield ""
        yield page.indented(table)


def _worst(page: Page, ladder: LadderSummary) -> Iterator[RenderableType]:
    for row in ladder.rows:
        if row.misses:
            yield ""
            yield page.indented(f"worst cases of {row.id}", style="bold")
            yield from _misses(page, ladder, row)


def _requests(page: Page, ladder: LadderSummary) -> Iterator[RenderableType]:
    known = known_of(ladder.rows)
    laid = [(REQUESTS_HEADING, columns_of_requests(known, unicode=page.unicode))] if known else []
    if any(figures.parts for _, figures in known):
        laid.append((PARTS_HEADING, columns_of_parts(known, unicode=page.unicode)))
    for heading, columns in laid:
        yield ""
        yield page.indented(heading, style="bold")
        for table in tables(columns, width=page.room, unicode=page.unicode):
            yield ""
            yield page.indented(table)


def _misses(page: Page, ladder: LadderSummary, row: RungRow) -> Iterator[RenderableType]:
    for miss in row.misses:
        yield page.indented(_miss_line(miss), by=INDENT * 2)
        texts = texts_of(miss, ladder.show)
        if texts:
            room = page.width - INDENT * 4 - 10
            rooms = {"note": MOST_REASON} if miss.score is None else {}  # a reason is read to its end
            lines = [
                Remark(name, page.cut(text, rooms.get(name, room)), label_style="dim") for name, text in texts.items()
            ]
            yield page.labelled(lines, by=INDENT * 4)


def _miss_line(miss: Miss) -> str:
    return f"{miss.case}  {miss.metric} {'unscored' if miss.score is None else numbers.score(miss.score)}"
