"""Answers to outcomes: every scorer over every record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from pytest_ladder.core.answers import Record
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.scorers import aapply
from pytest_ladder.core.scores import Outcome, Scored, Scorer, Unscored
from pytest_ladder.engine.collect import Progress
from pytest_ladder.errors import JudgeRefused

Outcomes = dict[tuple[str, int, str], Outcome]
"""(case id, repeat, metric) -> outcome."""


async def score(
    records: Sequence[Record], evalset: EvalSet, scorers: Mapping[str, Scorer], documents: Mapping[str, str],
    progress: Progress | None = None,
) -> Outcomes:  # fmt: skip
    """Score every record by every metric; a scorer that fails leaves an `Unscored`.

    One record after another, or as many at a time as a scorer's attribute `concurrency` says.

    Raises:
        JudgeRefused: a judge can say nothing of any answer; what was asked of it by then is on record.
    """
    found: dict[tuple[str, int, str], Outcome] = {}
    queue = iter(records)

    async def work() -> JudgeRefused | None:
        for record in queue:
            scored = Scored(evalset.by_id[record.case], record.answer, documents)
            try:
                told = {(record.case, record.repeat, m): await _one(scorer, scored) for m, scorer in scorers.items()}
            except JudgeRefused as fault:
                for _ in queue:  # the others find nothing left to do
                    continue
                return fault
            found.update(told)
            if progress is not None:
                progress.done += 1
                progress.errors += any(isinstance(outcome, Unscored) for outcome in told.values())
        return None

    at_a_time = max((getattr(scorer, "concurrency", 1) for scorer in scorers.values()), default=1)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work()) for _ in range(min(at_a_time, len(records)))]
    for task in tasks:
        if (fault := task.result()) is not None:
            raise fault
    return {(r.case, r.repeat, m): found[r.case, r.repeat, m] for r in records for m in scorers}


async def _one(scorer: Scorer, scored: Scored) -> Outcome:
    try:
        return await aapply(scorer, scored)
    except (SystemExit, KeyboardInterrupt) as error:  # raised on, it would end the loop's thread
        return Unscored(f"the scorer raised {type(error).__name__}")
