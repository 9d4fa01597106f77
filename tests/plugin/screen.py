"""A terminal small enough for a test: the few control sequences that a run writes, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_PARTS = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])|\x1b([78D])|([\r\n\x08])|([^\x1b\r\n\x08]+)|(\x1b)")


@dataclass
class Screen:
    """Lines of characters, the last `height` of which can be seen."""

    width: int = 80
    height: int = 24
    rows: list[list[str]] = field(default_factory=lambda: [[]])
    row: int = 0
    column: int = 0
    saved: tuple[int, int] = (0, 0)
    """Row on the screen, column."""

    @property
    def top(self) -> int:
        return max(0, len(self.rows) - self.height)

    @property
    def text(self) -> str:
        return "\n".join("".join(row).rstrip() for row in self.rows)

    def feed(self, text: str) -> None:
        """Take what a program wrote."""
        for arguments, command, short, control, plain, rest in _PARTS.findall(text):
            if command:
                self._sequence(arguments, command)
            elif short:
                self._short(short)
            elif control:
                self._control(control)
            elif plain:
                self._plain(plain)
            assert not rest, f"an unknown sequence: {text!r}"

    def _sequence(self, arguments: str, command: str) -> None:
        count = int(arguments.partition(";")[0] or 1) if command in "AGK" else 0
        if command == "A":
            self.row = max(self.top, self.row - count)
        elif command == "K":
            assert arguments in ("", "0")
            del self.rows[self.row][self.column :]
        else:
            assert command in "mhl", f"an unknown command: {command}"

    def _short(self, command: str) -> None:
        if command == "7":
            self.saved = self.row - self.top, self.column
        elif command == "8":
            self.row, self.column = self.top + self.saved[0], self.saved[1]
        else:
            self._down()

    def _control(self, control: str) -> None:
        if control == "\n":
            self._down()
        elif control == "\r":
            self.column = 0
        else:
            self.column -= 1

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])

    def _plain(self, text: str) -> None:
        for letter in text:
            if self.column == self.width:
                self.column = 0
                self._down()
            row = self.rows[self.row]
            row += [" "] * (self.column - len(row))
            row[self.column : self.column + 1] = [letter]
            self.column += 1
