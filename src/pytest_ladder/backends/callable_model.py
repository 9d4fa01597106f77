"""A model that is the user's own function: `models.py:function`."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pytest_ladder.backends.options import Rule, is_integer, is_number
from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.core.canonical import Json, canonical
from pytest_ladder.core.daemon import call
from pytest_ladder.core.names import nearest
from pytest_ladder.core.traces import told
from pytest_ladder.errors import LadderError, ModelFailed, message


def _is_json(value: object) -> bool:
    try:
        canonical(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


_COUNT = Rule(lambda value: is_integer(value) and value >= 0, "a whole number from 0")
FIELDS = {
    "text": Rule(lambda value: isinstance(value, str), "a string"),
    "prompt_tokens": _COUNT,
    "completion_tokens": _COUNT,
    "cost_usd": Rule(lambda value: is_number(value) and 0 <= value < float("inf"), "USD, a number from 0"),
    "model": Rule(lambda value: isinstance(value, str), "a string"),
    "finish_reason": Rule(lambda value: isinstance(value, str), "a string"),
    "tool_calls": Rule(lambda value: isinstance(value, list | tuple) and _is_json(value), "a list of JSON values"),
}
"""What a dict returned by the function may hold; `text` or `tool_calls` must be there."""


class CallableModel:
    """Asks a function `f(messages, **options) -> str | dict | Reply`, sync or async.

    In place of a Reply it may give any object whose `text` is a str; of its other attributes those in `FIELDS` count.

    The function gets the messages as a list of dicts, and of the options those that its signature names, or all of
    them where it takes `**options`; parameters named `seed` and `repeat` get the request's. A sync function runs in
    a daemon thread of its own, many at once.
    """

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        """Wrap a function; `name` is the model's name as written in ladder.toml."""
        self.name = name
        self._function = function
        self._accepts = accepted(function)

    async def complete(self, request: Request, /) -> Reply:
        """Ask the function once.

        Raises:
            ModelFailed: it raised, or returned something else than a str, a dict of known fields or a Reply.
        """
        start = time.perf_counter()
        returned = await self._ask([dict(part) for part in request.messages], self._arguments(request))
        reply = to_reply(returned, self.name)
        return reply if reply.latency_s else replace(reply, latency_s=time.perf_counter() - start)

    def close(self) -> None:
        """Do nothing: the function is the user's."""

    def _arguments(self, request: Request) -> dict[str, Json]:
        named = {"seed": request.seed, "repeat": request.repeat}
        arguments = {name: value for name, value in named.items() if name in self._accepts}
        for name, value in request.options.items():
            if name in self._accepts or "**" in self._accepts:
                arguments[name] = value
        return arguments

    async def _ask(self, messages: list[dict[str, Json]], arguments: Mapping[str, Json]) -> object:
        try:
            return await call(self._function, messages, **arguments)
        except LadderError:
            raise
        except Exception as error:
            raise ModelFailed(message(self.name, f"the model raised {told(error)}")) from error


def accepted(function: Callable[..., Any]) -> frozenset[str]:
    """The keyword names a function takes after the messages, `**` among them where it takes any."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin without a signature
        return frozenset()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return frozenset({"**", *(parameter.name for parameter in parameters[1:])})
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(parameter.name for parameter in parameters[1:] if parameter.kind in by_name)


def to_reply(returned: object, name: str) -> Reply:
    """Read what a function returned; anything but a str, a dict of known fields or a Reply raises ModelFailed."""
    if isinstance(returned, Reply):
        return returned
    if isinstance(returned, str):
        return Reply(returned, model_returned=name)
    if isinstance(returned, Mapping):
        return _from_fields(returned, name, "dict")
    what, read = type(returned).__name__, _attributes(returned)
    if not isinstance(read.get("text"), str):
        raise ModelFailed(message(name, f"the model returned a {what}", got=returned, expected=_EXPECTED))
    return _from_fields(read, name, what)


def _from_fields(read: Mapping[str, Json], name: str, what: str) -> Reply:
    _check_fields(read, name, what)
    values = {**read, "model_returned": read.get("model", name)}
    values.pop("model", None)
    values["tool_calls"] = tuple(values.get("tool_calls") or ())
    return Reply(**{"text": "", **values})


_EXPECTED = f"a str, a Reply, or a dict with {', '.join(FIELDS)}"


def _attributes(returned: object) -> dict[str, Any]:
    """Of an object that is like a Reply, the attributes that count."""
    found = {name: getattr(returned, name, None) for name in FIELDS}
    return {name: value for name, value in found.items() if value is not None}


def _check_fields(returned: Mapping[str, Json], name: str, what: str) -> None:
    if "text" not in returned and "tool_calls" not in returned:
        raise ModelFailed(message(name, "the model returned a dict without `text`", got=returned, expected=_EXPECTED))
    for key, value in returned.items():
        if key not in FIELDS:
            close = nearest(str(key), FIELDS)
            next_step = f"did you mean `{close}`?" if close else None
            fault = f"the model returned a {what} with an unknown key"
            raise ModelFailed(message(name, fault, got=key, expected=" | ".join(FIELDS), next_step=next_step))
        if not FIELDS[key].accepts(value):
            fault = f"the model returned a {what} whose `{key}` cannot be used"
            raise ModelFailed(message(name, fault, got=value, expected=FIELDS[key].expected))
