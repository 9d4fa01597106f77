"""Small helpers for messages about what a user wrote: nearest names, lists of choices, places."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.names import mend
from pytest_ladder.errors import InvalidFile, message


def names(choices: Iterable[str]) -> str:
    """Choices as a readable list: `a, b or c`."""
    listed = list(choices)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}" if listed else "nothing"


def unknown(where: str, what: str, name: str, choices: Iterable[str]) -> str:
    """The message for a name that is none of the choices, with the nearest one as the next step."""
    known = list(choices)
    return message(where, f"unknown {what}", got=name, expected=names(known), next_step=mend(name, known))


def check_keys(value: dict[str, Json], required: Iterable[str], optional: Iterable[str], where: str) -> None:
    """Raise InvalidFile on the first key that is missing from an object, or that it does not know."""
    needed = tuple(required)
    known = (*needed, *optional)
    for key in value:
        if key not in known:
            raise InvalidFile(unknown(where, "key", key, known))
    for key in needed:
        if key not in value:
            raise InvalidFile(message(where, f"the key {key!r} is missing"))


def text_at(value: dict[str, Json], key: str, where: str) -> str:
    """The non-empty string under a key; InvalidFile where it is something else."""
    found = value.get(key)
    if not isinstance(found, str) or not found.strip():
        raise InvalidFile(message(where, f"wrong {key!r}", got=found, expected="a non-empty string"))
    return found


def texts_at(value: dict[str, Json], key: str, where: str) -> tuple[str, ...]:
    """The list of non-empty strings under a key, empty where the key is absent; InvalidFile on anything else."""
    if key not in value:
        return ()
    found = value[key]
    if not isinstance(found, list) or not all(isinstance(item, str) and item.strip() for item in found):
        raise InvalidFile(message(where, f"wrong {key!r}", got=found, expected="a list of non-empty strings"))
    return tuple(found)
