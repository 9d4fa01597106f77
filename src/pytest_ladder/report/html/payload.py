"""The failing cases as data inside the page: nothing in a text can end the data or start a script."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.case_summary import CaseSummary, RungCase
from pytest_ladder.core.summary import LadderSummary
from pytest_ladder.report.text import one_line

MOST_SIGNS = 4_000
"""Longer texts of a case are cut, and the page says so."""
MOST_BYTES = 12_000_000
"""All texts of a page together; where there are more, each is cut shorter."""
_LEAST_SIGNS = 200
_ESCAPED = ("<", ">", "&", '"', "\\", "\n")

_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_UNSAFE_SIGNS = re.compile("[<>&\u2028\u2029]")


def script_json(value: Json) -> str:
    """A value as JSON that may stand in a script element: no sign in it is one to HTML."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return _UNSAFE_SIGNS.sub(lambda found: _UNSAFE[found[0]], text)


def visible(text: str) -> str:
    """A text of several lines whose invisible signs are shown: controls as pictures, others by their number."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in "\n\t" else _shown(sign) for sign in _lines(text))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")


def _shown(sign: str) -> str:
    kind, number = unicodedata.category(sign), ord(sign)
    if kind == "Cc":
        return chr(0x2400 + number) if number < 0x20 else "\u2421" if number == 0x7F else f"\u27e8{number:02X}\u27e9"
    return " " if kind == "Zs" else sign if number in (0x200C, 0x200D) else f"\u27e8U+{number:04X}\u27e9"


class Texts:
    """Each text once, cut to so many signs."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.kept: list[Json] = []
        self._known: dict[str, int] = {}

    def put(self, text: str | None) -> int:
        """The place of a text; -1 for none."""
        if text is None:
            return -1
        if text not in self._known:
            self._known[text] = len(self.kept)
            cut = visible(text[: self.most])
            self.kept.append([cut, len(text)] if len(text) > self.most else cut)
        return self._known[text]


def most_signs(ladders: Iterable[LadderSummary]) -> int:
    """How long a text may be for all of a page to fit: 4,000 signs, or half of it, and so on."""
    texts = {text for ladder in ladders for case in cases_of(ladder) for text in _texts(case)}
    kept = [text[:MOST_SIGNS] for text in texts]
    most = MOST_SIGNS
    while most > _LEAST_SIGNS and sum(_size(text[:most]) for text in kept) > MOST_BYTES:
        most //= 2
    return max(most, _LEAST_SIGNS)


def _size(text: str) -> int:
    """Bytes of a text in the page, or a few more."""
    return len(text.encode("utf-8", "replace")) + 5 * sum(map(text.count, _ESCAPED))


def cases_of(ladder: LadderSummary) -> tuple[CaseSummary, ...]:
    """The failing cases of a ladder; none where they were not gathered."""
    return ladder.details.cases if ladder.details else ()


def _texts(case: CaseSummary) -> Iterator[str]:
    told = [case.input, case.expected]
    for found in case.rungs.values():
        told += [found.answer, found.note]
    yield from (text for text in told if text)


def payload(ladder: LadderSummary, most: int) -> Json:
    """The failing cases of a ladder for the page's script: texts, slices and rungs by number.

    Args:
        ladder: With its details.
        most: Signs of a text that are kept.
    """
    cases, texts = cases_of(ladder), Texts(most)
    rungs = [row.id for row in ladder.rows if any(row.id in case.rungs for case in cases)]
    slices = sorted({name for case in cases for name in case.slices})
    place = {name: at for at, name in enumerate(slices)}
    kinds = sorted({found.kind for case in cases for found in case.rungs.values() if found.kind})
    rows = [
        [
            one_line(case.case) or repr(case.case), [place[name] for name in case.slices],
            texts.put(_if(ladder, case.input)), texts.put(_if(ladder, case.expected)),
            [_rung(ladder, case.rungs.get(rung), kinds, texts) for rung in rungs],
        ]
        for case in cases
    ]  # fmt: skip
    metrics = list(dict.fromkeys(m for case in cases for found in case.rungs.values() for m in found.scores))
    return {
        "ladder": ladder.name, "rungs": list(map(one_line, rungs)), "slices": list(map(one_line, slices)),
        "kinds": kinds, "metrics": list(map(one_line, metrics)), "selected": _index(rungs, ladder.selected),
        "texts": texts.kept, "cases": rows, "show": ladder.show,
    }  # fmt: skip


def _if(ladder: LadderSummary, text: str | None) -> str | None:
    return None if ladder.show == "ids" else text


def _rung(ladder: LadderSummary, found: RungCase | None, kinds: list[str], texts: Texts) -> Json:
    if found is None:
        return None
    scores = [None if score is None else round(score, 4) for score in found.scores.values()]
    note = texts.put(found.note or None)
    kind = kinds.index(found.kind) if found.kind else -1
    return [kind, scores, texts.put(_if(ladder, found.answer)), note]


def _index(rungs: list[str], rung: str | None) -> int:
    return rungs.index(rung) if rung in rungs else -1
