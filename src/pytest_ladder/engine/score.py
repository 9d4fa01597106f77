"""Answers to outcomes: every scorer over every record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_ladder.core.answers import Record
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.scorers import aapply
from pytest_ladder.core.scores import Outcome, Scored, Scorer, Unscored

Outcomes = dict[tuple[str, int, str], Outcome]
"""(case id, repeat, metric) -> outcome."""


async def score(
    records: Sequence[Record], evalset: EvalSet, scorers: Mapping[str, Scorer], documents: Mapping[str, str]
) -> Outcomes:
    """Score every record by every metric; a scorer that fails leaves an `Unscored`."""
    outcomes: Outcomes = {}
    for record in records:
        scored = Scored(evalset.by_id[record.case], record.answer, documents)
        for metric, scorer in scorers.items():
            outcomes[record.case, record.repeat, metric] = await _one(scorer, scored)
    return outcomes


async def _one(scorer: Scorer, scored: Scored) -> Outcome:
    try:
        return await aapply(scorer, scored)
    except (SystemExit, KeyboardInterrupt) as error:  # raised on, it would end the loop's thread
        return Unscored(f"the scorer raised {type(error).__name__}")
