"""Which documents may be found at all, by their metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Document
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, SystemFailed, message
from pytest_ladder.rungs import options

CASE = "case"


class Filters:
    """Conditions on metadata, all of which must hold.

    A document meets a condition where its value, or one of its values, is one of those that are asked for.
    """

    def __init__(self, fixed: Mapping[str, Json], of_case: Mapping[str, str], where: str) -> None:
        """Take the conditions: the same for all questions, and those whose value is a key of the case's metadata."""
        self._fixed = fixed
        self._of_case = of_case
        self._where = where

    @property
    def by_case(self) -> bool:
        """Whether a condition differs from question to question."""
        return bool(self._of_case)

    def allowed(self, documents: Sequence[Document]) -> Sequence[Document]:
        """The documents that meet what holds for all questions; InvalidFile where none does."""
        for key in (*self._fixed, *self._of_case):
            if not any(key in document.metadata for document in documents):
                fault = "no document of the corpus has this key in its `metadata`"
                raise InvalidFile(message(self._where, fault, got=key))
        found = [document for document in documents if meets(document.metadata, self._fixed)]
        if not found:
            raise InvalidFile(message(self._where, "no document of the corpus meets them", got=dict(self._fixed)))
        return found

    def meets(self, document: Document, question: Question) -> bool:
        """Whether a document meets what holds for this question; SystemFailed where the case lacks a key."""
        conditions = {key: self._value(key, name, question) for key, name in self._of_case.items()}
        return meets(document.metadata, conditions)

    def _value(self, key: str, name: str, question: Question) -> Json:
        if name not in question.metadata:
            fault = f"the case {question.id!r} has no `{name}` in its metadata"
            raise SystemFailed(message(f"{self._where} {key}", fault))
        return question.metadata[name]


def read_filters(spec: RungSpec) -> Filters:
    """What `filters` says: `{ key = value }`, `{ key = [values] }` or `{ key = { case = "key of the case" } }`."""
    fixed: dict[str, Json] = {}
    of_case: dict[str, str] = {}
    for key, value in options.table(spec, "filters").items():
        if not isinstance(value, Mapping):
            fixed[key] = value
        elif list(value) == [CASE] and isinstance(value[CASE], str):
            of_case[key] = value[CASE]
        else:
            where = f"{options.where(spec, 'filters')} {key}"
            expected = 'a value, a list of values, or { case = "key of the case\'s metadata" }'
            raise InvalidFile(message(where, "it cannot be used", got=value, expected=expected))
    return Filters(fixed, of_case, options.where(spec, "filters"))


def meets(metadata: Mapping[str, Json], conditions: Mapping[str, Json]) -> bool:
    """Whether metadata meet conditions: each key has the value, or one of the values, that are asked for."""
    return all(common(metadata.get(key), value) for key, value in conditions.items())


def common(had: Json, asked: Json) -> bool:
    """Whether a value, or one of a list of values, is one of those that are asked for."""
    wanted = asked if isinstance(asked, list) else [asked]
    return any(_same(one, other) for one in (had if isinstance(had, list) else [had]) for other in wanted)


def _same(one: Json, other: Json) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and one == other
