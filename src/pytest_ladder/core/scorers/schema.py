"""A scorer that holds an answer against a JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.scorers.expected import json_of
from pytest_ladder.core.scores import Score, Scored


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
        from jsonschema.exceptions import SchemaError
        from jsonschema.validators import validator_for

        try:
            validator_for(dict(self.schema)).check_schema(dict(self.schema))
        except SchemaError as error:
            raise ValueError(f"`schema` is not a JSON Schema, at {error.json_path}: {error.message}") from None

    def __call__(self, scored: Scored, /) -> Score:
        """Validate the answer."""
        value, fault = json_of(scored.answer, fenced=self.fenced)
        if fault:
            return Score(0.0, fault)
        from jsonschema.exceptions import best_match

        error = best_match(self._validator.iter_errors(value))
        if error is None:
            return Score(1.0)
        rule = json.dumps({str(error.validator): error.validator_value}, default=str)
        return Score(0.0, f"{error.json_path} does not fit {rule if len(rule) <= 80 else rule[:77] + '...'}")

    @cached_property
    def _validator(self) -> Any:
        from jsonschema.validators import validator_for
        from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

        return validator_for(dict(self.schema))(dict(self.schema), registry=REGISTRY)
