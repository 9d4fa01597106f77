"""A scorer of objects: each field of the expected one against the answer's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.scorers.expected import json_of
from pytest_ladder.core.scorers.options import choice
from pytest_ladder.core.scores import Outcome, Score, Scored, Unscored


@dataclass(frozen=True, kw_only=True)
class JsonFields:
    """The share of the expected object's fields that the answer, read as JSON, has with the same value.

    Objects within objects are compared field by field; lists as wholes.
    """

    fields: tuple[str, ...] = ()
    """Only these fields: names, or paths parted by dots; every field of the expected object without it."""
    mode: str = choice("share", "all")
    """`all`: 1 only if every field is right."""
    case_sensitive: bool = True
    extra: bool = True
    """Whether the answer may have fields that were not expected; where not, each counts as a wrong one."""
    fenced: bool = True
    """Whether the JSON may stand in a Markdown code fence."""

    def __call__(self, scored: Scored, /) -> Outcome:
        """Compare the fields; the note names the wrong ones."""
        if not isinstance(scored.case.expected, Mapping):
            return Unscored("expected is no object")
        expected = flat(scored.case.expected)
        wanted = [path for path in expected if not self.fields or any(_below(path, name) for name in self.fields)]
        if not wanted:
            return Unscored("expected has none of the fields")
        value, fault = json_of(scored.answer, fenced=self.fenced)
        if fault or not isinstance(value, Mapping):
            return Score(0.0, fault or "the answer is no object")
        given = flat(value)
        wrong = [path for path in wanted if path not in given or not self._same(expected[path], given[path])]
        more = [] if self.extra or self.fields else [path for path in given if path not in expected]
        return self._scored(wrong, more, len(wanted))

    def _scored(self, wrong: list[str], more: list[str], of: int) -> Score:
        note = f"wrong: {', '.join(wrong)}" if wrong else f"not expected: {', '.join(more)}" if more else ""
        if self.mode == "all":
            return Score(float(not wrong and not more), note)
        return Score((of - len(wrong)) / (of + len(more)), note)

    def _same(self, one: Json, other: Json) -> bool:
        if isinstance(one, str) and isinstance(other, str) and not self.case_sensitive:
            return one.casefold() == other.casefold()
        return (
            type(one) is type(other) and one == other
            if isinstance(one, bool) or isinstance(other, bool)
            else one == other
        )


def flat(value: Mapping[str, Json], prefix: str = "") -> dict[str, Json]:
    """Path -> value of every field, objects within opened; an empty object is a value."""
    found: dict[str, Json] = {}
    for key, item in value.items():
        path = f"{prefix}{key}"
        found.update(flat(item, f"{path}.") if isinstance(item, Mapping) and item else {path: item})
    return found


def _below(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}.")
