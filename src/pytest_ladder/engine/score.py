"""Answers to outcomes: every scorer over every record."""

from __future__ import annotations

import asyncio
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
    """Score every record by every metric; a scorer that fails leaves an `Unscored`.

    One record after another, or as many at a time as a scorer's attribute `concurrency` says.
    """
    found: dict[tuple[str, int, str], Outcome] = {}
    queue = iter(records)

    async def work() -> None:
        for record in queue:
            scored = Scored(evalset.by_id[record.case], record.answer, documents)
            for metric, scorer in scorers.items():
                found[record.case, record.repeat, metric] = await _one(scorer, scored)

    at_a_time = max((getattr(scorer, "concurrency", 1) for scorer in scorers.values()), default=1)
    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_a_time, len(records))):
            group.create_task(work())
    return {(r.case, r.repeat, m): found[r.case, r.repeat, m] for r in records for m in scorers}


async def _one(scorer: Scorer, scored: Scored) -> Outcome:
    try:
        return await aapply(scorer, scored)
    except (SystemExit, KeyboardInterrupt) as error:  # raised on, it would end the loop's thread
        return Unscored(f"the scorer raised {type(error).__name__}")
