"""Scorers of form: how long an answer is, and what it must and must not say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from pytest_ladder.core.scorers.expected import text_of
from pytest_ladder.core.scorers.matching import compiled
from pytest_ladder.core.scorers.options import choice
from pytest_ladder.core.scores import Score, Scored


@dataclass(frozen=True, kw_only=True)
class Length:
    """1 if the answer is as long as it may be."""

    binary: ClassVar[bool] = True

    least: float = 0.0
    most: float | None = None
    unit: str = choice("words", "characters", "lines", "sentences")
    """Words are what white space parts; sentences end with `.`, `!` or `?` before white space or the end."""
    answer_field: str | None = None

    def __post_init__(self) -> None:
        if self.most is not None and self.most < self.least:
            raise ValueError("`most` is below `least`")

    def __call__(self, scored: Scored, /) -> Score:
        """Count; the note gives the length."""
        many = self.count(text_of(scored.answer, self.answer_field))
        fits = self.least <= many and (self.most is None or many <= self.most)
        return Score(float(fits), "" if fits else f"{many} {self.unit}")

    def count(self, text: str) -> int:
        """How long a text is, in the unit."""
        if self.unit == "characters":
            return len(text)
        if self.unit == "lines":
            return len(text.splitlines())
        return len(re.findall(r"[.!?]+(?=\s|$)", text)) if self.unit == "sentences" else len(text.split())


@dataclass(frozen=True, kw_only=True)
class Style:
    """The share of declared rules that an answer keeps: what it must say, and what it must not."""

    require: tuple[str, ...] = ()
    """Regular expressions, each of which must match somewhere in the answer."""
    forbid: tuple[str, ...] = ()
    """Regular expressions, none of which may match anywhere."""
    mode: str = choice("share", "all")
    """`all`: 1 only if every rule is kept."""
    case_sensitive: bool = False
    answer_field: str | None = None

    def __post_init__(self) -> None:
        if not self.require and not self.forbid:
            raise ValueError("there is no rule: give `require` or `forbid`")
        for pattern in (*self.require, *self.forbid):
            compiled(pattern)

    def __call__(self, scored: Scored, /) -> Score:
        """Try each rule; the note names the first that is broken."""
        text = text_of(scored.answer, self.answer_field)
        broken = [f"lacks {pattern!r}" for pattern in self.require if not self._found(pattern, text)]
        broken += [f"has {pattern!r}" for pattern in self.forbid if self._found(pattern, text)]
        rules = len(self.require) + len(self.forbid)
        value = float(not broken) if self.mode == "all" else (rules - len(broken)) / rules
        return Score(value, broken[0] if broken else "")

    def _found(self, pattern: str, text: str) -> bool:
        return re.search(pattern, text, 0 if self.case_sensitive else re.IGNORECASE) is not None
