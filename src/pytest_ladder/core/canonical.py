"""Digests that are the same on every machine: canonical JSON, LF text, rounded figures."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring
from typing import Any, TypeAlias

import rfc8785

Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list or dict of these."""

DECIMALS = 6
"""Figures are rounded to this many decimals before they are written or digested."""


_NUMBER = re.compile(r"[:\[,]-?\d(?<!\w:\d)(?:\d*\.0(?!\d)|\d*(?:\.\d+)?[eE]|\d{15})")
"""Numbers that the standard encoder writes otherwise than RFC 8785: whole, tiny and great floats, great integers."""

_HIGH = re.compile("[\ud800-\U0010ffff]")
"""Characters whose order as UTF-16 differs, and halves of such."""

_plain = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(value: Json) -> bytes:
    """Serialise a JSON value as RFC 8785 canonical JSON.

    Raises:
        ValueError: NaN, an infinity, an integer beyond 2**53, or a value that is not JSON.
    """
    return rfc8785.dumps(value)


def quick(value: Json) -> bytes:
    """The same for what is known to have text keys only, several times faster; raises as `canonical` does."""
    text = _plain.encode(value)
    return rfc8785.dumps(value) if _delicate(text) else text.encode("utf-8")


quoted: Callable[[str], str] = encode_basestring
"""A text in canonical JSON; half of a surrogate pair stays, and fails when the whole is encoded."""


def number(value: float) -> str:
    """A number in canonical JSON; raises as `canonical` does."""
    if type(value) is int and -(2**53) < value < 2**53:
        return repr(value)
    if type(value) is float and 1e-4 <= value < 1e15 and value % 1:
        return repr(value)
    return canonical(value).decode("ascii")


def member(value: Json) -> str:
    """A JSON value in canonical JSON, mostly null; raises as `canonical` does."""
    return "null" if value is None else canonical(value).decode("utf-8")


def members(values: Sequence[Json]) -> str:
    """The members of a list, mostly an empty one, in canonical JSON; raises as `canonical` does."""
    return ",".join(map(member, values)) if values else ""


def _delicate(text: str) -> bool:
    """Whether the standard encoder may differ; texts that only look so count too."""
    if text[0] not in '{["ntf' or "NaN" in text or "Infinity" in text:
        return True
    return _NUMBER.search(text) is not None or (not text.isascii() and _HIGH.search(text) is not None)


def normalised(value: Json) -> Json:
    """Copy a JSON value with LF line ends in every text, so that a checkout's line ends do not matter."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(value, dict):
        return {normalised(key): normalised(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [normalised(item) for item in value]
    return value


def rounded(value: Json) -> Json:
    """Copy a JSON value with every float rounded to six decimals; a negative zero becomes zero."""
    if isinstance(value, float):
        return round(value, DECIMALS) + 0.0 if math.isfinite(value) else value
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def digest(value: Json) -> str:
    """Digest a JSON value: `sha256:` and 64 hexadecimal digits over its normalised canonical form."""
    return digest_bytes(canonical_lf(value))


def canonical_lf(value: Json) -> bytes:
    """The canonical form of a JSON value with LF line ends in every text."""
    data = quick(value)
    return quick(normalised(value)) if b"\\r" in data else data


def digest_bytes(data: bytes) -> str:
    """Digest bytes as they are: `sha256:` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def short(value: str) -> str:
    """The first 12 hexadecimal digits of a digest, as used in file names and on screens."""
    return value.removeprefix("sha256:")[:12]
