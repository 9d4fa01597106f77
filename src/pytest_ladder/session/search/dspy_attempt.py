"""A search that DSPy makes: its calls are the ladder's own, and what it ends with must beat the start in a race."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from threading import Lock
from typing import Any, TypeVar

from pytest_ladder.backends.dspy_search import Shown, Task, Ways, load, search
from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.prompt_parts import INSTRUCTIONS, Prompt
from pytest_ladder.core.searching import START, mean, planned
from pytest_ladder.errors import BudgetSpent, LadderError, MissingDependency, ModelFailed, message
from pytest_ladder.rungs.optimization.drafts import Draft
from pytest_ladder.rungs.optimization.optimize import DSPY
from pytest_ladder.rungs.prompting.chat import as_text
from pytest_ladder.session.search.attempt import PROPOSED, Attempt, Body, Counted, Found, body_of
from pytest_ladder.session.search.demonstrating import Demonstration
from pytest_ladder.session.search.trials import mean_of

T = TypeVar("T")
THREADS = 8
"""Answers that DSPy asks for at a time, at most."""
MOST_WRITTEN = 4
"""Of so many calls one is kept for instructions that a model writes."""
FINALISTS = 4
"""Prompts that come to the race, the start among them."""


SHOWN = 300
"""Characters of what DSPy says of a failure."""


class DspyAttempt(Attempt):
    """A search by one of DSPy's optimizers."""

    async def run(self) -> Found:
        """Let DSPy search with the calls that a race in the end leaves, then race."""
        load(self.material.search.optimizer.removeprefix(DSPY))
        demos = await self._demonstrations()
        talk = _Talk(self, demos)
        try:
            last = await asyncio.to_thread(talk.search)
        finally:
            talk.over = True
        if talk.fault is not None:
            raise talk.fault
        bodies = talk.finalists(last)
        race = await self.race(bodies)
        return self.found(race, bodies[race.best], race.values[START])


