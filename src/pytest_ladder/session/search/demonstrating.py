"""Right answers to the questions of a pool, which become the demonstrations of a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ladder.core.answers import Answer, Record
from pytest_ladder.core.cases import Case, EvalSet, Question
from pytest_ladder.core.curtailment import order
from pytest_ladder.core.ports import System
from pytest_ladder.rungs.prompting.chat import as_text
from pytest_ladder.session.search.trials import Trials
from pytest_ladder.session.setup.dev_sets import Material

SHARE = 4
"""A teacher may use one call in so many."""
TAUGHT = 8
"""Questions that a teacher is asked for each demonstration that a prompt may show, at most."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A question and a right answer to it."""

    question: Question
    answer: str


async def demonstrations(trials: Trials, material: Material, teacher: System, seed: int) -> list[Demonstration]:
    """The pool's right answers, in the order of the pool.

    Without a teacher's model in the rung they are the pool's expected answers, of those that the ladder's scorers find
    right as they are written: an expected value need not be an answer. Where these are fewer than a prompt may show,
    and where a teacher is named, its answers are scored, and the right ones are taken.

    Source: Khattab et al., DSPy (arXiv:2310.03714), BootstrapFewShot.

    Args:
        trials: Answers and scores.
        material: Of the search.
        teacher: Answers with the prompt that the search begins with.
        seed: Of the order in which the teacher is asked.
    """
    search, pool = material.search, material.pool
    if not len(pool):
        return []
    expected = [] if search.teacher else await _expected(trials, material)
    if len(expected) >= search.demos:
        return expected
    taught = await _taught(trials, material, teacher, seed)
    known = {demo.question.id for demo in expected}
    found = {demo.question.id: demo for demo in (*expected, *(d for d in taught if d.question.id not in known))}
    return [found[case.id] for case in pool if case.id in found]


async def _expected(trials: Trials, material: Material) -> list[Demonstration]:
    """What the pool itself says, where that is a right answer; judges are not asked for their word on it."""
    given = [case for case in material.pool if case.expected is not None]
    records = [Record(case.id, case.input_digest, 0, "", Answer(as_text(case.expected))) for case in given]
    return await _right(trials, material, given, records, judged=False)


async def _taught(trials: Trials, material: Material, teacher: System, seed: int) -> list[Demonstration]:
    search = material.search
    most = min(search.max_calls // SHARE // search.calls_an_answer, TAUGHT * search.demos)
    asked = order(material.pool, seed)[:most]
    records = await trials.answers([(teacher, case) for case in asked])
    answered = [(case, record) for case, record in zip(asked, records, strict=True) if record is not None]
    return await _right(trials, material, [case for case, _ in answered], [record for _, record in answered])


async def _right(
    trials: Trials, material: Material, cases: Sequence[Case], records: Sequence[Record], *, judged: bool = True
) -> list[Demonstration]:
    values = await trials.values(records, EvalSet(tuple(cases)), judged=judged)
    least = material.search.demo_score
    return [
        Demonstration(case.question, record.answer.text)
        for case, record, value in zip(cases, records, values, strict=True)
        if record.answer.text.strip() and all(score >= least for score in value.values())
    ]
