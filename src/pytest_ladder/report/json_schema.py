"""The published schema of the JSON report."""

from __future__ import annotations

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.differences import Difference
from pytest_ladder.core.entries import Verdict
from pytest_ladder.core.policy import Direction
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.summary import State
from pytest_ladder.report.comparison_json import gain_schema
from pytest_ladder.report.drift import drift_schema
from pytest_ladder.report.judged import judged_schema
from pytest_ladder.report.requests import requests_schema
from pytest_ladder.report.searching import searched_schema
from pytest_ladder.report.selftest import selftest_schema
from pytest_ladder.report.steps_json import steps_schema

_TEXT: Json = {"type": "string"}
_TEXTS: Json = {"type": "array", "items": _TEXT}
_TEXT_OR_NULL: Json = {"type": ["string", "null"]}
_NUMBER_OR_NULL: Json = {"type": ["number", "null"]}
_SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
_SHARE_OR_NULL: Json = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
_COUNT: Json = {"type": "integer", "minimum": 0}
_TRUTH: Json = {"type": "boolean"}


def report_json_schema() -> Json:
    """The JSON Schema (2020-12) of what `render_json` writes."""
    whole = _object(
        schema={"const": 1}, kind={"const": "report"}, version=_TEXT,
        at={**_TEXT, "description": "UTC time of the run, ISO 8601."}, ladders=_list_of(_ladder()),
        gone={**_TEXTS, "description": "Ladders that stood at the git ref and are nowhere today."},
    )  # fmt: skip
    title = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "pytest-ladder report"}
    return {**title, **whole, "$defs": {"entry": _entry(), "figure": _figure()}}


def _object(**properties: Json) -> Json:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


def _list_of(item: Json) -> Json:
    return {"type": "array", "items": item}


def _map_of(value: Json, description: str = "") -> Json:
    found = {"type": "object", "additionalProperties": value}
    return {**found, "description": description} if description else found


def _ladder() -> Json:
    return _object(
        name=_TEXT, where={**_TEXT, "description": "ladder.toml, relative to pytest's rootdir."}, task=_TEXT,
        cases=_COUNT, rule=_TEXT, confidence={**_SHARE, "description": "As declared."},
        too_few={**_TEXTS, "description": "Thresholds that the eval set is too small to decide."},
        bounds={**_object(low=_SHARE, high=_SHARE), "description": "Confidence of each one-sided bound."},
        thresholds=_map_of(_map_of({"type": "number"}), "Metric to slice to least mean score."),
        limits=_map_of({"type": "number"}, "Declared ceilings: USD or seconds."),
        looks={**_list_of(_look()), "description": "Looks at the hold-out set."},
        selected={**_TEXT_OR_NULL, "description": "The selected rung; null where there is none."},
        decided=_TEXT, recommendation=_TEXT, waivers=_TEXTS, notes=_TEXTS, checklist=_map_of(_TEXT),
        rungs={**_list_of(_rung()), "description": "In climbing order."},
        gate=_object(
            requested=_TRUTH, allowed=_TRUTH, refusals=_list_of(_object(code=_TEXT, reason=_TEXT, mend=_TEXT))
        ),
        failures={**_TEXTS, "description": "What fails the build apart from the figures."},
        base={
            "oneOf": [_base(), {"type": "null"}], "description": "Against a git ref; null where none was given.",
        },
        judges={**_list_of(judged_schema()), "description": "Metrics that a model judges."},
        drift={**_list_of(drift_schema()), "description": "Rungs of which recorded cases were asked again."},
        selftest={
            "oneOf": [selftest_schema(), {"type": "null"}], "description": "How far the verdicts can be trusted.",
        },
    )  # fmt: skip


