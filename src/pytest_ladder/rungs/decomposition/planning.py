"""Plans as models write them: replies taken apart into steps."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question

_NUMBER = re.compile(r"^\W*(?:(?:step|question|q)\s*)?\d+\s*[.):]+[*_]*(?:\s+|$)", re.IGNORECASE)
_BULLET = re.compile(r"^\s*[-*•]\s+")
_EDGES = "\"'`“”‘’«»*_ "


def parted(reply: str, separator: str) -> list[str]:
    """The parts of a reply between separators, without blank ones, numbers, bullets and quotes.

    Where lines are the parts, one that ends with a colon announces the others, and is left out.
    """
    parts = (_plain(part) for part in reply.split(separator))
    return [part for part in parts if part and not (separator == "\n" and part.endswith(":"))]


def numbered(reply: str) -> list[str]:
    """The lines of a reply that begin with a number, without it, each with the lines down to the next blank one."""
    steps: list[list[str]] = []
    open_ = False
    for line in reply.splitlines():
        if _NUMBER.match(line):
            steps.append([_plain(line)])
        elif open_ and line.strip():
            steps[-1].append(_plain(line))
        open_ = bool(steps) and bool(line.strip())
    return [step for step in (" ".join(lines).strip() for lines in steps) if step]


def bounded(parts: Sequence[str], most: int, question: Question) -> tuple[list[str], dict[str, Json]]:
    """The first so many steps, the question itself where there is none, and what the trace says of the difference."""
    kept = list(parts[:most]) or [question.text]
    notes: dict[str, Json] = {} if parts else {"fallback": "unreadable"}
    if len(parts) > most:
        notes["left_out"] = len(parts) - most
    return kept, notes


def _plain(part: str) -> str:
    return " ".join(_BULLET.sub("", _NUMBER.sub("", part)).split()).strip(_EDGES)
