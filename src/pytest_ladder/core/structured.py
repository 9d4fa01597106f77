"""Answers that must fit a JSON Schema: how they are asked for, and how they are checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pytest_ladder.core.canonical import Json
from pytest_ladder.errors import InvalidFile, message

PROVIDER = "provider"
"""The schema goes to the provider with the request."""
CONSTRAINED = "constrained"
"""A local model can say nothing that does not fit."""
PROMPT = "prompt"
"""The schema is shown in the prompt."""
AUTO = "auto"
"""What the model can do of these, the surest first."""
MODES = (AUTO, PROVIDER, CONSTRAINED, PROMPT)

_SHOWN = 300
"""Signs of a broken rule that a message quotes."""


@dataclass(frozen=True)
class Schema:
    """A JSON Schema, of the draft that its `$schema` names; references to other documents are not followed."""

    value: Mapping[str, Json]
    where: str = "the JSON Schema"
    """Its file, for messages."""

    def __post_init__(self) -> None:
        """Check it; what is no schema raises ValueError."""
        from jsonschema.exceptions import SchemaError
        from jsonschema.validators import validator_for

        try:
            validator_for(dict(self.value)).check_schema(dict(self.value))
        except SchemaError as error:
            raise ValueError(f"it is not a JSON Schema, at {error.json_path}: {error.message}") from None

    @cached_property
    def text(self) -> str:
        """The schema as a prompt shows it: JSON on several lines, keys as written."""
        return json.dumps(self.value, indent=2, ensure_ascii=False)

    @cached_property
    def _validator(self) -> Any:
        from jsonschema.validators import validator_for
        from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

        return validator_for(dict(self.value))(dict(self.value), registry=REGISTRY)

    def fault(self, value: Json, most: int = _SHOWN) -> str:
        """Where a value does not fit, and which rule it breaks, in at most so many signs; empty where it fits.

        The value itself is not quoted.

        Raises:
            InvalidFile: the schema refers to something that is not in it.
        """
        from jsonschema.exceptions import best_match

        try:
            error = best_match(self._validator.iter_errors(value))
        except Exception as lost:
            if not hasattr(lost, "ref"):  # jsonschema's error for a lost reference is of a package of its own
                raise
            expected = "a reference into the schema itself, as `#/$defs/NAME`"
            raise InvalidFile(message(self.where, "a `$ref` leads nowhere", got=lost.ref, expected=expected)) from None
        if error is None:
            return ""
        rule = json.dumps({str(error.validator): error.validator_value}, default=str, ensure_ascii=False)
        return f"{error.json_path} does not fit {rule if len(rule) <= most else rule[: most - 3] + '...'}"

    @property
    def response_format(self) -> dict[str, Json]:
        """The option `response_format` of a request, as chat completion interfaces take it.

        `strict` is set where the schema is of the kind that providers guarantee: every object closed, every property
        of it required.
        """
        sent = {key: value for key, value in self.value.items() if key != "$schema"}
        named = {"name": "answer", "schema": sent, "strict": _closed(sent)}
        return {"type": "json_schema", "json_schema": named}


def schema_of(response_format: Json) -> Mapping[str, Json] | None:
    """The schema in a request's `response_format`; None where there is none of the form that is sent here."""
    named = response_format.get("json_schema") if isinstance(response_format, Mapping) else None
    found = named.get("schema") if isinstance(named, Mapping) else None
    return found if isinstance(found, Mapping) else None


def _closed(schema: Json) -> bool:
    """Whether every object in a schema is closed, with all its properties required."""
    if isinstance(schema, list | tuple):
        return all(map(_closed, schema))
    if not isinstance(schema, Mapping):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, Mapping):
        names = set(properties) if isinstance(properties, Mapping) else set()
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != names:
            return False
    return all(map(_closed, schema.values()))
