from __future__ import annotations

import asyncio
import threading

import pytest

from pytest_ladder.backends.batching import Batcher


def run(batcher: Batcher[int, int], *items: int) -> list[int | BaseException]:
    async def main() -> list[int | BaseException]:
        return await asyncio.gather(*(batcher.submit(item) for item in items), return_exceptions=True)

    try:
        return asyncio.run(main())
    finally:
        batcher.close(30)


def test_each_item_gets_its_own_result_in_whatever_order_they_come():
    batcher = Batcher(lambda items: reversed(list(enumerate(item * 10 for item in items))), 4, "test")
    assert run(batcher, *range(11)) == [item * 10 for item in range(11)]


def test_items_that_come_together_are_served_together_up_to_the_most():
    sizes = []

    def serve(items):
        sizes.append(len(items))
        return list(enumerate(items))

    run(Batcher(serve, 4, "test"), *range(9))
    assert (sum(sizes), max(sizes)) == (9, 4)


def test_an_item_that_fails_leaves_the_others_alone():
    batcher = Batcher(
        lambda items: ((i, ValueError(item) if item == 2 else item) for i, item in enumerate(items)), 9, "x"
    )
    one, two, three = run(batcher, 1, 2, 3)
    assert (one, three) == (1, 3)
    assert isinstance(two, ValueError)


def test_what_the_function_raises_fails_the_items_without_a_result_and_the_next_batch_is_served():
    first = threading.Event()

    def serve(items):
        for place, item in enumerate(items):
            if item == 2 and not first.is_set():
                first.set()
                raise RuntimeError("broken")
            yield place, item

    async def main() -> list[int | BaseException]:
        together = await asyncio.gather(*(batcher.submit(item) for item in (1, 2, 3)), return_exceptions=True)
        return [*together, await batcher.submit(2)]

    batcher = Batcher(serve, 3, "test")
    one, two, three, again = asyncio.run(main())
    batcher.close(30)
    assert (one, again) == (1, 2)
    assert [str(two), str(three)] == ["broken", "broken"]


def test_items_that_nobody_waits_for_are_not_served():
    go, served = threading.Event(), []

    def serve(items):
        go.wait(30)
        served.extend(items)
        return list(enumerate(items))

    async def main() -> None:
        holding = asyncio.create_task(batcher.submit(1))
        await asyncio.sleep(0.05)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(batcher.submit(2), 0.01)
        go.set()
        await holding

    batcher = Batcher(serve, 1, "test")
    asyncio.run(main())
    batcher.close(30)
    assert served == [1]


def test_closing_serves_what_waits_and_ends_the_thread():
    assert run(Batcher(lambda items: list(enumerate(items)), 4, "only here"), 1, 2) == [1, 2]
    assert "only here" not in {thread.name for thread in threading.enumerate()}
