"""Where in ladder.toml a key stands: what a message about it begins with."""

from __future__ import annotations

from dataclasses import dataclass, field

Path = tuple[str | int, ...]
"""Keys from the root to a value; a number is a place in a list."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a TOML text's tables and keys."""

    tables: dict[Path, int] = field(default_factory=dict)
    keys: dict[Path, int] = field(default_factory=dict)

    def of(self, path: Path) -> int:
        """The line of a key; that of the nearest table around it where the key itself is not found; else 1."""
        for length in range(len(path), 0, -1):
            line = self.keys.get(path[:length]) or self.tables.get(path[:length])
            if line:
                return line
        return 1

    def name(self, path: Path) -> str:
        """A key as a message shows it: `[table] key`."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.tables:
                rest = dotted(path[length:])
                table = dotted(tuple(part for part in path[:length] if isinstance(part, str)))
                return f"[{table}] {rest}".rstrip()
        return dotted(path)


_OF_TABLES = ("metrics", "rungs")
"""Tables that hold tables."""


@dataclass(frozen=True, slots=True)
class Source:
    """A TOML file as messages name it, and the lines of what it says."""

    where: str = "ladder.toml"
    """Its path as the user would type it."""
    lines: Lines | None = None
    """None where the text is not at hand: places are then told without a line."""

    def at(self, *path: str | int) -> str:
        """A key as messages name it: `path:line: [table] key`."""
        if self.lines is not None:
            return f"{self.where}:{self.lines.of(path)}: {self.lines.name(path)}".removesuffix(": ")
        assumed = Lines({path[: 2 if path[0] in _OF_TABLES else 1]: 0}) if path[1:] else Lines()
        return f"{self.where}: {assumed.name(path)}".removesuffix(": ")


def dotted(path: Path) -> str:
    """A path as one name: `few_shot.k`, `required[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
