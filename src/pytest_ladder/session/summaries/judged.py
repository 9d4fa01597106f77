"""What a run found of its judged metrics: agreement with people, and what the judges consumed."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_ladder.core.judged import NO_USE, JudgedMetric, JudgeUsage
from pytest_ladder.session.concluding.standing import Standing
from pytest_ladder.session.measuring.results import Report


def judged_of(standing: Standing, reports: Iterable[Report]) -> tuple[JudgedMetric, ...]:
    """Every judged metric of a ladder, in the order declared."""
    spent: dict[str, JudgeUsage] = {}
    for report in reports:
        for metric, usage in report.judges.items():
            spent[metric] = spent.get(metric, NO_USE) + JudgeUsage.from_dict(usage)
    return tuple(
        JudgedMetric(metric, metric in standing.ladder.thresholds, found, spent.get(metric, NO_USE))
        for metric, found in standing.run.agreements.all().items()
    )
