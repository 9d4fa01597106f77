"""A screen of one width: safe texts, wrapped and indented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from pytest_ladder.report.text import cut, one_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

INDENT = 2
LEAST_WIDTH = 40
"""A narrower screen gets lines of this width."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A labelled paragraph."""

    label: str
    text: str
    style: str = ""
    label_style: str = "bold"


@dataclass(frozen=True, slots=True)
class Page:
    """The measures of a screen, and the parts that fit it."""

    width: int
    unicode: bool = True
    color: bool = False

    def render(self, parts: Sequence[RenderableType]) -> str:
        """Write the parts below each other; every line ends with a line end and holds no trailing blanks."""
        file = StringIO()
        console = self._console(file)
        for part in parts:
            console.print(part)
        return "".join(line.rstrip(" ") + "\n" for line in file.getvalue().split("\n")[:-1])

    def _console(self, file: StringIO) -> Console:
        from rich.console import Console

        return Console(
            file=file, force_terminal=self.color, color_system="standard" if self.color else None,
            no_color=not self.color, width=self.width, legacy_windows=False, markup=False, emoji=False,
            highlight=False, _environ={},
        )  # fmt: skip

    @property
    def room(self) -> int:
        """Cells behind the indent."""
        return self.width - INDENT

    def clean(self, text: str) -> str:
        """A text of unknown origin, on one line and in signs this screen takes."""
        return one_line(text, unicode=self.unicode)

    def cut(self, text: str, width: int) -> str:
        """A text of unknown origin, on one line of at most so many cells."""
        return cut(self.clean(text), width, unicode=self.unicode)

    def title(self, text: str) -> Text:
        """A heading that rules the screen."""
        from rich.cells import cell_len
        from rich.text import Text

        line, name = "─" if self.unicode else "-", self.clean(text)
        tail = line * (self.width - cell_len(name) - 4)
        return Text.assemble((f"{line * 2} ", "dim"), (name, "bold"), (f" {tail}" if tail else "", "dim"))

    def indented(self, part: RenderableType | str, *, by: int = INDENT, style: str = "") -> RenderableType:
        """A part behind a margin; a plain text is wrapped inside it."""
        from rich.padding import Padding
        from rich.text import Text

        body = Text(self.clean(part), style, overflow="fold") if isinstance(part, str) else part
        return Padding(body, (0, 0, 0, by), expand=False)

    def labelled(self, remarks: Sequence[Remark], *, by: int = INDENT, gap: int = 2) -> RenderableType:
        """Paragraphs with their labels in a column on the left."""
        from rich.text import Text

        rows = [(remark.label, remark.label_style, Text(self.clean(remark.text), remark.style)) for remark in remarks]
        return self.beside(rows, by=by, gap=gap)

    def beside(
        self, rows: Sequence[tuple[str, str, Text]], *, by: int = INDENT, gap: int = 2, least: int = 1
    ) -> RenderableType:
        """Texts of one or more lines with their labels in a column on the left.

        Args:
            rows: Label, its style, and a text that is safe for the screen.
            by: Cells of the margin.
            gap: Cells between the columns.
            least: Cells of the labels, at least, as far as the screen has them.
        """
        from rich.cells import cell_len
        from rich.table import Table
        from rich.text import Text

        labels = [self.clean(label) for label, *_ in rows]
        most = min(max(map(cell_len, labels), default=1), self.width // 3)
        grid: Table = Table.grid(padding=(0, gap, 0, 0))
        grid.add_column(width=max(most, min(least, self.width // 3)), overflow="fold")
        grid.add_column(overflow="fold")
        for label, (_, style, text) in zip(labels, rows, strict=True):
            grid.add_row(Text(label, style), text)
        return self.indented(grid, by=by)
