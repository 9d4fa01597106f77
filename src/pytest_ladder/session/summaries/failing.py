"""What fails a ladder's build apart from its figures, as reports tell it: a comment must say why its job is red."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ladder.report.numbers import plural
from pytest_ladder.session.concluding.finish import Outcome
from pytest_ladder.session.drift.failing import drift_failures
from pytest_ladder.session.measuring.results import Report

_SHOWN = 5
"""Cases that are named."""


def failing(outcome: Outcome, reports: Sequence[Report]) -> tuple[str, ...]:
    """Missing answers by rung, what is wrong with the log and the evidence, and drift, one text each."""
    missing = (_missing(report) for report in reports if report.missing)
    return (*missing, *outcome.failures, *drift_failures(outcome.standing.ladder, reports))


def _missing(report: Report) -> str:
    cases = report.missing
    if report.spent:
        return spent_words(report.rung, report.unjudged, cases, report.spent)
    names = _names(cases)
    of = f" of the judge of {report.unjudged}" if report.unjudged else ""
    told = f"1 answer{of} is" if len(cases) == 1 else f"{len(cases)} answers{of} are"
    step = "run `pytest --ladder --ladder-record=new` and commit the recordings and the log"
    return f"rung {report.rung}: {told} not on record ({names}): {step}"


def spent_words(rung: str, metric: str, cases: Sequence[str], spent: str) -> str:
    """Say that a budget ended the judging of a rung, and how to go on.

    Args:
        rung: Its id.
        metric: Whose judge it is.
        cases: Those whose answers have no verdict yet.
        spent: Which bound was reached, as the meter says it.
    """
    many = plural(len(cases), "answer has", "answers have")
    return (
        f"rung {rung}: the budget stopped the judge of {metric}: {many} no verdict yet ({_names(cases)}). "
        f"{spent.rstrip('.')}. What was judged is on record; to go on: `pytest --ladder --ladder-record=new`"
    )


def _names(cases: Sequence[str]) -> str:
    return ", ".join(cases[:_SHOWN]) + (", ..." if len(cases) > _SHOWN else "")
