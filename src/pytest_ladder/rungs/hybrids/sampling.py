"""Several answers to the same question: what most of them say, and how many do."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json, canonical
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Kit, System
from pytest_ladder.rungs.hybrids.faults import fault_of_form
from pytest_ladder.rungs.prompting.asides import side_by_side


@dataclass(frozen=True, slots=True)
class Drawn:
    """The answer of a system to a question, and how sure it is."""

    answer: Answer
    confidence: float | None = None
    """Share of the answers drawn that say the same, 0 to 1; None where one alone was drawn."""


class Sampler:
    """Asks a system once, or several times with different seeds and takes what most answers say.

    Source: Wang, Wei, Schuurmans, Le, Chi, Narang, Chowdhery and Zhou, "Self-Consistency Improves Chain of Thought
    Reasoning in Language Models", ICLR 2023.
    """

    def __init__(self, system: System, kit: Kit, samples: int) -> None:
        """Take how many answers are drawn, from 1."""
        self._system, self._attempt, self._samples = system, kit.attempt, samples

    async def draw(self, question: Question, turn: int = 0) -> Drawn:
        """Draw answers; each turn draws others. Raises whatever the system raises for any of them."""

        async def one(number: int) -> Answer:
            with self._attempt(number):
                return await self._system.answer(question)

        first = turn * self._samples
        answers = await side_by_side(one, range(first, first + self._samples))
        return voted(answers) if self._samples > 1 else Drawn(answers[0])


def voted(answers: Sequence[Answer]) -> Drawn:
    """The first of the answers that most agree with; between equals, the one drawn earlier.

    An answer that cannot be used as it is (blank, cut, filtered, against its schema) has no vote and counts in the
    share all the same; where none can be used, the first is taken with a confidence of 0.
    """
    groups: dict[bytes, list[Answer]] = {}
    for answer in answers:
        if not fault_of_form(answer):
            groups.setdefault(_sense(answer), []).append(answer)
    most = max(groups.values(), key=len, default=[])
    chosen, share = most[0] if most else answers[0], len(most) / len(answers)
    told: list[Json] = [{"text": group[0].text, "votes": len(group)} for group in groups.values()]
    step = {"step": "sample", "drawn": len(answers), "confidence": round(share, 6), "answers": told}
    return Drawn(replace(chosen, steps=(*chosen.steps, step)), share)


def _sense(answer: Answer) -> bytes:
    """What two answers must have in common to agree: the parsed value, else the text but for case and white space."""
    if answer.parsed is not None:
        return canonical(answer.parsed)
    plain = " ".join(unicodedata.normalize("NFC", answer.text).casefold().split())
    return plain.rstrip(".").encode()
