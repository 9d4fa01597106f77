"""What ladder tests hold in their hands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import pytest

from pytest_ladder.core.answers import Reply
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.differences import Comparison
from pytest_ladder.core.entries import Entry, Verdict
from pytest_ladder.core.evaluation import Evaluation
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.looks import alone, more_in_holdout
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.summary import State
from pytest_ladder.core.thresholds import LEAST_LATENCIES
from pytest_ladder.core.undecided import to_decide
from pytest_ladder.engine.client import Client
from pytest_ladder.engine.loop import LoopThread
from pytest_ladder.errors import InvalidRequest, LadderError, message
from pytest_ladder.report import numbers
from pytest_ladder.report.case_errors import case_errors
from pytest_ladder.report.explain import explain
from pytest_ladder.report.unconfirmed import unconfirmed
from pytest_ladder.session.concluding.climb import Climb
from pytest_ladder.session.drift import answers as drift
from pytest_ladder.session.evidence import mend
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.measuring.grader import mixture
from pytest_ladder.session.measuring.results import RungResult
from pytest_ladder.session.summaries.compare import compare_rungs

if TYPE_CHECKING:
    from pytest_ladder.plugin.live import Live

_Failed: Any = pytest.fail.Exception


class ThresholdsMissed(_Failed, AssertionError):  # type: ignore[misc]
    """The last rung that could meet the target does not; an AssertionError with an explanation instead of a trace."""

    __module__ = "builtins"  # as pytest's own outcomes: a summary line then begins with the bare name

    def __init__(self, told: str) -> None:
        super().__init__(told, pytrace=False)  # type: ignore[call-arg]


class RungHandle:
    """The rung under test."""

    def __init__(self, run: LadderRun, climb: Climb, rung_id: str, watch: Live | None = None) -> None:
        self._run = run
        self._climb = climb
        self._watch = watch
        self.id = rung_id
        self.result: RungResult | None = None
        self.state: State | None = None
        """How the rung stands, once it was checked."""

    @property
    def kind(self) -> Kind:
        """What the rung changes: `prompt`, `few_shot`, `rag`, ..."""
        return self._run.ladder.rung(self.id).kind

    @property
    def ladder(self) -> LadderHandle:
        """The ladder that the rung belongs to."""
        return LadderHandle(self._run)

    def evaluate(self, system: Callable[..., Any] | None = None) -> Evaluation:
        """Answer every case, from the recordings where they are there, and score the answers.

        Args:
            system: `f(case)` or `f(case, llm)`, sync or async, giving a str, a dict or an Answer; it replaces the
                rung's own system. The case has `id`, `input` and `metadata` only.
        """
        __tracebackhide__ = True
        try:
            self.result = drift.evaluate(self._climb, self.id, system, self._watch)
        except LadderError as error:
            told = str(error)
        else:
            return self.result.evaluation
        finally:
            if self._watch is not None:
                self._watch.erase()
        self.state = State.ERROR
        pytest.fail(told, pytrace=False)  # outside of `except`: pytest would show the error a second time

    def check(self, system: Callable[..., Any] | None = None) -> Evaluation:
        """Evaluate the rung and assert every threshold and limit of ladder.toml.

        A rung below its target ends its test as skipped (`short`) while another rung is still to come, and fails it
        where it was the last that could meet the target.
        """
        __tracebackhide__ = True
        evaluation = self.evaluate(system)
        self.conclude()
        return evaluation

    def compare(self, other: str) -> Mapping[str, Comparison]:
        """Compare this rung, as it was evaluated in this test, with another one, case by case.

        Args:
            other: Id of the other rung, measured in this run or on record.

        Returns:
            Metric -> the comparison; differences are this rung's scores less the other's.

        Raises:
            InvalidRequest: this rung is not evaluated yet, or the other is unknown, or this one.
            MissingRecording: the other one's answers are not on record.
        """
        if self.result is None:
            raise InvalidRequest(message(
                f"rung {self.id!r}", "it is not evaluated yet",
                next_step="call `rung.check()` or `rung.evaluate()` first",
            ))  # fmt: skip
        return compare_rungs(self._run, other, self.id).metrics

    def conclude(self) -> None:
        """End the test by what the evaluation says; nothing happens where it meets the target."""
        __tracebackhide__ = True
        assert self.result is not None
        verdict = self.result.verdict
        left = self.result.missing or self.result.spent
        if left or self.result.altered or self._run.log_fault or verdict is Verdict.ERROR:
            self.state = State.ERROR
            pytest.fail(self._why_error(self.result), pytrace=False)
        self.state = self._climb.state_of(self.id, verdict)
        if verdict is Verdict.MET:
            return
        told = self._explained(self.result)
        if self._climb.may_be_short(self.id):
            raise pytest.skip.Exception(_missed(self._run.ladder, self.result), _use_item_location=True)
        raise ThresholdsMissed(told)

    def _explained(self, result: RungResult) -> str:
        if result.unheld:
            return self._unconfirmed(result)
        evaluation = result.evaluation
        return explain(
            self.id, evaluation.checks, result.misses, path=self._run.ladder.where,
            sure=Confidences.of(self._run.ladder), cases=len(evaluation.cases), unasked=evaluation.unasked,
            more=_to_decide(self._run.ladder, evaluation),
            next_step=self._climb.beyond(self.id),
        )  # fmt: skip

    def _unconfirmed(self, result: RungResult) -> str:
        evaluation, ladder = result.deciding, self._run.ladder
        return unconfirmed(
            self.id, evaluation.checks, sure=Confidences.of(alone(ladder, self.id, LEAST_LATENCIES)),
            cases=len(evaluation.cases), more=more_in_holdout(ladder, self.id, evaluation.missed()),
            next_step=self._climb.beyond(self.id),
        )  # fmt: skip

    def _why_error(self, result: RungResult) -> str:
        if self._run.log_fault:
            return self._run.log_fault
        if result.altered:
            return f"{self._run.ladder.where}: rung {self.id}: altered: {result.altered}. {mend(self.id)}"
        if result.spent:
            return self._why_spent(result)
        if result.missing:
            names = ", ".join(result.missing[:5]) + (", ..." if len(result.missing) > 5 else "")
            on = " to the hold-out set" if result.evaluation.verdict is Verdict.MET else ""
            why = ""
            if result.unjudged:
                metric, told = result.unjudged[0]
                on, why = f" of the judge of {metric}", f" {told}" if self._run.ladder.show == "text" else ""
            told = numbers.plural(len(result.missing), f"answer{on} is", f"answers{on} are")
            return (
                f"{self._run.ladder.where}: rung {self.id}: {told} not on record ({names}).{why} "
                "Run `pytest --ladder --ladder-record=new` and commit the recordings and the log."
            )
        return _told_errors(self._run.ladder, result)

    def _why_spent(self, result: RungResult) -> str:
        """What the end of the budget left undone; then what else is wrong, where something is."""
        ladder = self._run.ladder
        others = [case for case in result.deciding.cases if case.error is not None and case.error.kind != "budget"]
        more = f"\n{case_errors(ladder, result.deciding)}" if others else ""
        return f"{ladder.where}: {result.spent}.{more}"


def _missed(ladder: Ladder, result: RungResult) -> str:
    if result.unheld:
        return result.unheld
    told = []
    for check in result.evaluation.missed():
        least = numbers.threshold(check.threshold)
        if check.figure is not None and check.figure.mean is not None:
            sign = "<" if check.figure.mean < check.threshold else "not clearly above"
            sign = "does not decide against" if check.note or check.unjudged else sign
            mean = numbers.score(check.figure.mean, threshold=check.threshold)
            told.append(f"{check.metric}[{check.slice}] {mean} {sign} {least}")
        elif check.value is not None:
            value = numbers.ceiling(check.metric, check.value, limit=check.threshold)
            told.append(f"{check.metric} {value} > {numbers.limit(check.metric, check.threshold)}")
        else:
            told.append(f"{check.metric} could not be measured")
    more = _to_decide(ladder, result.evaluation)
    return ", ".join(told) + (f"; to decide it: {more}" if more else "")


def _to_decide(ladder: Ladder, evaluation: Evaluation) -> str:
    """How many more cases would decide an undecided rung."""
    undecided = evaluation.verdict is Verdict.INCONCLUSIVE
    return to_decide(ladder, evaluation, evaluation.missed()) if undecided else ""


def _told_errors(ladder: Ladder, result: RungResult) -> str:
    evaluation = result.deciding
    if evaluation.mixed_models and not evaluation.errors:
        return f"{ladder.where}: {' '.join(mixture(evaluation))}"
    return case_errors(ladder, evaluation)


class LadderHandle:
    """A ladder: its contract and its log."""

    def __init__(self, run: LadderRun) -> None:
        self._run = run

    @property
    def name(self) -> str:
        """The ladder's name."""
        return self._run.ladder.name

    @property
    def spec(self) -> Ladder:
        """All that ladder.toml says."""
        return self._run.ladder

    @property
    def log(self) -> tuple[Entry, ...]:
        """The escalation log as it stood when the run began."""
        return self._run.log

    @property
    def evalset(self) -> EvalSet:
        """The eval set."""
        return self._run.evalset


class LlmHandle:
    """A model client for tests and for systems written beside them."""

    def __init__(self, client: Client, loop: LoopThread) -> None:
        self._client = client
        self._loop = loop

    @overload
    def chat(self, messages: str, /, **options: Json) -> Any: ...
    @overload
    def chat(self, messages: Sequence[Mapping[str, Json]], /, **options: Json) -> Any: ...
    def chat(self, messages: str | Sequence[Mapping[str, Json]], /, **options: Json) -> Any:
        """Ask for one reply: in async code await it, in sync code take it.

        Args:
            messages: Chat messages `{"role", "content"}`, or the text of one user message.
            options: Overlay the rung's `model_options`.

        Returns:
            A Reply with `text`, `finish_reason`, tokens, cost and latency; in async code an awaitable of it.
        """
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        work: Coroutine[Any, Any, Reply] = self._client.chat(messages, **options)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._loop.run(work)
        return work
