"""One case and how each rung came to its answer, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ladder.core.case_summary import RungCase, ShownCase
from pytest_ladder.report import numbers
from pytest_ladder.report.columns import NOT_SCORED
from pytest_ladder.report.page import INDENT, LEAST_WIDTH, Page
from pytest_ladder.report.trace import FAILED, REFUSED, Found, Line, shortened, ways

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

MOST_SIGNS = 1_000
"""Of a text; what is longer is cut, and how much of it is said."""
_LABELS = 12
"""Cells of the longest label of a built-in rung."""
_STYLES = {FAILED: "yellow", REFUSED: "bold red"}


def render_case(shown: ShownCase, *, width: int, color: bool, unicode: bool, whole: bool = False) -> str:
    """Write a case for a terminal; it ends with a line end.

    Args:
        shown: The case.
        width: Screen cells; no line is longer, but no line is planned for fewer than 40.
        color: Whether to write ANSI colours.
        unicode: Whether the terminal takes more than ASCII.
        whole: Whether to leave long texts uncut.
    """
    page = Page(max(width, LEAST_WIDTH), unicode, color)
    return page.render([*_Case(page, shown, whole).parts()])


@dataclass(frozen=True, slots=True)
class _Case:
    page: Page
    shown: ShownCase
    whole: bool

    def parts(self) -> Iterator[RenderableType]:
        shown, case = self.shown, self.shown.case
        yield self.page.title(f"ladder {shown.ladder}: {case.case}")
        yield self.page.beside([*self._asked()], least=_LABELS + INDENT)
        if shown.show == "ids":
            yield self.page.indented('texts and steps are left out: [privacy] show = "ids"', style="dim")
        for rung, found in case.rungs.items():
            yield ""
            yield from self._rung(rung, found)
        for rung, why in shown.absent.items():
            yield ""
            yield self.page.indented(f"{rung}: {why}", style="dim")

    def _asked(self) -> Iterator[tuple[str, str, Text]]:
        case = self.shown.case
        for label, text in (
            ("slices", ", ".join(case.slices)), ("input", case.input), ("expected", case.expected),
            ("steps", "\n".join(self.shown.steps)), ("tools", "\n".join(self.shown.tools)),
        ):  # fmt: skip
            if text:
                yield label, "dim", self._text(text)
        if case.evidence:
            found = [Found(id_, relevant=True) for id_ in case.evidence]
            kept, more = (tuple(found), 0) if self.whole else shortened(found)
            yield "evidence", "dim", self._documents([(one.id, "", True) for one in kept], more)

    def _rung(self, rung: str, found: RungCase) -> Iterator[RenderableType]:
        word, style = ("fails", "bold red") if found.failed else ("right", "bold green")
        scores = (f"{metric} {_score(found, metric)}" for metric in found.scores)
        told = ", ".join([word, *scores, *([f"kind {found.kind}"] if found.kind else [])])
        yield self.page.indented(f"{rung}: {told}", style=style)
        said = [("answer", found.answer), ("note", found.note or None)]
        yield self._labelled((label, "bold", self._text(text)) for label, text in said if text is not None)
        made = ways(found.answers, self.shown.case.evidence)
        for number, lines in made:
            if len(made) > 1:
                yield self.page.indented(f"{number} of {len(found.answers)} answers:", by=2 * INDENT, style="dim")
            yield self._labelled(map(self._line, lines))

    def _line(self, line: Line) -> tuple[str, str, Text]:
        from rich.text import Text

        said = [self._text(line.asked)] if line.asked else []
        if line.result:
            said.append(
                Text.assemble((self._sign("→"), "dim"), self._text(line.result))
                if line.asked
                else self._text(line.result)
            )
        if line.found:
            kept, more = shortened(line.found)
            said.append(self._documents([(one.id, one.score, one.relevant and not line.tone) for one in kept], more))
        if line.note:
            said.append(self._text(line.note, "dim"))
        label = f"{line.part} {line.name}" if line.part else line.name
        return label, _STYLES.get(line.tone, "cyan"), Text("\n").join(said)

    def _documents(self, found: Iterable[tuple[str, str, bool]], more: int = 0) -> Text:
        """Documents below each other: a mark where one is evidence, its id, its score, its title."""
        from rich.text import Text

        rows = [(self.page.clean(id_), self.page.clean(score), is_, id_) for id_, score, is_ in found]
        ids, scores = max((len(row[0]) for row in rows), default=0), max((len(row[1]) for row in rows), default=0)
        mark = self._sign("✓")
        lines = []
        for id_, score, is_, key in rows:
            told = Text.assemble((mark if is_ else " " * len(mark), "bold green"), (id_.ljust(ids), "bold"))
            told.append(f"  {score.rjust(scores)}" if scores else "")
            room = self.page.width - 2 * INDENT - _LABELS - INDENT - told.cell_len - 2
            title = self.page.cut(self.shown.documents.get(key, ""), max(room, 0))
            lines.append(told.append(f"  {title}" if title else "", "dim"))
        return Text("\n").join([*lines, *([Text(f"  and {numbers.count(more)} more", "dim")] if more else [])])

    def _text(self, text: str, style: str = "") -> Text:
        """A text of unknown origin on its own lines, cut where it is long."""
        from rich.text import Text

        kept = text if self.whole else text[:MOST_SIGNS]
        told = Text("\n".join(map(self.page.clean, kept.splitlines())) or "(empty)", style)
        if left := len(text) - len(kept):
            told.append(f"\n[cut here: {numbers.plural(left, 'character')} left out; --whole shows them]", "dim")
        return told

    def _sign(self, sign: str) -> str:
        return f"{self.page.clean(sign)} "

    def _labelled(self, rows: Iterable[tuple[str, str, Text]]) -> RenderableType:
        return self.page.beside([*rows], by=2 * INDENT, least=_LABELS)


def _score(found: RungCase, metric: str) -> str:
    value = found.scores[metric]
    if value is None:
        return NOT_SCORED if metric in found.apart else "unscored"
    return numbers.score(value)
