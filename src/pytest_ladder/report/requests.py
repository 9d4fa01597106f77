"""The model calls of each rung: the same columns in every report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.prompt_parts import PARTS
from pytest_ladder.core.request_figures import RequestFigures
from pytest_ladder.core.summary import RungRow
from pytest_ladder.report import numbers
from pytest_ladder.report.columns import Column, Columns, Piece
from pytest_ladder.report.text import one_line

HEADING = "model calls"
PARTS_HEADING = "what the prompts are made of: tokens a call, estimated"

Known = Sequence[tuple[RungRow, RequestFigures]]


def known_of(rows: Iterable[RungRow]) -> Known:
    """The rungs whose calls are known, in climbing order."""
    return [(row, row.requests) for row in rows if row.requests is not None]


def columns_of_requests(known: Known, *, unicode: bool) -> Columns:
    """A row a rung; columns in which no rung has anything are left out."""
    return _columns(known, unicode, [
        (("calls",), lambda f: numbers.count(f.calls)),
        (("a call",), lambda f: numbers.money(f.cost_usd)),
        (("", "p50"), lambda f: numbers.seconds(f.all.p50)),
        (("", "p95"), lambda f: numbers.seconds(f.all.p95)),
        (("cold", "p50"), lambda f: numbers.seconds(f.cold.p50)),
        (("warm", "p50"), lambda f: numbers.seconds(f.warm.p50) if f.cold.calls else numbers.MISSING),
        (("warm", "p95"), lambda f: numbers.seconds(f.warm.p95) if f.cold.calls else numbers.MISSING),
        (("retried",), lambda f: _share(f.retried, f.calls)),
        (("cut",), lambda f: _share(f.cut, f.calls)),
        (("filtered",), lambda f: _share(f.filtered, f.calls)),
        (("fallback",), lambda f: _share(f.fallbacks, f.calls)),
        (("repaired",), lambda f: _share(f.repaired, f.validated)),
        (("invalid",), lambda f: _share(f.invalid, f.validated)),
        (("rejected",), lambda f: _share(f.rejected, f.answers)),
        (("by", "retry"), lambda f: _share(f.by_retry, f.answers)),
        (("by", "fallback"), lambda f: _share(f.by_fallback, f.answers)),
        (("escalated",), lambda f: _share(f.escalated, f.answers)),
        (("abstained",), lambda f: _share(f.abstained, f.answers)),
    ])  # fmt: skip


def columns_of_parts(known: Known, *, unicode: bool) -> Columns:
    """A row a rung whose prompts are known; a column for each part that one of them has."""
    told = [(row, figures) for row, figures in known if figures.parts]
    return _columns(told, unicode, [((part,), _part(part)) for part in PARTS])


Tell = Callable[[RequestFigures], str]


def _columns(known: Known, unicode: bool, told: Sequence[tuple[tuple[str, ...], Tell]]) -> Columns:
    rungs = Column(("rung",), tuple((Piece(one_line(row.id, unicode=unicode), "bold"),) for row, _ in known))
    columns = [Column(head, tuple((Piece(tell(f)),) for _, f in known), right=True) for head, tell in told]
    shown = [column for column in columns if column.anything]
    empty = Column(("",), tuple((Piece(""),) for _ in known))
    first = shown[0] if shown else empty
    return Columns(rung=rungs, state=first, figures=tuple(shown[1:]), limits=(), usage=())


def _share(some: int, whole: int) -> str:
    return numbers.percent(some / whole) if some and whole else numbers.MISSING


def _part(part: str) -> Tell:
    def tell(figures: RequestFigures) -> str:
        tokens = figures.parts.get(part, 0)
        if not tokens:
            return numbers.MISSING
        return f"{numbers.tokens(tokens / figures.calls)} ({numbers.percent(tokens / figures.parted)})"

    return tell


def requests_json(figures: RequestFigures | None) -> Json:
    """The figures as JSON; None where there are none."""
    return figures.as_dict() if figures else None


def requests_schema() -> Json:
    """The JSON Schema of what `requests_json` writes."""
    count: Json = {"type": "integer", "minimum": 0}
    seconds: Json = {"type": ["number", "null"], "minimum": 0, "description": "Seconds, queueing and back-off apart."}
    times = _object({"calls": count, "p50": seconds, "p95": seconds})
    described: dict[str, Json] = {
        "answers": count, "calls": count, "cost_usd": {"type": "number", "description": "Mean of a call."},
        "all": times, "cold": {**times, "description": "Calls begun before their model had replied to any."},
        "warm": times, "retried": {**count, "description": "Calls made more than once."}, "retries": count,
        "cut": {**count, "description": "Calls that ended at the most tokens of an answer."},
        "filtered": {**count, "description": "Calls that a content filter stopped."},
        "fallbacks": {**count, "description": "Calls that show a schema which the provider did not take."},
        "validated": {**count, "description": "Answers held to a schema."}, "invalid": count, "repaired": count,
        "checked": {**count, "description": "Answers looked at before they shipped."},
        "rejected": {**count, "description": "Answers whose first version was not accepted."},
        "by_retry": {**count, "description": "Answers in whose place the rung answered again."},
        "by_fallback": {**count, "description": "Answers in whose place another rung answered."},
        "escalated": {**count, "description": "Answers that leave it to a person."}, "abstained": count,
        "parts": {
            "type": "object", "additionalProperties": count,
            "description": "Prompt tokens by what they are spent on, over all calls; estimated by characters.",
        },
    }  # fmt: skip
    return _object(described)


def _object(properties: dict[str, Json]) -> Json:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}
