"""The loop on its own thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.scores import Score, Scored, Unscored
from pytest_ladder.engine.loop import LoopThread
from pytest_ladder.engine.score import score
from tests.builders import case, record


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    made = LoopThread()
    yield made
    made.close()


async def number() -> int:
    await asyncio.sleep(0)
    return 5


async def wait_for(event: threading.Event) -> None:
    while not event.is_set():
        await asyncio.sleep(0.001)


def test_a_coroutine_runs_to_its_end_on_another_thread(loop: LoopThread):
    async def here() -> tuple[int, str]:
        return await number(), threading.current_thread().name

    assert loop.run(here()) == (5, "ladder-loop")


def test_every_run_has_the_same_loop(loop: LoopThread):
    async def mine() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert loop.run(mine()) is loop.run(mine())


def test_what_it_raises_is_raised_here(loop: LoopThread):
    async def failing() -> None:
        raise ValueError("as it is")

    with pytest.raises(ValueError, match="as it is"):
        loop.run(failing())


def test_the_watch_is_called_in_the_callers_thread_while_it_runs(loop: LoopThread):
    seen: list[str] = []
    enough = threading.Event()

    def watch() -> None:
        seen.append(threading.current_thread().name)
        if len(seen) == 3:
            enough.set()

    loop.run(wait_for(enough), watch, every_s=0.001)

    assert set(seen) == {threading.current_thread().name}
    assert len(seen) >= 3


def test_an_interrupt_cancels_the_work_and_goes_on(loop: LoopThread):
    ended = threading.Event()

    async def hanging() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.run(hanging(), interrupt)

    assert ended.wait(5)
    assert loop.run(number()) == 5


def test_closing_ends_what_still_runs(loop: LoopThread):
    cancelled = threading.Event()

    async def background() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def start() -> asyncio.Task[None]:
        task = asyncio.create_task(background())
        await asyncio.sleep(0)
        return task

    loop.run(start())
    loop.close()

    assert cancelled.is_set()


def test_closing_twice_and_closing_what_never_ran_do_nothing(loop: LoopThread):
    loop.close()
    loop.run(number())
    loop.close()
    loop.close()


def test_it_starts_again_after_it_was_closed(loop: LoopThread):
    loop.run(number())
    loop.close()

    assert loop.run(number()) == 5


def graded(loop: LoopThread, scorer: object) -> object:
    cases = EvalSet((case("c1"),))
    outcomes = loop.run(score([record("c1")], cases, {"answer": scorer}, {"kb-1": "text"}))  # type: ignore[dict-item]
    return outcomes["c1", 0, "answer"]


def test_a_scorer_gets_the_case_the_answer_and_the_corpus(loop: LoopThread):
    seen: list[Scored] = []

    async def scorer(scored: Scored) -> float:
        seen.append(scored)
        return 0.5

    assert graded(loop, scorer) == Score(0.5)
    assert seen == [Scored(case("c1"), Answer("yes"), {"kb-1": "text"})]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), KeyboardInterrupt()])
def test_whatever_a_scorer_raises_leaves_the_answer_unscored(loop: LoopThread, error: BaseException):
    def scorer(_: Scored) -> float:
        raise error

    found = graded(loop, scorer)

    assert isinstance(found, Unscored)
    assert type(error).__name__ in found.reason
    assert loop.run(number()) == 5
