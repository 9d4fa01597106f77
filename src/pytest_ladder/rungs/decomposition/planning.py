"""Plans as models write them: replies taken apart into steps."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.rungs.decomposition.references import References

UNREADABLE, ASTRAY = "unreadable", "astray"
"""Why a plan is not carried out: it names no step, or one refers to itself or to one after it."""

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


def bounded(
    parts: Sequence[str], most: int, question: Question, references: References
) -> tuple[list[str], dict[str, Json]]:
    """The first so many steps, and what the trace says of the difference.

    Where there is none, or one refers to itself or to one after it, the question itself stands for the plan.
    """
    kept = list(parts[:most])
    if not kept:
        return [question.text], {"fallback": UNREADABLE}
    if references.astray(kept, 0, len(parts), question.text):
        return [question.text], {"fallback": ASTRAY, "planned": list(kept)}
    return kept, {"left_out": len(parts) - most} if len(parts) > most else {}


def _plain(part: str) -> str:
    return " ".join(_BULLET.sub("", _NUMBER.sub("", part)).split()).strip(_EDGES)
