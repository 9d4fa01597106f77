"""Read a rung's own keys out of its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, message


def where(spec: RungSpec, key: str) -> str:
    """How messages name a key of a rung."""
    return spec.at(key)


def text(spec: RungSpec, key: str, default: str | None = None) -> str:
    """A key that is a text; without a default it must be there, else InvalidFile."""
    value = spec.options.get(key, default)
    if value is None:
        raise InvalidFile(message(where(spec, key), f"a rung of kind `{spec.kind}` needs this key"))
    if not isinstance(value, str):
        raise InvalidFile(message(where(spec, key), "it is not a text", got=value, expected="a text in quotes"))
    return value


def texts(spec: RungSpec, key: str, least: int) -> Sequence[str]:
    """A key that is a list of texts, so many at least; else InvalidFile."""
    value = spec.options.get(key)
    if value is None:
        raise InvalidFile(message(where(spec, key), "the rung needs this key", expected=f"at least {least} texts"))
    if not isinstance(value, list | tuple) or len(value) < least or not all(isinstance(one, str) for one in value):
        expected = f"a list of at least {least} texts"
        raise InvalidFile(message(where(spec, key), "it cannot be used", got=value, expected=expected))
    return value


def whole(spec: RungSpec, key: str, default: int, least: int) -> int:
    """A key that is a whole number, not below `least`; else InvalidFile."""
    value = spec.options.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        expected = f"a whole number from {least}"
        raise InvalidFile(message(where(spec, key), "it cannot be used", got=value, expected=expected))
    return value


def choice(spec: RungSpec, key: str, default: str, known: Sequence[str]) -> str:
    """A key that is one of some names; else InvalidFile."""
    value = spec.options.get(key, default)
    if value not in known:
        raise InvalidFile(message(where(spec, key), "it is not known", got=value, expected=" | ".join(known)))
    return str(value)


def table(spec: RungSpec, key: str) -> Mapping[str, Json]:
    """A key that is a table, empty where it is absent; else InvalidFile."""
    value = spec.options.get(key, {})
    if not isinstance(value, Mapping):
        raise InvalidFile(message(where(spec, key), "it is not a table", got=value, expected="{ name = value }"))
    return value


def check_used(spec: RungSpec, keys: Sequence[str], by: str) -> None:
    """Refuse keys that mean nothing where the key `by` is absent; raises InvalidFile."""
    for key in keys if by not in spec.options else ():
        if key in spec.options:
            raise InvalidFile(message(where(spec, key), "nothing here uses it", next_step=f"set `{by}` too"))


def flag(spec: RungSpec, key: str) -> bool:
    """A key that is true or false, false where it is absent; else InvalidFile."""
    value = spec.options.get(key, False)
    if not isinstance(value, bool):
        raise InvalidFile(message(where(spec, key), "it cannot be used", got=value, expected="true or false"))
    return value
