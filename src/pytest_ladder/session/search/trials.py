"""Answers of prompts that are tried, and what they are worth: counted, recorded and replayed like any call."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_ladder.core.answers import Answer, Call, CaseError, Record, Usage
from pytest_ladder.core.cases import Case, EvalSet, Question
from pytest_ladder.core.judged import is_judged
from pytest_ladder.core.ports import System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.scores import Score, Scorer, Unscored
from pytest_ladder.engine.collect import Job, Progress, Terms, collect
from pytest_ladder.engine.score import score
from pytest_ladder.errors import BudgetSpent, InvalidFile, ModelFailed, message
from pytest_ladder.session.ladder_files import LadderFiles
from pytest_ladder.session.measuring.asker import Asker
from pytest_ladder.session.settings import Record as Mode

Tried = tuple[System, Case]
"""A prompt, as a system, and a case that it is to answer."""


class _Switch:
    """Many systems as one: the id of a question says which system answers which case."""

    def __init__(self, tries: Sequence[Tried]) -> None:
        self._tries = tries

    async def answer(self, question: Question, /) -> Answer:
        system, case = self._tries[int(question.id)]
        return await system.answer(case.question)


@dataclass
class Trials:
    """The answers of one search."""

    files: LadderFiles
    asker: Asker
    rung: RungSpec
    objective: Sequence[str]
    """The metrics whose mean an answer is worth."""
    calls_an_answer: int
    progress: Progress
    used: Usage = field(default_factory=Usage)
    """Calls of all answers so far, replayed ones among them, and what they consumed."""
    faults: list[CaseError] = field(default_factory=list)
    """Answers that were not given."""
    _unscored: dict[str, str] = field(default_factory=dict)
    """Metric -> why it could not score an answer; those that scored any are not in it."""
    _scored: set[str] = field(default_factory=set)

    async def answers(self, tries: Sequence[Tried]) -> list[Record | None]:
        """The answer of each try, scrubbed, under the id of its case; None for one that failed.

        Raises:
            BudgetSpent: a bound of the run is reached; what was answered is on record.
        """
        found: dict[int, Record] = {}

        def keep(record: Record) -> None:
            place = int(record.case)
            clean = self.files.scrubber.record(record)
            self._record(clean.calls)
            found[place] = replace(clean, case=tries[place][1].id)

        settings = self.files.settings
        terms = Terms(
            "", keep, self.asker.meter, stray=lambda ledger: self._record(map(self.files.scrubber.call, ledger.calls)),
            concurrency=settings.concurrency, timeout_s=settings.timeout_s,
        )  # fmt: skip
        jobs = [Job(Question(str(n), ""), case.input_digest, 0) for n, (_, case) in enumerate(tries)]
        errors = await collect(jobs, _Switch(tries), terms, self.progress)
        self._count(found.values(), [replace(error, case=tries[int(error.case)][1].id) for error in errors])
        return [found.get(place) for place in range(len(tries))]

    def _record(self, calls: Iterable[Call]) -> None:
        """Put new calls on record, at once: an interrupted search does not ask for them again."""
        again = self.files.settings.record is Mode.ALL
        with self.files.writing():
            self.asker.calls.add(
                self.rung.id, [call for call in calls if again or not self.asker.calls.get(call.request_digest)]
            )

    def _count(self, records: Iterable[Record], errors: Sequence[CaseError]) -> None:
        self.used = sum((record.usage for record in records), self.used)
        spent = [error for error in errors if error.kind == "budget"]
        self.used += Usage(calls=(len(errors) - len(spent)) * self.calls_an_answer)
        if spent:
            raise BudgetSpent(spent[0].message)
        self.faults += [replace(e, message=self.files.scrubber.secrets.clean(e.message)) for e in errors]

    async def values(self, records: Sequence[Record], cases: EvalSet, *, judged: bool = True) -> list[dict[str, float]]:
        """Metric of the objective -> score, for each record; 0 for one that could not be scored.

        Args:
            records: Of different cases.
            cases: The set that they are of.
            judged: Whether metrics that a model judges are asked too; without, they are left out.

        Raises:
            ModelFailed: a judge said nothing this time.
        """
        scorers = self._scorers(judged)
        outcomes = await score(records, cases, scorers, self.files.corpus)
        return [
            {metric: self._value(metric, outcomes[record.case, record.repeat, metric]) for metric in scorers}
            for record in records
        ]

    def _scorers(self, judged: bool) -> Mapping[str, Scorer]:
        metrics = [metric for metric in self.files.ladder.metrics if metric.name in self.objective]
        return {
            metric.name: self.files.assembler.scorer(metric) for metric in metrics if judged or not is_judged(metric)
        }

    def _value(self, metric: str, outcome: Score | Unscored) -> float:
        if isinstance(outcome, Score):
            self._scored.add(metric)
            return outcome.value
        if outcome.missing:
            raise ModelFailed(message(f"metric {metric}", f"an answer could not be judged ({outcome.reason})"))
        self._unscored.setdefault(metric, outcome.reason)
        return 0.0

    def begin_dev(self) -> None:
        """From now on answers are to dev cases: what metrics made of others does not count."""
        self._scored.clear()
        self._unscored.clear()

    def check_scored(self, where: str) -> None:
        """Refuse a set of which a metric could score no answer; InvalidFile says why it could not."""
        for metric, reason in self._unscored.items():
            if metric not in self._scored:
                raise InvalidFile(message(where, f"no answer can be scored by `{metric}` ({reason})"))

    async def scores(self, systems: Sequence[System], cases: EvalSet, pairs: Sequence[tuple[int, int]],
    ) -> dict[tuple[int, int], float]:  # fmt: skip
        """What (system, case) pairs are worth, by their places; those that were not answered are left out."""
        records = await self.answers([(systems[place], cases[case]) for place, case in pairs])
        by_system: defaultdict[int, list[tuple[int, Record]]] = defaultdict(list)
        for (place, case), record in zip(pairs, records, strict=True):
            if record is not None:
                by_system[place].append((case, record))
        worth: dict[tuple[int, int], float] = {}
        for place, answered in by_system.items():
            values = await self.values([record for _, record in answered], cases)
            worth.update({(place, case): mean_of(value) for (case, _), value in zip(answered, values, strict=True)})
        return worth


def mean_of(values: Mapping[str, float]) -> float:
    """The mean of one answer's scores."""
    return math.fsum(values.values()) / len(values)
