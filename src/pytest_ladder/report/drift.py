"""The words for a rung that was asked again, the same in every report."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.drift import Drift, DriftMetric, Finding
from pytest_ladder.report import numbers

STYLES = {Finding.CHANGED: "red", Finding.NO_CONCLUSION: "yellow", Finding.NO_DIFFERENCE: ""}
_HEADS = {
    Finding.CHANGED: "the model has changed", Finding.NO_CONCLUSION: "no conclusion",
    Finding.NO_DIFFERENCE: "no difference shown",
}  # fmt: skip


def drift_words(drift: Drift) -> str:
    """What asking again came to, in a sentence without its full stop."""
    head = "the judge has changed" if drift.judge and drift.finding is Finding.CHANGED else _HEADS[drift.finding]
    who = f"the judge of {drift.judge}, of {drift.rung}" if drift.judge else drift.rung
    return f"{who}, {_asked(drift)}: {'; '.join([head, *_grounds(drift)])}"


def _asked(drift: Drift) -> str:
    cases, asked = numbers.plural(drift.cases, "case"), "judged" if drift.judge else "asked"
    return f"all {cases} on record {asked} again" if drift.cases < drift.wanted else f"{cases} {asked} again"


def _grounds(drift: Drift) -> Iterator[str]:
    for model, (before, now) in (drift.renamed or {}).items():
        yield f"{model} answers as {', '.join(now)}, on record as {', '.join(before)}"
    if drift.stopped:
        yield drift.stopped
    for metric in drift.metrics:
        if metric.n and not (drift.stopped and not metric.changed):
            yield _metric(metric)


def _metric(metric: DriftMetric) -> str:
    scores = f"{metric.metric} {numbers.score(metric.before)} to {numbers.score(metric.after)}"
    counts = f"{metric.wins} won, {metric.losses} lost of {metric.n}"
    if metric.changed:
        return f"{scores} ({counts}, p {numbers.p_value(metric.p_value)})"
    if metric.detectable is None:
        return f"{scores} ({counts})"
    return f"{scores} ({counts}; could show a change of {numbers.score(metric.detectable)})"


def drift_facts(drift: Drift) -> str:
    """What else is known of the answers; it decides nothing. Empty where there are none."""
    if not drift.answers:
        return ""
    what, one = ("verdict", "a verdict") if drift.judge else ("answer", "an answer")
    facts = [f"{drift.texts_differ} of {numbers.plural(drift.answers, what)} differ in their text"]
    if None not in drift.latency:
        facts.append("p50 latency {} to {}".format(*map(numbers.seconds, drift.latency)))
    if None not in drift.tokens:
        facts.append(f"tokens {one} {{}} to {{}}".format(*map(numbers.tokens, drift.tokens)))
    return "; ".join(facts)


def drift_json(drift: Drift) -> Json:
    """A rung asked again, as JSON."""
    found = drift.as_dict()
    for key in ("latency", "tokens"):
        found[key] = dict(zip(("before", "after"), found[key], strict=True))
    found["renamed"] = [
        {"model": model, "before": list(before), "after": list(now)}
        for model, (before, now) in (drift.renamed or {}).items()
    ]
    return {**found, "finding": str(drift.finding), "metrics": list(found["metrics"]), "words": drift_words(drift)}


def drift_schema() -> Json:
    """The JSON Schema of what `drift_json` writes."""
    text, count, share = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": ["number", "null"]}
    metric = _object(
        metric=text, n=count, before=share, after=share, wins=count, losses=count, difference=share, low=share,
        high=share, p_value={"type": "number", "minimum": 0, "maximum": 1}, changed={"type": "boolean"},
        detectable={**share, "description": "Smallest true difference shown with 80 % power; null for none."},
    )  # fmt: skip
    names = {"type": "array", "items": text}
    return _object(
        rung=text, finding={"enum": [str(finding) for finding in Finding]}, words=text, wanted=count, cases=count,
        recorded=count, answers=count, texts_differ=count,
        renamed={"type": "array", "items": _object(model=text, before=names, after=names)},
        latency=_object(before=share, after=share), tokens=_object(before=share, after=share),
        confidence={"type": "number"}, metrics={"type": "array", "items": metric}, stopped=text,
        judge={**text, "description": "Metric whose judge was asked again; empty where the rung was."},
    )  # fmt: skip


def _object(**properties: Json) -> Json:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}
