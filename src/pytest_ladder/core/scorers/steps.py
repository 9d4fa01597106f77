"""A scorer of the way to an answer: the gold sub-questions of a case against what the trace's steps answered."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.scorers.expected import texts_of
from pytest_ladder.core.scores import Outcome, Score, Scored, Unscored


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The share of the case's `steps` whose expected value is found in an answer of the trace, in their order.

    A step of the trace counts that is an object with an `answer`. A value is found where an answer holds it as words
    of their own: `2 months` is not in `12 months`. One answer may hold the values of several steps.
    """

    case_sensitive: bool = False
    ordered: bool = True
    """Whether a value must be found no earlier than that of the step before."""

    def __call__(self, scored: Scored, /) -> Outcome:
        """Hold the trace against the gold steps; the note names the first value that no answer holds."""
        wanted = [_texts(step) for step in scored.case.steps]
        if not wanted:
            return Unscored("the case names no steps")
        if any(isinstance(texts, Unscored) for texts in wanted):
            return Unscored("a step of the case has no `expected`")
        answers = _answers(scored.answer.steps)
        if not answers:
            return Score(0.0, "the trace holds no answer of a step")
        rows = [[self._holds(answer, texts) for answer in answers] for texts in wanted]
        found = _in_order(rows) if self.ordered else sum(map(any, rows))
        return Score(found / len(rows), self._note(rows, wanted, found))

    def _holds(self, answer: str, texts: Sequence[str] | Unscored) -> bool:
        flags = 0 if self.case_sensitive else re.IGNORECASE
        return not isinstance(texts, Unscored) and any(re.search(_words(text), answer, flags) for text in texts)

    def _note(self, rows: Sequence[Sequence[bool]], wanted: Sequence[Sequence[str] | Unscored], found: int) -> str:
        for number, (row, texts) in enumerate(zip(rows, wanted, strict=True), 1):
            if not any(row) and not isinstance(texts, Unscored):
                return f"no answer to step {number} of {len(rows)}: {texts[0]}"
        return "" if found == len(rows) else "the steps were not answered in their order"


def _in_order(rows: Sequence[Sequence[bool]]) -> int:
    """The most rows that hold, each at a place no earlier than the row before."""
    best = [0] * len(rows[0])
    for row in rows:
        most, new = 0, []
        for before, holds in zip(best, row, strict=True):
            most = max(most, before + holds)
            new.append(most)
        best = new
    return best[-1]


def _answers(steps: Sequence[Json]) -> list[str]:
    found = [step["answer"] for step in steps if isinstance(step, Mapping) and step.get("answer") is not None]
    return [_plain(answer if isinstance(answer, str) else json.dumps(answer)) for answer in found]


def _texts(step: Json) -> list[str] | Unscored:
    texts = texts_of(step.get("expected") if isinstance(step, Mapping) else None)
    if isinstance(texts, Unscored) or not all(map(_plain, texts)):
        return Unscored("a step has no expected value")
    return [_plain(text) for text in texts]


def _plain(text: str) -> str:
    return " ".join(text.split())


def _words(text: str) -> str:
    """A pattern for a text that stands as words, or as a number, of its own."""
    before = r"(?<!\w)(?<!\d[.,])" if text[0].isalnum() else ""
    after = r"(?!\w)(?![.,]\d)" if text[-1].isalnum() else ""
    return f"{before}{re.escape(text)}{after}"
