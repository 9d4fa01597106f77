"""Scorers that compare texts: the whole text, a part of it, a pattern."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.scorers.expected import AgainstExpected, expected_of, json_of, text_of, texts_of
from pytest_ladder.core.scorers.options import choice
from pytest_ladder.core.scores import Outcome, Score, Scored, Unscored


@dataclass(frozen=True, kw_only=True)
class ComparesText(AgainstExpected):
    """What two texts may differ in and still count as the same; Unicode forms never count."""

    case_sensitive: bool = True
    strip: bool = True
    """Leave out white space at both ends."""
    collapse_whitespace: bool = False
    """Count any run of white space as one space."""
    strip_punctuation: bool = False
    """Leave out ASCII punctuation, wherever it stands."""

    def plain(self, text: str) -> str:
        """The text with all that does not count taken out."""
        text = unicodedata.normalize("NFC", text)
        if not self.case_sensitive:
            text = text.casefold()
        if self.strip_punctuation:
            text = text.translate(_NO_PUNCTUATION)
        if self.collapse_whitespace:
            text = re.sub(r"\s+", " ", text)
        return text.strip() if self.strip else text


@dataclass(frozen=True, kw_only=True)
class ExactMatch(ComparesText):
    """1 if the answer is the expected text, or one of a list of them.

    An expected object, where no `field` is picked, is compared with the answer as a JSON value.
    """

    binary: ClassVar[bool] = True

    def __call__(self, scored: Scored, /) -> Outcome | bool | float:
        """Compare objects as values, all else as text."""
        expected = expected_of(scored.case.expected, self.field)
        if not isinstance(expected, Mapping):
            return super().__call__(scored)
        value, fault = json_of(scored.answer, fenced=False)
        return Score(float(not fault and value == expected), fault)

    def score(self, expected: Json, text: str, /) -> Outcome | bool:
        """Compare the whole text."""
        accepted = texts_of(expected)
        if isinstance(accepted, Unscored):
            return accepted
        return self.plain(text) in {self.plain(item) for item in accepted}


@dataclass(frozen=True, kw_only=True)
class Contains(ComparesText):
    """1 if the answer contains the expected text; of a list, all of them or any of them."""

    binary: ClassVar[bool] = True

    mode: str = choice("all", "any")

    def score(self, expected: Json, text: str, /) -> Outcome:
        """Look for each expected text."""
        wanted = texts_of(expected)
        if isinstance(wanted, Unscored):
            return wanted
        parts = [self.plain(item) for item in wanted]
        if not all(parts):
            return Unscored("an expected text is empty: every answer contains it")
        found = sum(part in self.plain(text) for part in parts)
        right = found == len(parts) if self.mode == "all" else found > 0
        return Score(float(right), "" if right else f"{found} of {len(parts)} expected texts found")


@dataclass(frozen=True, kw_only=True)
class Regex:
    """1 if a regular expression matches the answer: the option `pattern`, else the expected text or one of a list."""

    binary: ClassVar[bool] = True

    pattern: str | None = None
    mode: str = choice("search", "full")
    """`search`: somewhere in the text; `full`: the whole text."""
    case_sensitive: bool = True
    field: str | None = None
    answer_field: str | None = None

    def __post_init__(self) -> None:
        if self.pattern is not None:
            compiled(self.pattern)

    def __call__(self, scored: Scored, /) -> Outcome | bool:
        """Match the answer's text."""
        patterns = self._patterns(scored)
        if isinstance(patterns, Unscored):
            return patterns
        text, flags = text_of(scored.answer, self.answer_field), 0 if self.case_sensitive else re.IGNORECASE
        matches = re.fullmatch if self.mode == "full" else re.search
        return any(matches(pattern, text, flags) is not None for pattern in patterns)

    def _patterns(self, scored: Scored) -> list[str] | Unscored:
        if self.pattern is not None:
            return [self.pattern]
        expected = expected_of(scored.case.expected, self.field)
        return expected if isinstance(expected, Unscored) else texts_of(expected)


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern given as an option; ValueError where it cannot be."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None


_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
