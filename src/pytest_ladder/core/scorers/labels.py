"""Scorers for closed answers and for loose ones: a label of a fixed list, and shared words."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.scorers.expected import AgainstExpected, texts_of
from pytest_ladder.core.scores import Outcome, Score, Unscored


@dataclass(frozen=True, kw_only=True)
class Label(AgainstExpected):
    """1 if the label that the answer gives is the expected one, or one of a list.

    The answer's label is the whole text if that is a label, else the first label that stands in it as a word of its
    own, the longest where two begin together. An answer without a label scores 0.
    """

    binary: ClassVar[bool] = True

    labels: tuple[str, ...]
    case_sensitive: bool = False

    def score(self, expected: Json, text: str, /) -> Outcome:
        """Find the label and compare."""
        accepted = texts_of(expected)
        if isinstance(accepted, Unscored):
            return accepted
        known = {self._plain(label) for label in self.labels}
        wanted = {self._plain(item) for item in accepted}
        if not wanted <= known:
            return Unscored("the expected label is not among the labels")
        found = self.find(text)
        return Score(float(found in wanted), "" if found else "no label in the answer")

    def find(self, text: str) -> str | None:
        """The label that a text gives, in its plain form."""
        text = self._plain(text)
        longest_first = sorted({self._plain(label) for label in self.labels}, key=lambda label: (-len(label), label))
        if text in longest_first:
            return text
        either = "|".join(map(re.escape, longest_first))
        found = re.search(rf"(?<!\w)(?:{either})(?!\w)", text)
        return found.group() if found else None

    def _plain(self, text: str) -> str:
        text = " ".join(unicodedata.normalize("NFC", text).split())
        return text if self.case_sensitive else text.casefold()


@dataclass(frozen=True, kw_only=True)
class TokenF1(AgainstExpected):
    """The harmonic mean of the shares of words that answer and expected text have in common; the best of a list.

    Case, ASCII punctuation and the English articles do not count; words are what white space parts. Two texts without
    a word score 1.

    Source: Rajpurkar, Zhang, Lopyrev and Liang, "SQuAD: 100,000+ Questions for Machine Comprehension of Text",
    EMNLP 2016, section 6.1.
    """

    drop_articles: bool = True

    def score(self, expected: Json, text: str, /) -> Outcome | float:
        """Compare the words."""
        accepted = texts_of(expected)
        if isinstance(accepted, Unscored):
            return accepted
        words = self._words(text)
        return max(_f1(words, self._words(item)) for item in accepted)

    def _words(self, text: str) -> Counter[str]:
        plain = unicodedata.normalize("NFC", text).casefold().translate(_NO_PUNCTUATION)
        return Counter(word for word in plain.split() if not (self.drop_articles and word in _ARTICLES))


def _f1(words: Counter[str], wanted: Counter[str]) -> float:
    """F1 of two bags of words: twice the words in common over the words of both."""
    total = words.total() + wanted.total()
    return 2 * (words & wanted).total() / total if total else 1.0


_ARTICLES = frozenset({"a", "an", "the"})
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
