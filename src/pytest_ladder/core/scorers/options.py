"""A metric's `options` become the fields of its scorer: checked by name, type and choice."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.names import unknown
from pytest_ladder.errors import InvalidRequest, message


def from_options(name: str, scorer: type[Any], options: Mapping[str, Json]) -> Any:
    """Build a scorer, a dataclass whose fields are its options.

    A field's metadata may name its `choices`. What the scorer's `__post_init__` refuses by ValueError is told with
    the scorer's name.

    Raises:
        InvalidRequest: an option is unknown, missing, of the wrong type, or no choice.
    """
    where = f"scorer {name!r}"
    known = {option.name: option for option in fields(scorer)}
    for key in options:
        if key not in known:
            raise InvalidRequest(unknown(where, "option", key, known))
    for key, option in known.items():
        if key not in options and option.default is MISSING:
            raise InvalidRequest(message(where, f"the option {key!r} is missing", expected=_kind(option)))
    values = {key: _read(where, known[key], value) for key, value in options.items()}
    try:
        return scorer(**values)
    except ValueError as error:
        raise InvalidRequest(message(where, str(error))) from None


def choice(default: str, *others: str) -> Any:
    """A field that takes one of a few words, the first being its default."""
    return field(default=default, metadata={"choices": (default, *others)})


def _read(where: str, option: Field[Any], value: Json) -> Any:
    """Check one option's value, and turn a list into the tuple that its field holds."""
    choices = option.metadata.get("choices")
    if choices and value not in choices:
        raise InvalidRequest(unknown(where, f"value of {option.name!r}", value, choices))
    _, fits, read = _KINDS[str(option.type)]
    if not fits(value):
        raise InvalidRequest(message(where, f"wrong type of {option.name!r}", got=value, expected=_kind(option)))
    return read(value)


def _kind(option: Field[Any]) -> str:
    return _KINDS[str(option.type)][0]


def _same(value: Json) -> Json:
    return value


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _is_whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_texts(value: Json) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, str) and item for item in value)


_KINDS: Mapping[str, tuple[str, Callable[[Json], bool], Callable[[Json], Any]]] = {
    "bool": ("true or false", lambda value: isinstance(value, bool), _same),
    "str": ("a text", lambda value: isinstance(value, str), _same),
    "str | None": ("a text", lambda value: isinstance(value, str), _same),
    "float": ("a number from 0", _is_number, float),
    "float | None": ("a number from 0", _is_number, float),
    "int": ("a whole number from 1", _is_whole, int),
    "int | None": ("a whole number from 1", _is_whole, int),
    "tuple[str, ...]": ("a list of texts, none of them empty", _is_texts, tuple),
    "Mapping[str, Json]": ("a table", lambda value: isinstance(value, Mapping), dict),
}
"""What a field's annotation, as written, asks of an option: in words, as a test, and how it is read."""
