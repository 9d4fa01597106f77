"""How a name that nobody knows is answered: with the known ones, the nearest first."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from pytest_ladder.errors import message


def unknown(where: str, what: str, got: str, known: Iterable[str]) -> str:
    """The message for an unknown name: the known names, and the nearest of them as the next step."""
    names = list(known)
    near = get_close_matches(str(got), names, n=1)
    expected = f"one of {', '.join(names)}" if names else "nothing here"
    return message(
        where, f"unknown {what}", got=got, expected=expected, next_step=f"did you mean {near[0]!r}?" if near else None
    )
