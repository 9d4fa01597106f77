"""What a run tells of the metrics that a model judges."""

from __future__ import annotations

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.judged import JudgedMetric
from pytest_ladder.report import numbers


def judged_words(judge: JudgedMetric) -> str:
    """A judged metric in one line: whether it may decide, and what its judge consumed."""
    stands = f"{judge.metric}: {'triage only, ' if judge.triage else ''}{judge.agreement.words}"
    needed, made = judge.usage.needed, judge.usage.made
    if not needed.calls:
        return stands
    new = f"{numbers.count(made.calls)} of them made in this run ({numbers.money(made.cost_usd)})"
    calls = f"{numbers.plural(needed.calls, 'call')} ({numbers.money(needed.cost_usd)})"
    return f"{stands}; {calls}, {new if made.calls else 'all on record'}"


def judged_json(judge: JudgedMetric) -> Json:
    """A judged metric as a JSON object."""
    found, kappa = judge.agreement, judge.agreement.kappa
    return {
        "metric": judge.metric, "gates": judge.gates, "shown": found.shown, "words": found.words,
        "labels": found.labels, "least_class": found.least_class, "least_labels": found.least_labels,
        "kappa": kappa.value if kappa else None, "low": kappa.low() if kappa else None,
        "usage": judge.usage.as_dict(),
    }  # fmt: skip


def judged_schema() -> Json:
    """The JSON Schema of what `judged_json` gives."""
    count: Json = {"type": "integer", "minimum": 0}
    kappa: Json = {"type": ["number", "null"], "maximum": 1}
    spent = _object({
        "calls": count, "prompt_tokens": count, "completion_tokens": count, "cost_usd": {"type": "number", "minimum": 0}
    })  # fmt: skip
    made: Json = {**spent, "description": "Of these, the calls that were made in this run."}
    return _object({
        "metric": {"type": "string"},
        "gates": {"type": "boolean", "description": "Whether it has a threshold."},
        "shown": {"type": "boolean", "description": "Whether it may decide: its agreement with people is shown."},
        "words": {"type": "string"},
        "labels": {**count, "description": "Labelled answers that the model judged too."},
        "least_class": {"type": "string", "description": "The class with the fewest labels."},
        "least_labels": count,
        "kappa": {**kappa, "description": "Cohen's kappa."},
        "low": {**kappa, "description": "Its one-sided lower bound at 95 %."},
        "usage": {
            **_object({"needed": spent, "made": made}), "description": "Of the judge, for the rungs of this run.",
        },
    })  # fmt: skip


def _object(properties: dict[str, Json]) -> Json:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}
