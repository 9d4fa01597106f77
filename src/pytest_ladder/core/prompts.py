"""The shape of a prompt file: optional front matter, then the template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pytest_ladder.errors import InvalidFile, message

FENCE = "---"


class PromptText(NamedTuple):
    """A prompt file taken apart."""

    front_matter: Mapping[str, str]
    """Values by key, blanks and quotes around them removed; empty where the file has none."""
    body: str
    """The template, with LF line ends."""
    first_line: int
    """The line of the file on which the body begins, from 1."""


def split_front_matter(text: str, where: str = "prompt") -> PromptText:
    """Take the front matter off a prompt file.

    Front matter is a first line `---`, lines `key: value` (blank ones and `#` comments aside), and a line `---`.

    Args:
        text: The file; CRLF, CR and a byte order mark are accepted.
        where: The file's name for error messages.

    Raises:
        InvalidFile: the front matter has no end, or a line of it is not `key: value`, or a key comes twice.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[0].rstrip() != FENCE:
        return PromptText({}, "\n".join(lines), 1)
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == FENCE), None)
    if end is None:
        next_step = "end it with a line `---`, or begin the prompt with another line"
        raise InvalidFile(message(f"{where}:1", "the front matter has no end", next_step=next_step))
    values: dict[str, str] = {}
    for number, line in enumerate(lines[1:end], 2):
        if line.strip() and not line.lstrip().startswith("#"):
            key, value = _pair(line, f"{where}:{number}", values)
            values[key] = value
    return PromptText(values, "\n".join(lines[end + 1 :]), end + 2)


def _pair(line: str, where: str, known: Mapping[str, str]) -> tuple[str, str]:
    key, colon, value = line.partition(":")
    key = key.strip()
    if not colon or not key or not value.strip():
        raise InvalidFile(message(where, "the front matter cannot be read", got=line, expected="`key: value`"))
    if key in known:
        raise InvalidFile(message(where, f"the key `{key}` comes twice in the front matter"))
    value = value.strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return key, value[1:-1] if quoted else value
