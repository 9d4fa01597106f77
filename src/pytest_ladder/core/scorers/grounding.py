"""Scorers for honesty: sources that exist and were read, and silence where there is no answer."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Case
from pytest_ladder.core.hybrids import stands_back
from pytest_ladder.core.scorers.expected import expected_of, text_of, texts_of
from pytest_ladder.core.scorers.matching import compiled
from pytest_ladder.core.scorers.options import choice
from pytest_ladder.core.scores import Outcome, Score, Scored, Unscored

PHRASES = (
    "do not know", "don't know", "cannot answer", "can't answer", "unable to answer", "not able to answer",
    "not enough information", "insufficient information", "no information", "not sure",
)  # fmt: skip
"""English ways to say that one does not know."""

IN_BRACKETS = r"\[([^\[\]]+)\]"
"""How a source is cited: its id in square brackets, or several ids."""


@dataclass(frozen=True, kw_only=True)
class ReadsAbstention:
    """What counts as an abstention, in an answer and in what was expected."""

    phrases: tuple[str, ...] = PHRASES
    """Any of these in a text makes it an abstention; case, white space and the kind of apostrophe do not count."""
    expected_field: str = "abstain"
    """The field of an expected object, or of a parsed answer, that says by true or false whether to abstain."""
    field: str | None = None
    """The field to read of an expected object as its text."""
    answer_field: str | None = None

    def should_abstain(self, case: Case) -> bool | Unscored:
        """Whether an answer to this case should abstain: as metadata says, else the expected object, else its text."""
        for table, key in ((case.metadata, "should_abstain"), (case.expected, self.expected_field)):
            if isinstance(table, Mapping) and isinstance(table.get(key), bool):
                return bool(table[key])
        expected = expected_of(case.expected, self.field)
        texts = expected if isinstance(expected, Unscored) else texts_of(expected)
        return texts if isinstance(texts, Unscored) else any(map(self.says_so, texts))

    def abstains(self, scored: Scored) -> bool:
        """Whether the answer abstains: as its rung says that escalated or abstained, else its parsed value or text."""
        if stands_back(scored.answer):
            return True
        parsed = scored.answer.parsed
        if isinstance(parsed, Mapping) and isinstance(parsed.get(self.expected_field), bool):
            return bool(parsed[self.expected_field])
        return self.says_so(text_of(scored.answer, self.answer_field))

    def says_so(self, text: str) -> bool:
        """Whether a text holds one of the phrases."""
        return any(_plain(phrase) in _plain(text) for phrase in self.phrases)


@dataclass(frozen=True, kw_only=True)
class Abstention(ReadsAbstention):
    """1 if the answer abstains exactly where it should."""

    binary: ClassVar[bool] = True

    def __call__(self, scored: Scored, /) -> Outcome:
        """Compare what the answer does with what it should."""
        should = self.should_abstain(scored.case)
        if isinstance(should, Unscored):
            return should
        if self.abstains(scored) is should:
            return Score(1.0)
        return Score(0.0, "should have abstained" if should else "abstained without need")


@dataclass(frozen=True, kw_only=True)
class Citation(ReadsAbstention):
    """1 if the answer cites, and cites only documents that exist and were put before the model.

    Where an abstention is expected, it must cite nothing.
    """

    binary: ClassVar[bool] = True

    pattern: str = IN_BRACKETS
    """Its first group, or else the whole match, is an id, or several parted by commas or semicolons."""
    require: str = choice("retrieved", "evidence")
    """`evidence`: one of the case's evidence ids, or of the ids the expected text cites, must be cited too."""

    def __post_init__(self) -> None:
        compiled(self.pattern)

    def __call__(self, scored: Scored, /) -> Outcome:
        """Check each citation; the note says what is wrong with the first bad one."""
        fault = self._fault(self.cited(text_of(scored.answer, self.answer_field), scored), scored)
        return Score(float(not fault), fault)

    def cited(self, text: str, scored: Scored) -> list[str]:
        """The ids that a text cites, in order."""
        retrieved = frozenset(scored.answer.retrieved)
        return cited_ids(text, (scored.documents, retrieved), self.pattern)

    def _fault(self, cited: list[str], scored: Scored) -> str:
        if self.should_abstain(scored.case) is True:
            return "cites where an abstention is expected" if cited else ""
        if not cited:
            return "cites nothing"
        if scored.documents and any(id_ not in scored.documents for id_ in cited):
            return "cites a document that does not exist"
        if not set(scored.answer.retrieved).issuperset(cited):
            return "cites a document that was not retrieved"
        gold = self._gold(scored) if self.require == "evidence" else set()
        return "cites none of the evidence" if gold and gold.isdisjoint(cited) else ""

    def _gold(self, scored: Scored) -> set[str]:
        expected = expected_of(scored.case.expected, self.field)
        return {*scored.case.evidence, *(id_ for text in _texts(expected) for id_ in self.cited(text, scored))}


def _texts(value: Json) -> Iterable[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


def cited_ids(text: str, known: Sequence[Container[str]], pattern: str = IN_BRACKETS) -> list[str]:
    """The ids that a text cites, in order: the first group of each match, or else the whole of it.

    Commas and semicolons part several, unless together they are one of the `known` ids.
    """
    return [
        part
        for match in re.finditer(pattern, text)
        for part in _parts(match.group(1 if match.re.groups else 0) or "", known)
    ]


def _parts(cited: str, known: Sequence[Container[str]]) -> list[str]:
    """One id where the whole is a known one, else what commas and semicolons part."""
    whole = cited.strip()
    if any(whole in ids for ids in known):
        return [whole]
    return [part for part in map(str.strip, re.split("[,;]", whole)) if part]


def _plain(text: str) -> str:
    return " ".join(text.replace("\u2019", "'").casefold().split())
