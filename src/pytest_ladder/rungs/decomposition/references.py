"""What stands in a sub-question for an answer before it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

NUMBERED = "#1"
"""Stands for the first answer; `#2` for the second, and so on.

Source: the notation of QDMR: Wolfson et al., "Break It Down: A Question Understanding Benchmark", TACL 8 (2020).
"""


class References:
    """Finds the places of a text that stand for earlier answers, and puts the answers there.

    A placeholder with a 1 in it counts: with `#1` for the first answer, `#2` is the second. Any other word stands for
    the answer just before. A number that no earlier answer has stays as it is; a plan that means its own part by it, or
    one after that, cannot be used.
    """

    def __init__(self, placeholder: str = NUMBERED) -> None:
        """Take what stands for the first answer."""
        before, one, after = placeholder.partition("1")
        core = rf"{re.escape(before)}([0-9]{{1,9}}){re.escape(after)}" if one else re.escape(placeholder)
        self._pattern = re.compile(rf"(?<!\w){core}(?!\w)")
        self._counts = bool(one)
        self.first = placeholder
        self.second = f"{before}2{after}" if one else ""
        """What stands for the second answer; empty where the placeholder does not count."""

    def of(self, text: str, earlier: int) -> frozenset[int]:
        """The places, from 0, of the answers that a text refers to, where so many are before it."""
        named = (self._place(found, earlier) for found in self._pattern.finditer(text))
        return frozenset(place for place in named if 0 <= place < earlier)

    def astray(self, texts: Sequence[str], earlier: int, planned: int, given: str) -> bool:
        """Whether one of the parts of a plan refers to itself or to one after it, with a word that is not as given.

        Args:
            texts: The parts, in their order.
            earlier: How many answers there are before the first of them.
            planned: How many parts there are with those before and those that are left out: a number above it, as in
                "issue #42", refers to none.
            given: The question: what stands in it refers to nothing.
        """
        known = {found[0] for found in self._pattern.finditer(given)}
        return any(
            found[0] not in known and self._ahead(found, before, planned)
            for before, text in enumerate(texts, earlier)
            for found in self._pattern.finditer(text)
        )

    def filled(self, text: str, answers: Sequence[str]) -> str:
        """The text with the answers before it in place of what stands for them; blank ones are not put in."""

        def put(found: re.Match[str]) -> str:
            place = self._place(found, len(answers))
            return (answers[place] if 0 <= place < len(answers) else "") or found[0]

        return self._pattern.sub(put, text)

    def _ahead(self, found: re.Match[str], before: int, planned: int) -> bool:
        return before <= self._place(found, before) < planned if self._counts else not before

    def _place(self, found: re.Match[str], earlier: int) -> int:
        return int(found[1]) - 1 if self._counts else earlier - 1


_BRACKETS = re.compile(r"\s*\[([^\[\]]+)\]")
_PARTED = re.compile(r"[,;]")


def bare(answer: str, ids: Collection[str]) -> str:
    """An answer as it is put into a question: without the documents that it cites in brackets, and the full stop."""

    def left(found: re.Match[str]) -> str:
        return "" if all(part.strip() in ids for part in _PARTED.split(found[1])) else found[0]

    return " ".join(_BRACKETS.sub(left, answer).split()).removesuffix(".")
