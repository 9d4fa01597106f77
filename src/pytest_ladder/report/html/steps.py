"""The steps of answers as data of the page, within a bound: in a large one they are cut, failed ones served first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.case_summary import CaseSummary
from pytest_ladder.report.html.texts import Texts, size_of
from pytest_ladder.report.text import one_line
from pytest_ladder.report.trace import FAILED, REFUSED, Line, Way, shortened, tells, ways

MOST_BYTES = 6_000_000
"""The steps of all answers of a page together."""
MOST_LINES = 60
"""Of one answer."""
MOST_ID = 200
"""Signs of a document's id."""
SIGNS = (4_000, 1_000, 250)
"""How long a text of a step may be: the first with which all steps of a page fit, else the last."""
LEFT_OUT = 0
"""Stands for steps that there was no room for."""
_TONES = ("", FAILED, REFUSED)
_LINE_BYTES, _FOUND_BYTES = 28, 16

Key = tuple[int, str]
"""The place of a case, and a rung."""


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
        return [[one_line(id_[:MOST_ID]), one_line(self.titles.get(id_, ""))] for id_ in self.known]

    def evidence(self, case: CaseSummary) -> list[int]:
        """The places of the documents that a case names as evidence; none once there is no room."""
        self.room -= sum(self._size(id_) for id_ in {*case.evidence} if id_ not in self.known)
        return list(map(self._place, case.evidence)) if self.room > 0 else []

    def of(self, cases: Sequence[CaseSummary]) -> Mapping[Key, Json]:
        """The steps of every rung's answers to every case; those that tell nothing left out."""
        whole = {(at, rung): one for at, case in enumerate(cases) for rung, one in case.rungs.items()}
        told = [key for key, one in whole.items() if any(map(tells, one.answers))]
        told.sort(key=lambda key: not whole[key].failed)
        fitting = dict(self._fitting((key, ways(whole[key].answers, cases[key[0]].evidence)) for key in told))
        most = self._signs([*_lines(chain(*fitting.values()))])
        return {key: self._written(fitting[key], most) if key in fitting else LEFT_OUT for key in told}

    def _fitting(self, told: Iterable[tuple[Key, Sequence[Way]]]) -> Iterator[tuple[Key, Sequence[Way]]]:
        """The first of some steps, as many as there is room for where each text is as short as can be."""
        left, seen = self.room, set[tuple[str, bool]]()
        for key, found in told:
            lines = [*_lines(found)]
            parts = {(text, True): size_of(text[: SIGNS[-1]]) for text in self._texts(lines)}
            parts |= {(id_, False): self._size(id_) for id_ in self._documents(lines)}
            left -= sum(map(_bare_size, lines)) + sum(size for part, size in parts.items() if part not in seen)
            if left < 0:
                return
            seen.update(parts)
            yield key, found

    def _signs(self, lines: Sequence[Line]) -> int:
        rest = self.room - sum(map(_bare_size, lines)) - sum(map(self._size, self._documents(lines)))
        texts = self._texts(lines)
        return next((most for most in SIGNS if sum(size_of(text[:most]) for text in texts) <= rest), SIGNS[-1])

    def _texts(self, lines: Iterable[Line]) -> set[str]:
        """The texts of some lines that are not in the page yet."""
        return {text for line in lines for text in line.texts if text not in self.texts}

    def _documents(self, lines: Iterable[Line]) -> set[str]:
        """The documents that some lines name and that are not in the page yet."""
        return {one.id for line in lines for one in shortened(line.found)[0] if one.id not in self.known}

    def _size(self, id_: str) -> int:
        return _FOUND_BYTES + size_of(id_[:MOST_ID]) + size_of(self.titles.get(id_, ""))

    def _written(self, told: Sequence[Way], most: int) -> Json:
        every = sum(number for number, _ in told)
        return [
            [
                "" if number == every else f"{number} of {every} answers", max(0, len(lines) - MOST_LINES),
                [self._line(line, most) for line in lines[:MOST_LINES]],
            ]
            for number, lines in told
        ]  # fmt: skip

    def _line(self, line: Line, most: int) -> Json:
        name = self.names.setdefault(one_line(line.name), len(self.names))
        texts = [self.texts.put(text or None, most) for text in line.texts]
        shown, more = shortened(line.found)
        found = [part for one in shown for part in (self._place(one.id), one_line(one.score))]
        return [name, one_line(line.part), *texts, _TONES.index(line.tone), more, *found]

    def _place(self, id_: str) -> int:
        return self.known.setdefault(id_, len(self.known))


def _lines(told: Iterable[Way]) -> Iterator[Line]:
    """The lines that are shown."""
    return (line for _, lines in told for line in lines[:MOST_LINES])


def _bare_size(line: Line) -> int:
    """Bytes of a line in the page, without its texts."""
    return _LINE_BYTES + len(line.name) + len(line.part) + _FOUND_BYTES * len(shortened(line.found)[0])
