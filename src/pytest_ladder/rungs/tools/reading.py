"""The calls in a model's reply, whatever it wrote there: read, or told why they cannot be read."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pytest_ladder.core.canonical import Json, canonical

UNREADABLE = "the arguments are not a JSON object"
QUOTED = 100
"""Characters of arguments that an error shows the model again."""
_CALL = re.compile(r"^[^\w\n]*CALL[ \t]+[`*]*([A-Za-z_][\w-]*)", re.MULTILINE)
_MARKS = " \t`*.()"
_decoder = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call that the model asks for."""

    name: str
    arguments: Json
    id: str = ""
    fault: str = ""
    """Why its arguments cannot be read; empty where they can."""
    before: str = ""
    """What the model wrote before it, in text."""


def in_field(call: Json, number: int) -> Wanted:
    """A call as the backends give it, `{"name", "arguments", "id"?}`, or as providers do, under `function`."""
    call = call if isinstance(call, Mapping) else {}
    function = call["function"] if isinstance(call.get("function"), Mapping) else call
    known = call.get("id")
    id_ = known if isinstance(known, str) and known else f"call_{number}"
    written = function.get("arguments")
    arguments, fault = _object({} if written is None else written)
    return Wanted(_clean(str(function.get("name") or "")), arguments, id_, fault)


def in_text(text: str, names: Collection[str]) -> Wanted | None:
    """The first line `CALL name {json}` of a text; None where there is none.

    A name that is none of `names`, with prose behind it, is prose.
    """
    found = next((one for one in _CALL.finditer(text) if one[1] in names or _is_call(text[one.end() :])), None)
    if found is None:
        return None
    arguments, fault = _object(_behind(text[found.end() :]))
    return Wanted(found[1], arguments, fault=fault, before=_clean(text[: found.start()].lstrip()))


def _is_call(rest: str) -> bool:
    """Whether what follows a name is meant as arguments: prose is not."""
    line = rest.partition("\n")[0].strip(_MARKS)
    return not line or line.startswith("{")


def _behind(rest: str) -> str:
    """The arguments behind a name: an object, on the next line too, or what else is on the line."""
    line, _, more = rest.partition("\n")
    if not line.strip(_MARKS):
        return more.lstrip() if more.lstrip().startswith("{") else ""
    return rest.lstrip(_MARKS)


def _object(written: Json) -> tuple[Json, str]:
    """The object of arguments and "", or as they were written and why they cannot be read."""
    value = written
    if isinstance(written, str):
        try:
            value = _decoder.raw_decode(written.strip())[0] if written.strip() else {}
        except (ValueError, RecursionError):
            return _unreadable(written)
    try:
        canonical(value)
    except (ValueError, TypeError, RecursionError):
        return _unreadable(written)
    return (dict(value), "") if isinstance(value, Mapping) else _unreadable(written)


def _unreadable(written: Json) -> tuple[Json, str]:
    text = _clean(written if isinstance(written, str) else repr(written))
    return text, f"{UNREADABLE}: {text if len(text) <= QUOTED else text[:QUOTED] + '...'}"


def _clean(text: str) -> str:
    """A text that can be written as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
