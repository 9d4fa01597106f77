"""What a model is told of a tool, and what it may pass to it: read from a Python function's signature and docstring."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pytest_ladder.core.canonical import Json, canonical
from pytest_ladder.core.structured import Schema
from pytest_ladder.errors import InvalidFile, message

CASE = "case"
"""The parameter that gets the case's `id`, `input` and `metadata`; the model is not told of it."""

TYPES = "str, int, float, bool, Literal, list, dict, or one of these `| None`"
"""What a parameter may be."""

_PLAIN: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns?|Yields?|Raises|Examples?|Notes?|Warnings?|See Also):\s*$")
_ARGUMENTS = ("Args", "Arguments", "Parameters")
_ENTRY = re.compile(r"^(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")
_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)


@dataclass(frozen=True, slots=True)
class Described:
    """A tool in words and as a schema."""

    name: str
    description: str
    parameters: Mapping[str, Json]
    """A JSON Schema of its arguments: an object, closed."""
    takes_case: bool
    """Whether it has a parameter `case`."""


def describe(function: Callable[..., Any], name: str, where: str) -> Described:
    """Describe a function as a tool.

    Args:
        function: Each parameter has a type hint; the docstring, in Google style, says what it is for.
        name: What the model calls it.
        where: Begins the messages of errors.

    Raises:
        InvalidFile: a parameter, its type or its default cannot be put as JSON Schema, or there is no docstring.
    """
    at = f"{where}: {name}"
    if _NAME.fullmatch(name) is None:
        fault = "a tool of this name cannot be offered"
        raise InvalidFile(message(where, fault, got=name, expected="letters, digits and `_`, at most 64"))
    text, told = read_docstring(inspect.getdoc(function) or "")
    if not text or inspect.isclass(function):
        fault = "it is a class, not a function" if inspect.isclass(function) else "the tool has no docstring"
        raise InvalidFile(message(at, fault, next_step="say in a docstring what it does and when to call it"))
    parameters = _parameters(function, at)
    taken = [parameter for parameter in parameters if parameter.name != CASE]
    properties = {p.name: _property(p, function, told.get(p.name, ""), at) for p in taken}
    needed = [parameter.name for parameter in taken if parameter.default is parameter.empty]
    schema = {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}
    return Described(name, text, schema, len(taken) < len(parameters))


def read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """Part a docstring in Google style: what it says before its first section, and parameter -> what is said of it."""
    before, section = [], ""
    arguments: list[str] = []
    for line in text.splitlines():
        if header := _SECTION.match(line):
            section = header[1]
        elif not section:
            before.append(line)
        elif section in _ARGUMENTS:
            arguments.append(line)
    paragraphs = re.split(r"\n\s*\n", "\n".join(before).strip())
    return "\n".join(" ".join(part.split()) for part in paragraphs), _entries(arguments)


def fitted(value: Json, schema: Mapping[str, Json]) -> Json:
    """A value that fits a schema of `describe`, with whole numbers as int where an int is asked for, as 3.0 is one."""
    if schema.get("type") == "integer" and isinstance(value, float):
        return int(value)
    if "anyOf" in schema:
        return value if value is None else fitted(value, schema["anyOf"][0])
    if isinstance(value, list):
        return [fitted(item, schema.get("items") or {}) for item in value]
    if isinstance(value, dict):
        own: Mapping[str, Json] = schema.get("properties") or {}
        others = schema.get("additionalProperties") or {}
        return {key: fitted(item, own.get(key, others)) for key, item in value.items()}
    return value


def _parameters(function: Callable[..., Any], at: str) -> list[inspect.Parameter]:
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise InvalidFile(message(at, "its parameters cannot be read", expected="a Python function")) from None
    for parameter in found:
        if parameter.kind in _REST:
            fault = "a parameter that the model cannot name"
            raise InvalidFile(message(at, fault, got=parameter.name, expected="parameters with a name and a type"))
    return found


def _property(parameter: inspect.Parameter, function: Callable[..., Any], told: str, at: str) -> dict[str, Json]:
    at = f"{at}: parameter {parameter.name}"
    schema = _schema(_hint(parameter, function, at), at)
    if told:
        schema["description"] = told
    if parameter.default is not parameter.empty:
        schema["default"] = _default(parameter.default, schema, at)
    return schema


def _hint(parameter: inspect.Parameter, function: Callable[..., Any], at: str) -> Any:
    if parameter.annotation is parameter.empty:
        raise InvalidFile(message(at, "it has no type", expected=TYPES))
    bare = inspect.unwrap(function)
    bare = getattr(bare, "func", bare)
    known = getattr(bare, "__globals__", None) or getattr(type(bare).__call__, "__globals__", {})
    try:
        shim = SimpleNamespace(__annotations__={"it": parameter.annotation})
        return typing.get_type_hints(shim, globalns=known)["it"]
    except Exception as error:  # noqa: BLE001  whatever an annotation does when it is evaluated
        fault = f"its type cannot be read ({type(error).__name__}: {error})"
        raise InvalidFile(message(at, fault, got=parameter.annotation, expected=TYPES)) from None


def _schema(hint: Any, at: str) -> dict[str, Json]:
    origin, parts = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if origin is Literal and all(type(value) in _PLAIN for value in parts):
        kinds = {_PLAIN[type(value)] for value in parts}
        return {**({"type": kinds.pop()} if len(kinds) == 1 else {}), "enum": list(parts)}
    if origin in (Union, UnionType) and len(parts) == 2 and type(None) in parts:
        return {"anyOf": [_schema(next(part for part in parts if part is not type(None)), at), {"type": "null"}]}
    if hint is list or origin is list:
        return {"type": "array", **({"items": _schema(parts[0], at)} if parts else {})}
    if hint is dict or (origin is dict and parts[0] is str):
        return {"type": "object", **({"additionalProperties": _schema(parts[1], at)} if parts else {})}
    raise InvalidFile(message(at, "its type cannot be told to a model", got=hint, expected=TYPES))


def _default(value: Any, schema: Mapping[str, Json], at: str) -> Json:
    try:
        canonical(value)
        fault = Schema(schema).fault(value) if value == fitted(value, schema) else "the type differs"
    except (ValueError, TypeError) as error:
        fault = str(error)
    if fault:
        raise InvalidFile(message(at, "its default does not fit its type", got=value, expected=TYPES))
    return value


def _entries(lines: list[str]) -> dict[str, str]:
    """Parameter -> what is said of it, in the lines of an `Args:` section; deeper lines go on with the one above."""
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    found: dict[str, str] = {}
    name = ""
    for line in (line for line in lines if line.strip()):
        begun = _ENTRY.match(line.strip()) if len(line) - len(line.lstrip()) == min(indents) else None
        if begun:
            name = begun[1]
            found[name] = begun[2].strip()
        elif name:
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found