class _Talk:
    """What DSPy asks, from threads of its own, while the session's loop answers."""

    def __init__(self, attempt: Attempt, demos: Sequence[Demonstration]) -> None:
        self._attempt, self._demos = attempt, demos
        self._loop = asyncio.get_running_loop()
        self._material, self._trials = attempt.material, attempt.trials
        self._start = self._material.drafts[0]
        self._cases = {as_text(case.input): case for case in (*self._material.pool, *self._material.scoring)}
        self._shown = {as_text(demo.question.input): demo for demo in demos}
        self._worth: dict[tuple[str, str], float] = {}
        """(question, answer) -> what it is worth."""
        self._bodies: dict[str, Body] = {}
        self._scores: dict[str, dict[str, float]] = {}
        """Prompt -> question that scores -> what its answer is worth."""
        self._lock, self._reserved = Lock(), 0
        self._llm = Counted(attempt.asker.client_as(attempt.rung.asking("proposer")), self._trials)
        own = 2 * len(self._material.scoring) * self._material.search.calls_an_answer
        self._most = self._material.search.max_calls - own
        self.fault: LadderError | None = None
        """What ended the search."""
        self.over = False

    def search(self) -> list[Body]:
        """Search to the end, or until the calls are spent; what DSPy ends with, nothing where it comes to no end.

        Instructions without demonstrations come with the first demonstrations too: some optimizers try none.
        """
        told = self._material.search
        left = (self._most - self._trials.used.calls) // told.calls_an_answer
        task = Task(
            self._start.instruction(), [(asked, demo.answer) for asked, demo in self._shown.items()],
            [as_text(case.input) for case in self._material.scoring], told.demos, left - left // MOST_WRITTEN,
            self._attempt.seed, min(THREADS, self._attempt.files.settings.concurrency),
        )  # fmt: skip
        ways = Ways(self.answer, self.score, self.write)
        try:
            instruction, shown = search(told.optimizer.removeprefix(DSPY), task, ways)
        except MissingDependency:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever DSPy makes of it
            if not self.over and self.fault is None:
                why = f"DSPy failed ({type(fault).__name__}: {' '.join(str(fault).split())[:SHOWN]})"
                step = "name another `proposer`; the same reply, which is on record, fails in the same way"
                self.fault = ModelFailed(message(self._attempt.rung.at("optimizer"), why, next_step=step))
            return []
        more = [] if shown else [tuple(task.train[: told.demos])]
        return [self._body(instruction, turns) for turns in (shown, *more)]

    def finalists(self, last: Sequence[Body]) -> list[Body]:
        """The start, what DSPy ended with, and the best of what it tried on all cases that score.

        As many as the calls left can compare on all cases: two at least.
        """
        cases = len(self._material.scoring)
        whole = [text for text, scores in self._scores.items() if len(scores) == cases]
        ranked = sorted(whole, key=lambda text: -mean(list(self._scores[text].values())))
        bodies = [body_of(self._start, ()), *last, *(self._bodies[text] for text in ranked)]
        plan = planned(FINALISTS, cases, self._attempt.left)
        most = FINALISTS if plan is not None and plan.rounds[-1].cases == cases else 2
        return list({body.text: body for body in bodies}.values())[:most]

    # --- from DSPy's threads -------------------------------------------------------------------------------------

    def answer(self, instruction: str, shown: Shown, asked: str) -> str:
        """The answer of a prompt to a question, scored at once."""
        self._reserve(self._material.search.calls_an_answer)
        try:
            return self._wait(self._answered(self._body(instruction, shown), self._cases[asked], asked))
        finally:
            self._release(self._material.search.calls_an_answer)

    def score(self, asked: str, answer: str) -> tuple[float, str]:
        """What an answer is worth, and what a model that writes instructions is told of it."""
        worth, expected = self._worth.get((asked, answer), 0.0), self._cases[asked].expected
        right = "" if expected is None else f" A right answer: {as_text(expected)}"
        return worth, f"The answer is worth {worth:.3f} of 1.{right}"

    def write(self, messages: list[dict[str, str]]) -> str:
        """The reply of the model that writes instructions."""
        self._reserve(1)
        try:
            parts = {INSTRUCTIONS: sum(len(part["content"]) for part in messages)}
            reply = self._wait(self._llm.chat(Prompt(messages, parts)))
            return self._attempt.files.scrubber.text(reply.text)
        finally:
            self._release(1)

    def _body(self, instruction: str, shown: Shown) -> Body:
        demos = [self._shown.get(asked) for asked, _ in shown]
        given = [Demonstration(demo.question, answer) for demo, (_, answer) in zip(demos, shown, strict=True) if demo]
        draft = self._start
        if instruction.strip() != draft.instruction():
            draft = Draft(draft.instructed(instruction), PROPOSED, self._material.scoring[0].question)
        return body_of(draft, given)

    async def _answered(self, body: Body, case: Case, asked: str) -> str:
        system = self._attempt.system(body.text, self._attempt.rung)
        (record,) = await self._trials.answers([(system, case)])
        if record is None:
            raise ModelFailed(self._trials.faults[-1].message)
        (values,) = await self._trials.values([record], EvalSet((case,)))
        worth = self._worth[asked, record.answer.text] = mean_of(values)
        self._bodies[body.text] = body
        if case in self._material.scoring.cases:
            self._scores.setdefault(body.text, {})[asked] = worth
            self._attempt.know(body.text, self._material.scoring.cases.index(case), worth)
        return record.answer.text

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of work on the session's loop; what ends the search is kept for it."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except LadderError as fault:
            self.fault = self.fault or fault
            raise

    def _reserve(self, calls: int) -> None:
        with self._lock:
            if self.over or self.fault or self._trials.used.calls + self._reserved + calls > self._most:
                self.over = True
                raise BudgetSpent("the search is over")
            self._reserved += calls

    def _release(self, calls: int) -> None:
        with self._lock:
            self._reserved -= calls
