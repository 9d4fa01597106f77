"""Whatever a scorer returns or raises becomes an outcome: a score from 0 to 1, or the reason why there is none."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from numbers import Real
from typing import Any

from pytest_ladder.core.scores import Outcome, Score, Scored, Scorer, Unscored
from pytest_ladder.core.traces import told
from pytest_ladder.errors import BudgetSpent, JudgeRefused, LadderError, MissingRecording, ModelFailed

NOT_SAID = (MissingRecording, BudgetSpent)
"""Errors of a scorer whose judge was not asked: another run may ask it."""


def apply(scorer: Scorer, scored: Scored) -> Outcome:
    """Score one answer; a scorer that must be awaited is unscored here, use `aapply`."""
    return _guarded(lambda: _outcome(_called(scorer, scored)))


async def aapply(scorer: Scorer, scored: Scored) -> Outcome:
    """Score one answer, awaiting what the scorer returns if it has to be.

    Raises:
        JudgeRefused: a judge can say nothing of any answer.
    """
    try:
        value = scorer(scored)
        if inspect.isawaitable(value):
            value = await value
    except JudgeRefused:
        raise
    except Exception as error:  # noqa: BLE001 - a scorer's fault is a reason, never the end of a run
        return _failed(error)
    return _guarded(lambda: _outcome(value))


def _guarded(step: Callable[[], Outcome]) -> Outcome:
    try:
        return step()
    except Exception as error:  # noqa: BLE001 - a scorer's fault is a reason, never the end of a run
        return _failed(error)


def _failed(error: Exception) -> Unscored:
    if isinstance(error, LadderError):  # of a judge: its own words do
        return Unscored(str(error), isinstance(error, NOT_SAID), isinstance(error, ModelFailed))
    return Unscored(told(error))


def _called(scorer: Scorer, scored: Scored) -> Any:
    value = scorer(scored)
    if not inspect.isawaitable(value):
        return value
    if inspect.iscoroutine(value):
        value.close()
    return Unscored("the scorer must be awaited, and was called where nothing can be")


def _outcome(value: Any) -> Outcome:
    if isinstance(value, Unscored):
        return value
    if isinstance(value, Score):
        number = _number(value.value)
        return number if isinstance(number, Unscored) else Score(number, value.note)
    number = _number(value)
    return number if isinstance(number, Unscored) else Score(number)


def _number(value: Any) -> float | Unscored:
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()
    if not isinstance(value, Real):
        return Unscored(f"the scorer returned {type(value).__name__}, not a number from 0 to 1")
    number = float(value)
    if math.isnan(number) or not 0.0 <= number <= 1.0:
        return Unscored(f"the scorer returned {number}, not a number from 0 to 1")
    return number
