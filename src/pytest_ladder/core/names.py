"""How a name that nobody knows is answered: with the known ones, the nearest first."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from pytest_ladder.errors import message


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The choice that a mistyped name most likely means; None where none is near."""
    known = [str(choice) for choice in choices]
    near = get_close_matches(name, known, n=1)
    if near:
        return near[0]
    folded = {choice.casefold(): choice for choice in known}
    near = get_close_matches(name.casefold(), folded, n=1)
    return folded[near[0]] if near else None


def closest(name: str, choices: Iterable[str], n: int = 3) -> list[str]:
    """Up to so many choices that a mistyped name may mean, the likeliest first."""
    known = {str(choice).casefold(): str(choice) for choice in choices}
    return [known[near] for near in get_close_matches(name.casefold(), known, n)]


def mend(name: str, choices: Iterable[str]) -> str | None:
    """The next step for a mistyped name: the nearest choice; None where none is near."""
    near = nearest(name, choices)
    return f"did you mean {near!r}?" if near else None


def unknown(where: str, what: str, got: str, known: Iterable[str]) -> str:
    """The message for an unknown name: the known names, and the nearest of them as the next step."""
    names = list(known)
    expected = f"one of {', '.join(names)}" if names else "nothing here"
    return message(where, f"unknown {what}", got=got, expected=expected, next_step=mend(str(got), names))
