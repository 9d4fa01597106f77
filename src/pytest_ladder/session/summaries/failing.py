"""What fails a ladder's build apart from its figures, as reports tell it: a comment must say why its job is red."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ladder.session.concluding.finish import Outcome
from pytest_ladder.session.drift.failing import drift_failures
from pytest_ladder.session.measuring.results import Report
from pytest_ladder.session.measuring.spent import names


def failing(outcome: Outcome, reports: Sequence[Report]) -> tuple[str, ...]:
    """What is missing or undone by rung, what is wrong with the log and the evidence, and drift, one text each."""
    missing = (_missing(report) for report in reports if report.missing or report.spent)
    return (*missing, *outcome.failures, *drift_failures(outcome.standing.ladder, reports))


def _missing(report: Report) -> str:
    cases = report.missing
    if report.spent:
        return report.spent
    of = f" of the judge of {report.unjudged}" if report.unjudged else ""
    told = f"1 answer{of} is" if len(cases) == 1 else f"{len(cases)} answers{of} are"
    step = "run `pytest --ladder --ladder-record=new` and commit the recordings and the log"
    return f"rung {report.rung}: {told} not on record ({names(cases)}): {step}"
