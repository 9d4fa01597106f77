"""DSPy's optimizers over a prompt that is not DSPy's: it searches, and every call goes where it is told to go."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from types import ModuleType
from typing import Any

from pytest_ladder.backends.require import require

Shown = tuple[tuple[str, str], ...]
"""Demonstrations: a question and its answer each."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How a search answers, scores and writes; each may be called from several threads at once."""

    answer: Callable[[str, Shown, str], str]
    """The answer that an instruction and demonstrations bring about to a question."""
    score: Callable[[str, str], tuple[float, str]]
    """What an answer to a question is worth, 0 to 1, and what is to be said of it."""
    write: Callable[[list[dict[str, str]]], str]
    """What the model that writes instructions replies."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is searched for, and within what."""

    instruction: str
    train: Sequence[tuple[str, str]]
    """Questions with right answers, to be shown."""
    dev: Sequence[str]
    """Questions that score."""
    demos: int
    """Demonstrations in a prompt, at most."""
    answers: int
    """Answers that may be asked for, roughly: whoever answers holds the bound."""
    seed: int
    threads: int


def load(optimizer: str) -> ModuleType:
    """DSPy, with what an optimizer needs besides; raises MissingDependency where it is not installed."""
    dspy = require("dspy", f"the optimizer `dspy:{optimizer}`", "dspy")
    if optimizer == "MIPROv2":
        require("optuna", f"the optimizer `dspy:{optimizer}`", "dspy")
    return dspy


def search(optimizer: str, task: Task, ways: Ways) -> tuple[str, Shown]:
    """The instruction and the demonstrations that DSPy ends with.

    Args:
        optimizer: `MIPROv2` or `GEPA`.
        task: What is searched for.
        ways: How its calls are made.

    Raises:
        MissingDependency: DSPy, or what it needs, is not installed.
        Exception: whatever the ways raise, or DSPy makes of it.
    """
    dspy = load(optimizer)
    with _quiet(dspy):
        student = _student(dspy, task, ways)
        lm = dspy.LM("ladder/proposer", engine=_Engine(dspy, ways.write), cache=False, num_retries=0)
        train = [dspy.Example(question=asked, answer=right).with_inputs("question") for asked, right in task.train]
        dev = [dspy.Example(question=asked).with_inputs("question") for asked in task.dev]
        with dspy.context(lm=lm, max_errors=1):
            compile_ = _gepa if optimizer == "GEPA" else _mipro
            found = compile_(dspy, task, ways, lm, student=student, trainset=train, valset=dev)
    predictor = found.predictors()[0]
    return predictor.signature.instructions, _shown(predictor.demos)


def _mipro(dspy: ModuleType, task: Task, ways: Ways, lm: Any, **sets: Any) -> Any:
    """Few candidates and as many trials as the answers suffice for, each on all of dev."""

    def metric(example: Any, prediction: Any, trace: object = None) -> float:  # noqa: ARG001 - as DSPy calls it
        return ways.score(example.question, prediction.answer)[0]

    each = max(1, len(task.dev))
    candidates = 6 if task.answers >= 12 * each else 3
    trials = max(2, min(30, (task.answers - candidates * 2 * task.demos) // each - 1))
    optimizer = dspy.MIPROv2(
        metric=metric, prompt_model=lm, task_model=lm, auto=None, num_candidates=candidates, seed=task.seed,
        max_bootstrapped_demos=task.demos, max_labeled_demos=task.demos, num_threads=task.threads, max_errors=1,
        metric_threshold=1.0, track_stats=False,
    )  # fmt: skip
    return optimizer.compile(**sets, num_trials=trials, minibatch=False, seed=task.seed)


def _gepa(dspy: ModuleType, task: Task, ways: Ways, lm: Any, **sets: Any) -> Any:
    """Instructions by reflection on what went wrong; the demonstrations stay out."""

    def metric(gold: Any, pred: Any, trace: Any = None, name: Any = None, own: Any = None) -> Any:  # noqa: ARG001
        worth, told = ways.score(gold.question, pred.answer)
        return dspy.Prediction(score=worth, feedback=told)

    optimizer = dspy.GEPA(
        metric=metric, max_metric_calls=max(1, task.answers), reflection_lm=lm, num_threads=task.threads,
        seed=task.seed, reflection_minibatch_size=min(3, len(task.train)), use_merge=False,
    )  # fmt: skip
    return optimizer.compile(**sets)


def _student(dspy: ModuleType, task: Task, ways: Ways) -> Any:
    """A program of one predictor, which answers through `ways`."""
    signature = dspy.Signature("question -> answer", task.instruction)

    class Asking(dspy.Predict):  # type: ignore[misc, name-defined]
        """Asks with its instruction and demonstrations, and leaves the trace that optimizers read."""

        def forward(self, **given: Any) -> Any:
            text = ways.answer(self.signature.instructions, _shown(self.demos), given["question"])
            prediction = dspy.Prediction(answer=text)
            if dspy.settings.trace is not None:
                dspy.settings.trace.append((self, given, prediction))
            return prediction

    class Program(dspy.Module):  # type: ignore[misc, name-defined]
        """The predictor alone."""

        def __init__(self) -> None:
            super().__init__()
            self.ask = Asking(signature)

        def forward(self, question: str) -> Any:
            return self.ask(question=question)

    return Program()


def _shown(demos: Sequence[Any]) -> Shown:
    return tuple((str(demo["question"]), str(demo["answer"])) for demo in demos)


class _Engine:
    """Completes DSPy's own requests, those for instructions, by a function."""

    def __init__(self, dspy: ModuleType, write: Callable[[list[dict[str, str]]], str]) -> None:
        self._types, self._write = dspy.lm15, write

    def complete(self, request: Any) -> Any:
        """One reply."""
        system = request.system
        parts = [] if system is None else [system] if isinstance(system, str) else [part.text for part in system]
        messages = [{"role": "system", "content": "".join(parts)}] if parts else []
        messages += [{"role": message.role, "content": message.text or ""} for message in request.messages]
        types = self._types
        return types.Response(
            id=None, model="proposer", message=types.Message.assistant([types.TextPart(self._write(messages))]),
            finish_reason="stop", usage=types.Usage(input_tokens=0, output_tokens=0, total_tokens=0),
        )  # fmt: skip

    def stream(self, request: Any) -> Iterator[Any]:
        """The same reply, as events."""
        yield from self._types.response_to_events(self.complete(request))

    def close(self) -> None:
        """Nothing is held."""


@contextmanager
def _quiet(dspy: ModuleType) -> Iterator[None]:
    """Keep DSPy's cache, its log and its bars out of the way."""
    loggers = [logging.getLogger(name) for name in ("dspy", "gepa")]
    levels = [logger.level for logger in loggers]
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=False)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
