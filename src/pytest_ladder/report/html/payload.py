"""The failing cases as data inside the page: nothing in a text can end the data or start a script."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.case_summary import CaseSummary, RungCase
from pytest_ladder.core.summary import LadderSummary
from pytest_ladder.report.html.steps import MOST_BYTES as MOST_STEP_BYTES
from pytest_ladder.report.html.steps import Steps
from pytest_ladder.report.html.texts import Texts, size_of
from pytest_ladder.report.text import one_line

MOST_SIGNS = 4_000
"""Longer texts of a case are cut, and the page says so."""
MOST_BYTES = 12_000_000
"""All texts of a page together; where there are more, each is cut shorter."""
_LEAST_SIGNS = 200

_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_UNSAFE_SIGNS = re.compile("[<>&\u2028\u2029]")


def script_json(value: Json) -> str:
    """A value as JSON that may stand in a script element: no sign in it is one to HTML."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return _UNSAFE_SIGNS.sub(lambda found: _UNSAFE[found[0]], text)


def most_signs(ladders: Iterable[LadderSummary]) -> int:
    """How long a text may be for all of a page to fit: 4,000 signs, or half of it, and so on."""
    texts = {text for ladder in ladders for case in cases_of(ladder) for text in _texts(case)}
    kept = [text[:MOST_SIGNS] for text in texts]
    most = MOST_SIGNS
    while most > _LEAST_SIGNS and sum(size_of(text[:most]) for text in kept) > MOST_BYTES:
        most //= 2
    return max(most, _LEAST_SIGNS)


def cases_of(ladder: LadderSummary) -> tuple[CaseSummary, ...]:
    """The failing cases of a ladder; none where they were not gathered."""
    return ladder.details.cases if ladder.details else ()


def _texts(case: CaseSummary) -> Iterator[str]:
    told = [case.input, case.expected]
    for found in case.rungs.values():
        told += [found.answer, found.note]
    yield from (text for text in told if text)


def payload(ladder: LadderSummary, most: int, room: int = MOST_STEP_BYTES) -> Json:
    """The failing cases of a ladder for the page's script: texts, slices, rungs and documents by number.

    Args:
        ladder: With its details.
        most: Signs of a text that are kept.
        room: Bytes that the steps of its answers may take.
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
    steps = Steps(texts, ladder.details.documents if ladder.details else {}, room)
    if ladder.show != "ids":
        _add_steps(rows, cases, rungs, steps)
    metrics = list(dict.fromkeys(m for case in cases for found in case.rungs.values() for m in found.scores))
    return {
        "ladder": ladder.name, "rungs": list(map(one_line, rungs)), "slices": list(map(one_line, slices)),
        "kinds": kinds, "metrics": list(map(one_line, metrics)), "selected": _index(rungs, ladder.selected),
        "texts": texts.kept, "cases": rows, "show": ladder.show,
        "steps": list(steps.names), "documents": steps.documents,
    }  # fmt: skip


def _add_steps(rows: list[Json], cases: Sequence[CaseSummary], rungs: Sequence[str], steps: Steps) -> None:
    """Put the steps behind what each rung made of a case, and the evidence behind the case; texts come before them."""
    for row, case in zip(rows, cases, strict=True):
        row.append(steps.evidence(case))
    for (at, rung), told in steps.of(cases).items():
        rows[at][4][rungs.index(rung)].append(told)


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
