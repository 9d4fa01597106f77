"""The steps behind the answers of the worst cases as JSON, cut as in the page where they are long."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.case_summary import RungCase
from pytest_ladder.core.summary import LadderSummary
from pytest_ladder.report.html.steps import MOST_ID, MOST_LINES, SIGNS
from pytest_ladder.report.trace import FAILED, REFUSED, Found, Line, Way, shortened, ways

Key = tuple[str, str]
"""A rung and a case."""


def steps_json(ladder: LadderSummary, room: int) -> Mapping[Key, Json]:
    """How the answers of the worst cases came about; cases whose answers or whose texts are not shown are left out.

    Args:
        ladder: With its details.
        room: Bytes that all steps may take: past it texts are cut shorter, then the last cases are left out.
    """
    found = dict(_known(ladder)) if ladder.show != "ids" else {}
    written: Mapping[Key, Json] = {}
    for most in SIGNS:
        written = {key: [_way(way, most) for way in told] for key, told in found.items()}
        if sum(map(_size, written.values())) <= room:
            return written
    return dict(_fitting(written, room))


def _known(ladder: LadderSummary) -> Iterator[tuple[Key, Sequence[Way]]]:
    cases = {case.case: case for case in (ladder.details.cases if ladder.details else ())}
    for row in ladder.rows:
        for miss in row.misses:
            case = cases.get(miss.case)
            made: RungCase | None = case.rungs.get(row.id) if case else None
            if case and made and made.answers:
                yield (row.id, miss.case), ways(made.answers, case.evidence)


def _fitting(written: Mapping[Key, Json], room: int) -> Iterator[tuple[Key, Json]]:
    """The first of them, as many as there is room for."""
    for key, told in written.items():
        room -= _size(told)
        if room < 0:
            return
        yield key, told


def _size(told: Json) -> int:
    return len(json.dumps(told, ensure_ascii=False).encode("utf-8", "replace"))


def _way(way: Way, most: int) -> Json:
    number, lines = way
    return {
        "answers": number, "steps": [_line(line, most) for line in lines[:MOST_LINES]],
        "left_out": max(0, len(lines) - MOST_LINES),
    }  # fmt: skip


def _line(line: Line, most: int) -> Json:
    shown, more = shortened(line.found)
    return {
        "name": line.name, "part": line.part, "asked": line.asked[:most], "result": line.result[:most],
        "note": line.note[:most], "tone": line.tone, "documents": list(map(_document, shown)),
        "documents_left_out": more, "characters_left_out": sum(max(0, len(text) - most) for text in line.texts),
    }  # fmt: skip


def _document(found: Found) -> Json:
    return {"id": found.id[:MOST_ID], "score": found.score, "evidence": found.relevant}


def steps_schema() -> Json:
    """The JSON Schema of what `steps_json` writes of a case."""
    text: Json = {"type": "string"}
    count: Json = {"type": "integer", "minimum": 0}
    document = _object({
        "id": text, "score": {**text, "description": "By what found it; empty where none is on record."},
        "evidence": {"type": "boolean", "description": "Whether the case names it as evidence."},
    })  # fmt: skip
    line = _object({
        "name": {**text, "description": "Kind of the step."},
        "part": {**text, "description": "The sub-question, step or prompt that it belongs to; empty without any."},
        "asked": {**text, "description": "What was asked, searched, planned or called."},
        "result": {**text, "description": "What came of it."},
        "note": {**text, "description": "What else is on record."},
        "tone": {"enum": ["", FAILED, REFUSED]}, "documents": {"type": "array", "items": document},
        "documents_left_out": count, "characters_left_out": count,
    })  # fmt: skip
    way = _object({
        "answers": {**count, "description": "How many answers to the case came about in this way."},
        "steps": {"type": "array", "items": line}, "left_out": {**count, "description": "Further steps."},
    })  # fmt: skip
    return {"type": "array", "items": way}


def _object(properties: dict[str, Json]) -> Json:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}
