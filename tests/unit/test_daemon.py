from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextvars import ContextVar

import pytest

from pytest_ladder.core.daemon import call, run_in_daemon

marker: ContextVar[str] = ContextVar("marker", default="unset")


def raises(error: BaseException):
    def function() -> None:
        raise error

    return function


def test_the_result_comes_back():
    assert asyncio.run(run_in_daemon(divmod, 7, 2)) == (3, 1)


def test_the_function_sees_the_callers_context_and_a_daemon_thread():
    async def main() -> tuple[str, bool]:
        marker.set("here")
        return await run_in_daemon(lambda: (marker.get(), threading.current_thread().daemon))

    assert asyncio.run(main()) == ("here", True)


def test_an_error_is_raised_on():
    with pytest.raises(KeyError, match="gone"):
        asyncio.run(run_in_daemon(raises(KeyError("gone"))))


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), StopIteration(), asyncio.CancelledError()])
def test_what_would_end_the_loop_becomes_an_ordinary_error(error):
    with pytest.raises(RuntimeError, match=type(error).__name__):
        asyncio.run(run_in_daemon(raises(error)))


def test_calls_run_side_by_side():
    barrier = threading.Barrier(8, timeout=30)

    async def main() -> None:
        await asyncio.gather(*(run_in_daemon(barrier.wait) for _ in range(8)))

    asyncio.run(main())


def test_a_result_after_the_loop_has_closed_is_dropped():
    go, over = threading.Event(), threading.Event()

    def late() -> int:
        go.wait(30)
        return 1

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run_in_daemon(late), 0.01)
        threading.Thread(target=lambda: (go.wait(30), over.set())).start()

    asyncio.run(main())
    go.set()
    assert over.wait(30)


def test_a_hanging_function_does_not_hold_up_the_end_of_the_process():
    program = """
import asyncio, threading
from pytest_ladder.core.daemon import run_in_daemon
async def main():
    try:
        await asyncio.wait_for(run_in_daemon(threading.Event().wait), 0.05)
    except TimeoutError:
        print("gave up")
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode, done.stderr) == ("gave up\n", 0, "")


class AsyncObject:
    async def __call__(self, value: int) -> int:
        return value + 1


async def plain(value: int) -> int:
    return value + 1


@pytest.mark.parametrize("function", [AsyncObject(), plain, lambda value: value + 1, lambda value: plain(value)])
def test_call_takes_every_kind_of_function(function):
    assert asyncio.run(call(function, 1)) == 2
