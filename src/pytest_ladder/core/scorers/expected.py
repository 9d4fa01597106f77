"""What a scorer compares with what: the expected value, and the text of the answer."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.scores import Outcome, Scored, Unscored


@dataclass(frozen=True, kw_only=True)
class AgainstExpected(ABC):
    """A scorer that needs the case's expected value; without one the answer is unscored."""

    field: str | None = None
    """The field to read of an expected object."""
    answer_field: str | None = None
    """The field to read of an answer that is a JSON object, in place of its whole text."""

    def __call__(self, scored: Scored, /) -> Outcome | bool | float:
        """Score an answer against what was expected of it."""
        expected = expected_of(scored.case.expected, self.field)
        if isinstance(expected, Unscored):
            return expected
        text = text_of(scored.answer, self.answer_field)
        return self.score(expected, text)

    @abstractmethod
    def score(self, expected: Json, text: str, /) -> Outcome | bool | float:
        """Score the answer's text against the expected value, which is there."""


def expected_of(expected: Json, field: str | None) -> Json | Unscored:
    """The expected value, or one field of it; Unscored where it is not there."""
    if field is not None and isinstance(expected, Mapping):
        if expected.get(field) is None:
            return Unscored(f"expected has no field {field!r}")
        return expected[field]
    return Unscored("the case has no expected value") if expected is None else expected


def texts_of(expected: Json) -> list[str] | Unscored:
    """The accepted texts: a text, a number or a truth value as JSON writes it, or a list of any of these."""
    if isinstance(expected, Mapping):
        return Unscored(f"expected is an object: pick one of {', '.join(map(str, expected))} by the option `field`")
    items = expected if isinstance(expected, list | tuple) else [expected]
    if not items or any(item is None or isinstance(item, Mapping | list | tuple) for item in items):
        return Unscored("expected is no text, number or list of these")
    return [item if isinstance(item, str) else json.dumps(item) for item in items]


def text_of(answer: Answer, field: str | None) -> str:
    """The text of an answer, or one field of the JSON object it is; empty where it has no such field."""
    if field is None:
        return answer.text
    value, _ = json_of(answer, fenced=True)
    if not isinstance(value, Mapping) or value.get(field) is None:
        return ""
    return value[field] if isinstance(value[field], str) else json.dumps(value[field])


def json_of(answer: Answer, *, fenced: bool) -> tuple[Json, str]:
    """The answer as a JSON value and "", or None and why it is none; `fenced` allows a code fence around it."""
    if answer.parsed is not None:
        return answer.parsed, ""
    text = answer.text.strip()
    if fenced and text.startswith("```") and text.endswith("```"):
        text = text[3:-3].removeprefix("json")
    try:
        return json.loads(text, parse_constant=_refuse), ""
    except (ValueError, RecursionError):
        return None, "the answer is not JSON"


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is not JSON")
