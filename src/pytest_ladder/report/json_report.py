"""A run as JSON, for machines; its schema is published."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from pytest_ladder.core.canonical import Json, rounded
from pytest_ladder.core.looks import Look
from pytest_ladder.core.summary import LadderSummary, Miss, RungRow, RunSummary
from pytest_ladder.report.base import base_json
from pytest_ladder.report.comparison_json import gain_json
from pytest_ladder.report.drift import drift_json
from pytest_ladder.report.html.steps import MOST_BYTES
from pytest_ladder.report.json_schema import report_json_schema
from pytest_ladder.report.judged import judged_json
from pytest_ladder.report.requests import requests_json
from pytest_ladder.report.searching import searched_json
from pytest_ladder.report.selftest import selftest_json
from pytest_ladder.report.steps_json import Key, steps_json

__all__ = ["render_json", "report_json_schema"]

SCHEMA = 1

_SMALL = 0.001
"""Of figures below it three digits count: a call may cost less than a millionth of a dollar."""


def render_json(summary: RunSummary) -> str:
    """Write a run as indented JSON with sorted keys; figures rounded to six decimals, null where one is not finite.

    Of figures below 0.001 three digits count. Fits `report_json_schema()`. Under `show = "ids"` no text of a case is
    in it.
    """
    room = MOST_BYTES // max(1, len(summary.ladders))
    value = {
        "schema": SCHEMA, "kind": "report", "version": summary.version, "at": summary.at,
        "ladders": [_ladder(ladder, room) for ladder in summary.ladders], "gone": list(summary.gone),
    }  # fmt: skip
    return dump(value)


def dump(value: Json) -> str:
    """Write a value as indented JSON with sorted keys, figures rounded as in a report; it ends with a line end."""
    return json.dumps(_clean(value), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _ladder(ladder: LadderSummary, room: int) -> Json:
    steps = steps_json(ladder, room)
    refusals = [{"code": r.code, "reason": r.reason, "mend": r.mend} for r in ladder.refusals]
    return {
        "name": ladder.name, "where": ladder.where, "task": ladder.task, "cases": ladder.cases, "rule": ladder.rule,
        "confidence": ladder.confidence, "too_few": list(ladder.too_few),
        "bounds": {"low": ladder.sure.met, "high": ladder.sure.short},
        "thresholds": {m: dict(row) for m, row in ladder.thresholds.items()},
        "limits": dict(ladder.limits), "looks": [_look(*look) for look in ladder.looks],
        "selected": ladder.selected, "decided": ladder.decided,
        "recommendation": ladder.recommendation, "waivers": list(ladder.waivers), "notes": list(ladder.notes),
        "checklist": dict(ladder.checklist), "rungs": [_rung(row, ladder.show, steps) for row in ladder.rows],
        "gate": {"requested": ladder.requested, "allowed": ladder.allowed, "refusals": refusals},
        "failures": list(ladder.failures), "base": base_json(ladder.base),
        "judges": [judged_json(judge) for judge in ladder.judges],
        "drift": [drift_json(drift) for drift in ladder.drifts], "selftest": selftest_json(ladder.selftest),
    }  # fmt: skip


def _look(look: Look, line: str) -> Json:
    return {
        "rung": look.entry.rung, "verdict": str(look.entry.verdict), "number": look.number,
        "elsewhere": look.elsewhere, "line": line, "entry": look.entry.as_dict(),
    }  # fmt: skip


def _rung(row: RungRow, show: str, steps: Mapping[Key, Json]) -> Json:
    return {
        "id": row.id, "kind": str(row.kind), "state": str(row.state), "from_log": row.from_log, "note": row.note,
        "recall": row.recall, "versions": row.versions, "entry": row.entry.as_dict() if row.entry else None,
        "worst_cases": [_miss(miss, show, steps.get((row.id, miss.case))) for miss in row.misses],
        "gain": gain_json(row.gain), "requests": requests_json(row.requests), "searched": searched_json(row.searched),
    }  # fmt: skip


def _miss(miss: Miss, show: str, steps: Json) -> Json:
    texts = (None, None, None) if show == "ids" else (miss.input, miss.expected, miss.answer)
    return {
        "case": miss.case, "metric": miss.metric, "score": miss.score, "note": miss.note, "steps": steps,
        **dict(zip(("input", "expected", "answer"), texts, strict=True)),
    }  # fmt: skip


def _clean(value: Json) -> Json:
    """What JSON and UTF-8 can hold: null for what is not finite, a question mark for half a surrogate pair."""
    if isinstance(value, float):
        return _figure(value) if math.isfinite(value) else None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list | tuple) else value


def _figure(value: float) -> float:
    return float(f"{value:.3g}") if 0 < abs(value) < _SMALL else rounded(value)
