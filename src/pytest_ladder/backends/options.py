"""Checks that the backends' options share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.names import nearest
from pytest_ladder.errors import InvalidRequest, message


@dataclass(frozen=True, slots=True)
class Rule:
    """What one option may be."""

    accepts: Callable[[Json], bool]
    expected: str
    """The same in words, for the message."""


def is_number(value: Json) -> bool:
    """Whether a value is an int or a float; True and False are neither."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: Json) -> bool:
    """Whether a value is an int; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def check_options(options: Mapping[str, Json], rules: Mapping[str, Rule], where: str) -> None:
    """Hold options against their rules.

    Raises:
        InvalidRequest: an option has no rule, or a value its rule does not accept.
    """
    for name, value in options.items():
        if name not in rules:
            close = nearest(name, rules)
            next_step = f"did you mean `{close}`?" if close else None
            known = " | ".join(sorted(rules))
            raise InvalidRequest(message(where, "unknown option", got=name, expected=known, next_step=next_step))
        if not rules[name].accepts(value):
            raise InvalidRequest(message(where, f"`{name}` cannot be used", got=value, expected=rules[name].expected))
