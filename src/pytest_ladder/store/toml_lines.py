"""Where in a TOML text a key stands: tomllib tells values, not places."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.places import Lines, Path

_KEY = r"(?:[A-Za-z0-9_-]+|\"(?:[^\"\\]|\\.)*\"|'[^']*')"
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]")
_ASSIGNMENT = re.compile(rf"\s*({_DOTTED})\s*=")
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_LONG = re.compile(r"\"\"\"|'''")


def locate(text: str) -> Lines:
    """Find the line of each table and key; keys inside inline tables and lists are left to their outer key."""
    lines = Lines()
    table: Path = ()
    counts: dict[Path, int] = {}
    for number, line in _statements(text):
        header = _HEADER.match(line)
        if header:
            table = _path(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            lines.tables.setdefault(table, number)
            continue
        assignment = _ASSIGNMENT.match(line)
        if assignment:
            lines.keys.setdefault((*table, *_path(assignment[1])), number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are not inside a long string."""
    closing = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if not closing:
            yield number, line
            line = line if _LONG.search(line) else ""
        while line:
            line, closing = _after_delimiter(line, closing)


def _after_delimiter(line: str, closing: str) -> tuple[str, str]:
    """What follows the next long-string delimiter, and the delimiter that is then awaited."""
    if closing:
        _, found, rest = line.partition(closing)
        return rest, "" if found else closing
    plain = _STRING.sub(lambda string: "" if len(string[0]) > 2 else string[0], line.split("#")[0])
    opening = _LONG.search(plain)
    return (plain[opening.end() :], opening[0]) if opening else ("", "")


def _path(key: str) -> Path:
    """The parts of a dotted key, quotes resolved."""
    found: list[str] = []
    value: Json = tomllib.loads(f"{key} = 0")
    while isinstance(value, dict):
        part, value = next(iter(value.items()))
        found.append(part)
    return tuple(found)