def _base() -> Json:
    differences = {"type": ["number", "null"], "minimum": -1, "maximum": 1}
    flips = _object(
        before=_TEXT, now=_TEXT, metric=_TEXT, slice=_TEXT, n=_COUNT, wins=_COUNT, ties=_COUNT, losses=_COUNT,
        difference={**differences, "description": "Now minus before, on shared cases."}, low=differences,
        high=differences, p_gain={**_SHARE, "description": "One-sided, after Holm over all comparisons."},
        p_loss=_SHARE, verdict={"enum": [str(verdict) for verdict in Difference]}, regression=_TRUTH,
        won={**_TEXTS, "description": "Up to ten ids of cases, the largest difference first."}, lost=_TEXTS,
    )  # fmt: skip
    return _object(
        ref=_TEXT, commit={**_TEXT, "description": "The merge base of the ref and HEAD."}, confidence=_SHARE,
        policy_refused={**_TRUTH, "description": "Whether a laxer rule fails the build."},
        rewritten={**_TEXT, "description": "Entries that stood there and are gone or changed."}, notes=_TEXTS,
        comparisons=_list_of(flips),
        policy=_list_of(_object(change=_TEXT, direction={"enum": [str(one) for one in Direction]})),
    )  # fmt: skip


def _look() -> Json:
    return _object(
        rung=_TEXT, verdict={"enum": [str(verdict) for verdict in Verdict]},
        number={**_COUNT, "description": "Which look at this set it is: every version of every rung counts once."},
        elsewhere={**_COUNT, "description": "Versions that were held against other hold-out sets."}, line=_TEXT,
        entry={"$ref": "#/$defs/entry"},
    )  # fmt: skip


def _rung() -> Json:
    return _object(
        id=_TEXT, kind={"enum": [str(kind) for kind in Kind]}, state={"enum": [str(state) for state in State]},
        from_log={**_TRUTH, "description": "Whether its entry was not measured in this run."}, note=_TEXT,
        recall={**_SHARE_OR_NULL, "description": "Share of gold evidence among the retrieved documents."},
        versions={**_COUNT, "description": "Versions tried on this eval set."},
        entry={"oneOf": [{"$ref": "#/$defs/entry"}, {"type": "null"}]}, worst_cases=_list_of(_miss()),
        gain={"oneOf": [gain_schema(), {"type": "null"}]},
        requests={
            "oneOf": [requests_schema(), {"type": "null"}],
            "description": "The model calls of its answers; null where it made none or was not measured in this run.",
        },
        searched={
            "oneOf": [searched_schema(), {"type": "null"}], "description": "The search that wrote its prompt.",
        },
    )  # fmt: skip


def _miss() -> Json:
    return _object(
        case=_TEXT, metric=_TEXT, score=_SHARE_OR_NULL, note=_TEXT,
        input=_TEXT_OR_NULL, expected=_TEXT_OR_NULL, answer=_TEXT_OR_NULL,
        steps={
            "oneOf": [steps_schema(), {"type": "null"}],
            "description": "Each way in which its answers came about; null where they are not shown or not here.",
        },
    )  # fmt: skip


def _figure() -> Json:
    return _object(mean=_SHARE_OR_NULL, n=_COUNT, low=_NUMBER_OR_NULL, high=_NUMBER_OR_NULL, unscored=_COUNT)


def _entry() -> Json:
    """A rung's entry as in escalation.jsonl; further keys may join it."""
    usage = _object(calls=_COUNT, prompt_tokens=_COUNT, completion_tokens=_COUNT, cost_usd=_NUMBER_OR_NULL)
    found = _object(
        schema={"const": 1}, kind={"const": "rung"}, ladder=_TEXT, rung=_TEXT, rung_kind=_TEXT, at=_TEXT,
        evalset=_TEXT, contract=_TEXT, fingerprint=_TEXT, answers=_TEXT, model=_TEXT_OR_NULL, model_returned=_TEXTS,
        cases=_COUNT, repeats=_COUNT, scores=_map_of(_map_of({"$ref": "#/$defs/figure"}), "Metric to slice to figure."),
        limits=_map_of(_NUMBER_OR_NULL), errors=_COUNT, verdict={"enum": [str(verdict) for verdict in Verdict]},
        diagnosis=_map_of(_COUNT, "Failure kind to failed cases."), ceilings={"type": "object"}, reason=_TEXT,
        after=_TEXTS, usage=usage, latency=_map_of(_NUMBER_OR_NULL, "Seconds."), artifacts=_map_of(_TEXT),
        environment={"type": "object"}, waiver={},
    )  # fmt: skip
    found["properties"]["id"] = _TEXT
    return {**found, "additionalProperties": True, "description": "An entry of escalation.jsonl."}
