"""The time of many waits, watched by one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from pytest_ladder.deadlines import Deadlines


def within(seconds: float, work: Callable[[], Awaitable[object]], others: int = 0) -> object:
    """What comes of some work with a deadline, while others wait with theirs."""

    async def one(what: Callable[[], Awaitable[object]], deadlines: Deadlines) -> object:
        with deadlines.begin():
            return await what()

    async def all_of_them() -> object:
        deadlines = Deadlines(seconds)
        waiting = [asyncio.ensure_future(one(lambda: asyncio.sleep(60), deadlines)) for _ in range(others)]
        await asyncio.sleep(0)
        try:
            return await one(work, deadlines)
        finally:
            ends = await asyncio.gather(*waiting, return_exceptions=True)
            assert [type(end) for end in ends] == [TimeoutError] * others
            deadlines.close()

    return asyncio.run(all_of_them())


async def hanging() -> None:
    await asyncio.sleep(60)


async def ready() -> str:
    await asyncio.sleep(0)
    return "done"


@pytest.mark.parametrize("others", [0, 3])
def test_what_takes_too_long_is_interrupted_and_told_as_a_timeout(others: int) -> None:
    with pytest.raises(TimeoutError):
        within(0.02, hanging, others)


@pytest.mark.parametrize("others", [0, 3])
def test_what_ends_in_time_is_left_alone_while_others_are_interrupted(others: int) -> None:
    assert within(0.02, ready, others) == "done"


def test_one_timer_serves_all_and_goes_on_to_whoever_is_next() -> None:
    async def staggered() -> list[str]:
        deadlines, ends = Deadlines(0.05), []

        async def one(number: int) -> None:
            await asyncio.sleep(number * 0.01)
            start = asyncio.get_running_loop().time()
            try:
                with deadlines.begin():
                    await hanging()
            except TimeoutError:
                assert asyncio.get_running_loop().time() - start >= 0.05 - 0.001
                ends.append(str(number))

        await asyncio.gather(*map(one, range(4)))
        return ends

    assert asyncio.run(staggered()) == ["0", "1", "2", "3"]


def test_another_interrupt_is_let_through() -> None:
    async def interrupted() -> bool:
        deadlines = Deadlines(60)

        async def one() -> None:
            with deadlines.begin():
                await hanging()

        task = asyncio.ensure_future(one())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        deadlines.close()
        return task.cancelled()

    assert asyncio.run(interrupted())


def test_an_inner_deadline_that_is_over_does_not_end_the_outer_one() -> None:
    async def nested() -> str:
        outer, inner = Deadlines(60), Deadlines(0.01)
        with outer.begin() as whole:
            try:
                with inner.begin():
                    await hanging()
            except TimeoutError:
                await asyncio.sleep(0)
        outer.close()
        task = asyncio.current_task()
        assert task is not None
        return f"{whole.expired} {task.cancelling()}"

    assert asyncio.run(nested()) == "False 0"


def test_both_over_at_once_end_the_outer_one() -> None:
    async def nested() -> None:
        deadlines = Deadlines(0.01)
        with deadlines.begin():
            with deadlines.begin():
                await hanging()
            raise AssertionError("the inner one kept the interrupt")

    with pytest.raises(TimeoutError):
        asyncio.run(nested())


def test_whoever_keeps_the_interrupt_to_itself_is_marked() -> None:
    async def stubborn() -> bool:
        deadlines = Deadlines(0.01)
        with deadlines.begin() as deadline, suppress(asyncio.CancelledError):
            await hanging()
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling()
        return deadline.expired

    assert asyncio.run(stubborn())


def test_what_has_ended_is_not_kept() -> None:
    async def many() -> int:
        deadlines = Deadlines(60)
        for _ in range(100):
            with deadlines.begin():
                pass
        deadlines.close()
        return len(deadlines._running)

    assert asyncio.run(many()) <= 1
