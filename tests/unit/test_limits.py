"""How many calls are let through at a time."""

from __future__ import annotations

import asyncio
import time

import pytest

from pytest_ladder.engine.limits import AdaptiveLimit, TooLate


def answered(limit: AdaptiveLimit, calls: int) -> None:
    """So many calls, as many at a time as are let through, all answered."""

    async def one() -> None:
        await limit.enter()
        await asyncio.sleep(0)
        limit.leave(answered=True)

    async def work() -> None:
        await asyncio.gather(*(one() for _ in range(calls)))

    asyncio.run(work())


def refusal(limit: AdaptiveLimit, at_once: int = 1) -> None:
    """So many calls under way together, all refused for the rate."""

    async def work() -> None:
        entered = [await limit.enter() for _ in range(at_once)]
        for epoch in entered:
            limit.refused(epoch, cut=True)
            limit.leave(answered=False)

    asyncio.run(work())


@pytest.mark.parametrize(("most", "start"), [(1, 1), (3, 3), (16, 4), (64, 16), (256, 64)])
def test_it_starts_at_a_quarter_of_what_may_be_asked_at_a_time(most: int, start: int):
    assert AdaptiveLimit(most).limit == start


def test_it_grows_by_one_an_answer_up_to_the_most():
    limit = AdaptiveLimit(16)

    answered(limit, 9)
    assert limit.limit == 8
    answered(limit, 100)
    assert limit.limit == 16
    assert limit.in_flight == 0


def test_it_does_not_grow_while_it_is_not_used():
    limit = AdaptiveLimit(64)
    for _ in range(50):
        answered(limit, 1)

    assert limit.limit == 16


def test_a_refusal_halves_it_and_from_then_on_it_grows_by_one_a_round():
    limit = AdaptiveLimit(64)
    refusal(limit)
    assert limit.limit == 8

    answered(limit, 8 + 9 + 10)
    assert 10 < limit.limit < 11.1


def test_refusals_of_calls_that_were_under_way_together_halve_it_once():
    limit = AdaptiveLimit(64)

    refusal(limit, at_once=16)

    assert (limit.limit, limit.cuts) == (8, 1)


def test_it_never_falls_below_one():
    limit = AdaptiveLimit(16)
    for _ in range(20):
        refusal(limit)

    assert limit.limit == 1
    answered(limit, 3)


def test_a_failure_of_another_kind_changes_nothing():
    limit = AdaptiveLimit(64)

    async def work() -> None:
        await limit.enter()
        limit.leave(answered=False)

    asyncio.run(work())
    assert (limit.limit, limit.cuts, limit.in_flight) == (16, 0, 0)


def test_nobody_is_let_through_during_a_pause_and_then_as_many_as_may():
    limit = AdaptiveLimit(4)
    through: list[float] = []

    async def one() -> None:
        await limit.enter()
        through.append(time.monotonic())
        await asyncio.sleep(0.01)
        limit.leave(answered=True)

    async def work() -> float:
        limit.pause(0.15)
        until = limit.resume_at
        await asyncio.gather(*(one() for _ in range(8)))
        return until

    until = asyncio.run(work())
    assert len(through) == 8
    assert min(through) >= until
    assert limit.in_flight == 0


def test_a_shorter_pause_does_not_end_a_longer_one():
    limit = AdaptiveLimit(4)

    async def work() -> None:
        limit.pause(60)
        limit.pause(0.01)

    asyncio.run(work())
    assert limit.resume_at - time.monotonic() > 50


@pytest.mark.parametrize("paused_before", [True, False])
def test_who_cannot_wait_so_long_is_told_at_once(paused_before: bool):
    limit = AdaptiveLimit(1)

    async def work() -> None:
        await limit.enter()
        if paused_before:
            limit.pause(60)
        waiting = [asyncio.create_task(limit.enter(deadline=time.monotonic() + more)) for more in (1, 600)]
        await asyncio.sleep(0.01)
        limit.pause(60)
        await asyncio.sleep(0.01)
        assert isinstance(waiting[0].exception(), TooLate)
        assert not waiting[1].done()
        waiting[1].cancel()

    asyncio.run(work())


def test_who_was_refused_goes_before_all_who_wait():
    limit = AdaptiveLimit(1)
    order: list[str] = []

    async def one(name: str, first: bool = False) -> None:
        await limit.enter(first)
        order.append(name)
        limit.leave(answered=True)

    async def work() -> None:
        await limit.enter()
        waiting = [asyncio.create_task(one(name)) for name in "ab"]
        await asyncio.sleep(0)
        waiting.append(asyncio.create_task(one("again", first=True)))
        await asyncio.sleep(0)
        limit.leave(answered=True)
        await asyncio.gather(*waiting)

    asyncio.run(work())
    assert order == ["again", "a", "b"]


def test_a_waiter_that_is_sent_away_and_cancelled_at_once_gives_no_place_back():
    limit = AdaptiveLimit(4)
    limit.limit = 1.0

    async def work() -> None:
        await limit.enter()
        waiter = asyncio.create_task(limit.enter(deadline=time.monotonic() + 0.05))
        await asyncio.sleep(0)
        limit.pause(10)  # it is told that it will be too late
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        assert limit.in_flight == 1

    asyncio.run(work())


@pytest.mark.parametrize("handed_over", [False, True])
def test_a_waiter_that_is_cancelled_leaves_no_place_taken(handed_over: bool):
    limit = AdaptiveLimit(1)

    async def work() -> None:
        await limit.enter()
        waiter = asyncio.create_task(limit.enter())
        await asyncio.sleep(0)
        if handed_over:
            limit.leave(answered=True)  # the place is the waiter's now, who has not yet noticed
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        if not handed_over:
            limit.leave(answered=True)
        assert limit.in_flight == 0
        await asyncio.wait_for(limit.enter(), 1)

    asyncio.run(work())
