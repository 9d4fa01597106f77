"""A scorer that holds an answer against a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.scorers.expected import json_of
from pytest_ladder.core.scores import Score, Scored
from pytest_ladder.core.structured import Schema

_MOST_SIGNS = 80
"""Of a broken rule in the note."""


@dataclass(frozen=True, kw_only=True)
class JsonSchema:
    """1 if the answer is a JSON value that fits the schema.

    The value is what the system parsed, else the answer's text read as JSON. References to other documents are not
    followed. The note names the place and the rule that is broken, never what the answer says there.
    """

    binary: ClassVar[bool] = True

    schema: Mapping[str, Json]
    fenced: bool = False
    """Whether the JSON may stand in a Markdown code fence."""

    def __post_init__(self) -> None:
        try:
            self._checked  # noqa: B018  reading it checks the schema
        except ValueError as fault:
            raise ValueError(str(fault).replace("it is", "`schema` is", 1)) from None

    def __call__(self, scored: Scored, /) -> Score:
        """Validate the answer."""
        value, fault = json_of(scored.answer, fenced=self.fenced)
        fault = fault or self._checked.fault(value, _MOST_SIGNS)
        return Score(0.0, fault) if fault else Score(1.0)

    @cached_property
    def _checked(self) -> Schema:
        return Schema(self.schema)
