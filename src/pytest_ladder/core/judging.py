"""What a judge may say of an answer: one word of a scale."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.scores import Score

YES_NO = ("no", "yes")
_FENCE = re.compile(r"\A```\w*\s*\n(.*)\n\s*```\Z", re.DOTALL)
_AROUND = " \t\r\n\"'`*_.!:"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's word."""

    place: int
    """Of the word on the scale, from 0."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """The words of a judge, from the lowest to the highest: they score 0 to 1 at equal distances.

    Raises:
        ValueError: fewer than two words, or two that are read alike.
    """

    words: tuple[str, ...] = field(default=YES_NO)

    def __post_init__(self) -> None:
        folded = sorted(map(_folded, self.words))
        if len(folded) < 2 or not all(folded) or any(one == other for one, other in pairwise(folded)):
            raise ValueError(f"'scale' takes two or more different words, the lowest first, got {list(self.words)}")

    def value(self, place: int) -> float:
        """The score of a word, 0 to 1."""
        return place / (len(self.words) - 1)

    def place(self, said: Json) -> int | None:
        """Where on the scale a word stands, whatever its case and what stands around it; None where it does not."""
        folded = _folded(said) if isinstance(said, str) else None
        return next((place for place, word in enumerate(self.words) if _folded(word) == folded), None)

    def read(self, text: str) -> Verdict | None:
        """A judge's reply: one word of the scale, or JSON `{"verdict", "reason"}`; None where it is neither."""
        place = self.place(text)
        if place is not None:
            return Verdict(place)
        said = _object(text)
        place = self.place(said.get("verdict"))
        reason = said.get("reason", "")
        return None if place is None else Verdict(place, reason if isinstance(reason, str) else "")

    def score(self, verdict: Verdict) -> Score:
        """The verdict as a score; its note is the word, and why."""
        word = self.words[verdict.place]
        return Score(self.value(verdict.place), f"{word}: {verdict.reason}" if verdict.reason else word)

    @property
    def asked(self) -> str:
        """What a judge is told to answer with."""
        return (
            f"Answer with one word, {_listed(self.words)}, or with JSON "
            f'{{"verdict": {_listed([json.dumps(word, ensure_ascii=False) for word in self.words])}, "reason": "..."}}.'
        )


def _folded(word: str) -> str:
    return word.strip(_AROUND).casefold()


def _object(text: str) -> dict[str, Json]:
    text = text.strip()
    fenced = _FENCE.match(text)
    try:
        said = json.loads(fenced[1] if fenced else text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
