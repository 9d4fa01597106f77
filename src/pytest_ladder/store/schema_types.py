"""The vocabulary of the file models: names, numbers in a range, texts, and what a table is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pytest_ladder.core.names import mend
from pytest_ladder.core.rungs import Kind
from pytest_ladder.store.faults import names

KINDS = tuple(kind.value for kind in Kind)
NAME_PATTERN = r"[A-Za-z0-9_.-]+"


class Fault(ValueError):
    """What a value breaks; `expected` and `next_step` complete the message."""

    def __init__(self, fault: str, expected: str | None = None, next_step: str | None = None) -> None:
        super().__init__(fault)
        self.expected, self.next_step = expected, next_step


def plain_name(value: str) -> str:
    """Check a name that also names a folder."""
    if not re.fullmatch(NAME_PATTERN, value) or value in (".", ".."):
        raise Fault("not a plain name", "letters, digits, `_`, `.` and `-`")
    return value


def choice(value: str, choices: Iterable[str]) -> str:
    """Check that a name is one of the choices."""
    known = list(choices)
    if value not in known:
        raise Fault("unknown name", names(known), mend(value, known))
    return value


def not_blank(value: str) -> str:
    """Check that a text says something."""
    if not value.strip():
        raise Fault("the text is empty", "some text")
    return value


def reference(value: str) -> str:
    """Check the form of a reference to a function."""
    module, colon, function = value.rpartition(":")
    if not colon or not module or not function.isidentifier():
        raise Fault("not a reference to a function", "`file.py:function` or `package.module:function`")
    return value


def store_name(value: str) -> str:
    """Check where recordings go."""
    if "://" in value:
        raise Fault("remote stores are not supported in this version", "commit or local")
    return choice(value, ("commit", "local"))


Text = Annotated[str, AfterValidator(not_blank), Field(min_length=1)]
Name = Annotated[str, AfterValidator(plain_name), Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$"})]
KindName = Annotated[
    str, AfterValidator(lambda value: choice(value, KINDS)), Field(json_schema_extra={"enum": [*KINDS]})
]
Reference = Annotated[str, AfterValidator(reference)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Repairs = Annotated[int, Field(ge=0, le=5)]
Amount = Annotated[float, Field(ge=0)]
Options = dict[str, Any]


class Table(BaseModel):
    """A table that knows its keys."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=(), use_attribute_docstrings=True
    )

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """The keys as written in the file."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())
