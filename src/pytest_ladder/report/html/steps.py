"""The steps of answers as data of the page, within a bound: in a large one they are cut, failed ones served first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.case_summary import CaseSummary
from pytest_ladder.report.html.texts import Texts, size_of
from pytest_ladder.report.text import one_line
from pytest_ladder.report.trace import FAILED, REFUSED, Line, Way, shortened, ways

MOST_BYTES = 6_000_000
"""The steps of all answers of a page together."""
MOST_LINES = 60
"""Of one answer."""
SIGNS = (4_000, 1_000, 250)
"""How long a text of a step may be: the first with which all steps of a page fit, else the last."""
LEFT_OUT = 0
"""Stands for steps that there was no room for."""
_TONES = ("", FAILED, REFUSED)
_LINE_BYTES, _FOUND_BYTES = 28, 16


@dataclass(slots=True)
class Steps:
    """Writes the steps of answers, and knows what they name: kinds of steps, and documents."""

    texts: Texts
    titles: Mapping[str, str]
    """Id of a document -> its title or first words."""
    room: int = MOST_BYTES
    names: dict[str, int] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)
    """Id of a document -> its place among those that are named."""

    @property
    def documents(self) -> list[Json]:
        """Id and title of each document, by its place."""
        return [[one_line(id_), one_line(self.titles.get(id_, ""))] for id_ in self.known]

    def evidence(self, case: CaseSummary) -> list[int]:
        """The places of the documents that a case names as evidence."""
        return list(map(self._document, case.evidence)) if self.room > 0 else []

    def of(self, cases: Sequence[CaseSummary]) -> Mapping[tuple[int, str], Json]:
        """(Place of a case, rung) -> the steps of its answers; those without steps left out."""
        found = {
            (at, rung): told
            for at, case in enumerate(cases)
            for rung, one in case.rungs.items()
            if (told := ways(one.answers, case.evidence))
        }
        most = self._signs([lines for told in found.values() for _, lines in told])
        ranked = sorted(found, key=lambda key: not cases[key[0]].rungs[key[1]].failed)
        return {key: self._written(found[key], most) for key in ranked}

    def _signs(self, told: Iterable[Sequence[Line]]) -> int:
        lines = [line for one in told for line in one[:MOST_LINES]]
        rest = self.room - sum(map(_bare_size, lines))
        texts = {text for line in lines for text in line.texts if text not in self.texts}
        return next((most for most in SIGNS if sum(size_of(text[:most]) for text in texts) <= rest), SIGNS[-1])

    def _written(self, told: Sequence[Way], most: int) -> Json:
        size = sum(self._size(line, most) for _, lines in told for line in lines[:MOST_LINES])
        if size > self.room:
            return LEFT_OUT
        self.room -= size
        every = sum(number for number, _ in told)
        return [
            [
                "" if number == every else f"{number} of {every} answers", max(0, len(lines) - MOST_LINES),
                [self._line(line, most) for line in lines[:MOST_LINES]],
            ]
            for number, lines in told
        ]  # fmt: skip

    def _size(self, line: Line, most: int) -> int:
        return _bare_size(line) + sum(size_of(text[:most]) for text in line.texts if text not in self.texts)

    def _line(self, line: Line, most: int) -> Json:
        name = self.names.setdefault(one_line(line.name), len(self.names))
        texts = [self.texts.put(text or None, most) for text in line.texts]
        shown, more = shortened(line.found)
        found = [part for one in shown for part in (self._document(one.id), one_line(one.score))]
        return [name, one_line(line.part), *texts, _TONES.index(line.tone), more, *found]

    def _document(self, id_: str) -> int:
        if id_ not in self.known:
            self.known[id_] = len(self.known)
            self.room -= _FOUND_BYTES + size_of(id_) + size_of(self.titles.get(id_, ""))
        return self.known[id_]


def _bare_size(line: Line) -> int:
    """Bytes of a line in the page, without its texts."""
    return _LINE_BYTES + _FOUND_BYTES * len(shortened(line.found)[0])
