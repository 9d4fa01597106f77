"""What drift does to a build: the failure it makes, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ladder.core.drift import Drift, Finding
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.report.drift import drift_words
from pytest_ladder.session.measuring.results import Report


def drifts_of(reports: Sequence[Report]) -> tuple[Drift, ...]:
    """What asking again came to, a rung each, and what judging again did, a judge each."""
    found = [told for report in reports for told in (report.drift, *report.judge_drifts) if told]
    return tuple(map(Drift.from_dict, found))


def drift_failures(ladder: Ladder, reports: Sequence[Report]) -> tuple[str, ...]:
    """What fails the build: a change that was shown, and a question that got no conclusion; one text a rung."""
    return tuple(
        f"{ladder.where}: drift: {drift_words(drift)}. {_mend(drift)}"
        for drift in drifts_of(reports)
        if drift.finding is not Finding.NO_DIFFERENCE
    )


def _mend(drift: Drift) -> str:
    if drift.finding is Finding.CHANGED and drift.judge:
        return (
            f"What is on record no longer tells how the judge of {drift.judge} judges. Remove recordings/_judges/"
            f"{drift.judge} and run `pytest --ladder --ladder-record=new`: it judges every answer anew, those that "
            "people labelled too. Look at the verdicts, and commit; or pin the model's version."
        )
    if drift.finding is Finding.CHANGED:
        return (
            f"What is on record no longer tells how {drift.rung} answers. Ask for everything again with "
            f"`pytest --ladder --ladder-record=all --ladder-rung={drift.rung}`, look at the verdict, and commit; "
            "or pin the model's version."
        )
    if not drift.cases:
        return f"Run `pytest --ladder --ladder-record=new --ladder-rung={drift.rung}` first, and commit."
    return "Ask again with a larger `--ladder-drift` or budget, or once the errors are mended."
