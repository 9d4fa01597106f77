"""The worst cases of an evaluation, as far as privacy lets them be shown."""

from __future__ import annotations

import json

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.evaluation import CaseResult, Evaluation
from pytest_ladder.core.scorers.ranking import NOT_APPLICABLE
from pytest_ladder.core.scores import Score, Unscored
from pytest_ladder.core.summary import Miss

MOST = 5
"""How many cases are shown."""


def misses(evaluation: Evaluation, show: str) -> tuple[Miss, ...]:
    """The worst failing cases, lowest score first; then those that got no score, as many again."""
    metric = next((check.metric for check in evaluation.missed() if check.kind == "threshold"), None)
    worst = [(result, metric) for result in evaluation.worst(MOST, metric)]
    return tuple(_miss(result, name, show == "text") for result, name in [*worst, *_unscored(evaluation)[:MOST]])


def _unscored(evaluation: Evaluation) -> list[tuple[CaseResult, str]]:
    """Each answered case without a score by a metric that decides on it, or whose judge failed at it."""
    return [
        (result, metric)
        for result in evaluation.cases
        if result.error is None and not result.unasked
        for metric, outcome in result.scores.items()
        if isinstance(outcome, Unscored) and (_decides(evaluation, metric, result) or outcome.unjudged)
    ]


def _decides(evaluation: Evaluation, metric: str, result: CaseResult) -> bool:
    """Whether a threshold of the metric is on a slice that the case is in."""
    return any(
        check.metric == metric and result.within(check.slice)
        for check in evaluation.checks
        if check.kind == "threshold"
    )


def silent(evaluation: Evaluation, show: str) -> tuple[str, ...]:
    """The metrics without a threshold by which not one answer could be scored, and why, one text each.

    With a threshold each of these cases is an error, and told as one. That a metric of retrieval does not apply to a
    rung without a corpus is no news.
    """
    answered = [result for result in evaluation.cases if result.error is None and not result.unasked]
    found = []
    for metric in evaluation.scores:
        outcomes = [result.scores[metric] for result in answered if metric in result.scores]
        if metric in evaluation.gating or not outcomes or any(isinstance(outcome, Score) for outcome in outcomes):
            continue
        if outcomes[0] == NOT_APPLICABLE:
            continue
        why = f": {getattr(outcomes[0], 'reason', '')}" if show == "text" else ""
        found.append(f"rung {evaluation.rung}: {metric} could score none of {len(outcomes)} answers{why}")
    return tuple(found)


def _miss(result: CaseResult, metric: str | None, texts: bool) -> Miss:
    name = metric or next(iter(result.scores), "")
    outcome = result.scores.get(name)
    value = outcome.value if isinstance(outcome, Score) else None
    note = outcome.note if isinstance(outcome, Score) else getattr(outcome, "reason", "")
    error = result.error
    if not texts:
        return Miss(result.case.id, name, value, note=error.kind if error else "")
    answer = result.answers[0].text if result.answers else None
    told = error.message if error else note
    return Miss(result.case.id, name, value, shown(result.case.input), shown(result.case.expected), answer, told)


def shown(value: Json) -> str:
    """A JSON value as one text: a string as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
