"""What a budget that ended left undone in a rung, and how to go on."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ladder.report.numbers import plural

GO_ON = "`pytest --ladder --ladder-record=new`"
_SHOWN = 5
"""Cases that are named."""


def unasked(rung: str, over: str, cases: Sequence[str], given: int, known: int, all_: int, judge: str = "") -> str:
    """Say that a budget ended while the answers of a rung were asked.

    Args:
        rung: Its id.
        over: Which bound was reached, as the meter says it.
        cases: Those that were not asked.
        given: Answers that this run was given.
        known: Answers that are on record.
        all_: Answers that are to be.
        judge: What the judges have not said of them; empty where they have said all.
    """
    return (
        f"rung {rung}: the budget ended while answers were asked: {plural(given, 'answer was', 'answers were')} given "
        f"in this run, {known} of {all_} are on record; not asked: {names(cases)}. {over.rstrip('.')}. "
        f"{judge}To go on: {GO_ON}"
    )


def unjudged(rung: str, over: str, cases: Sequence[str], metric: str) -> str:
    """Say that a budget ended the judging of a rung; `metric` is whose judge it is, the rest as in `unasked`."""
    return (
        f"rung {rung}: the budget stopped the judge of {metric}: {without_verdict(cases)} ({names(cases)}). "
        f"{over.rstrip('.')}. What was judged is on record; to go on: {GO_ON}"
    )


def without_verdict(cases: Sequence[str]) -> str:
    """How many answers their judge has said nothing of."""
    return f"{plural(len(cases), 'answer has', 'answers have')} no verdict yet"


def names(cases: Sequence[str]) -> str:
    """The first of some cases."""
    return ", ".join(cases[:_SHOWN]) + (", ..." if len(cases) > _SHOWN else "")
