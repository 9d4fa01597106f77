"""How a local model continues a prompt: the options of a request, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_ladder.backends.options import Rule, check_options, is_integer, is_number
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.structured import schema_of

_AT_LEAST_1 = Rule(lambda value: is_integer(value) and value >= 1, "a whole number from 1")
RULES = {
    "temperature": Rule(lambda value: is_number(value) and 0 <= value < math.inf, "a number from 0 (greedy)"),
    "top_p": Rule(lambda value: is_number(value) and 0 < value <= 1, "a number above 0, at most 1"),
    "top_k": _AT_LEAST_1,
    "max_tokens": _AT_LEAST_1,
    "response_format": Rule(
        lambda value: schema_of(value) is not None, '{"type": "json_schema", "json_schema": {...}}'
    ),
    "stop": Rule(lambda value: all(isinstance(text, str) and text for text in _texts(value)), "a list of texts"),
}


@dataclass(frozen=True, slots=True)
class Decoding:
    """The options of a local model; its checkpoint's own sampling defaults are not used."""

    temperature: float = 0.0
    """0 takes the likeliest token each time."""
    top_p: float = 1.0
    """Sample from the likeliest tokens that together have this probability; 1 is all of them."""
    top_k: int | None = None
    """Sample from so many likeliest tokens; None is all of them."""
    max_tokens: int = 256
    """Most tokens of an answer."""
    stop: tuple[str, ...] = ()
    """Texts that end an answer; they are not part of it."""
    schema: Mapping[str, Json] | None = field(default=None, hash=False)
    """JSON Schema that the answer must fit; None where it may be any text."""

    @property
    def greedy(self) -> bool:
        """Whether there is nothing to draw."""
        return self.temperature == 0

    @classmethod
    def of(cls, options: Mapping[str, Json], where: str) -> Decoding:
        """Read a request's options; an unknown one, or a value out of range, raises InvalidRequest."""
        check_options(options, RULES, where)
        plain = {key: value for key, value in options.items() if key != "response_format"}
        schema = schema_of(options.get("response_format"))
        return cls(**{**plain, "stop": tuple(_texts(options.get("stop", ()))), "schema": schema})


def _texts(value: Json) -> list[Json]:
    if isinstance(value, list | tuple):
        return list(value)
    return [value]
