"""Run blocking functions of others beside an event loop, so that one that hangs never holds up the end of a run."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_NOT_FOR_A_FUTURE = (SystemExit, KeyboardInterrupt, StopIteration, asyncio.CancelledError)
"""What would end the loop, the task or the iteration of whoever waits, instead of telling them of a failure."""


async def run_in_daemon(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a blocking function in a daemon thread of its own and wait for its result.

    The function sees the caller's context variables. Cancelling the wait abandons the thread: what the function
    returns later is dropped, also where the loop is closed by then. Unlike an executor's, the thread is not joined
    when the interpreter ends.

    Raises:
        RuntimeError: the function raised SystemExit, KeyboardInterrupt, StopIteration or CancelledError.
        BaseException: whatever else the function raised.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            result = context.run(function, *args, **kwargs)
        except BaseException as error:  # noqa: BLE001  handed to whoever waits
            _deliver(loop, _fail, outcome, _transportable(error))
        else:
            _deliver(loop, _succeed, outcome, result)

    threading.Thread(target=work, name=f"ladder-{getattr(function, '__name__', 'call')}", daemon=True).start()
    return await outcome


def _deliver(loop: asyncio.AbstractEventLoop, act: Callable[[Any, Any], None], outcome: object, value: object) -> None:
    try:
        loop.call_soon_threadsafe(act, outcome, value)
    except RuntimeError:
        if not loop.is_closed():
            raise


def _succeed(outcome: asyncio.Future[T], value: T) -> None:
    if not outcome.done():
        outcome.set_result(value)


def _fail(outcome: asyncio.Future[object], error: BaseException) -> None:
    if not outcome.done():
        outcome.set_exception(error)


def _transportable(error: BaseException) -> BaseException:
    if not isinstance(error, _NOT_FOR_A_FUTURE):
        return error
    replacement = RuntimeError(f"raised {type(error).__name__}({error})")
    replacement.__cause__ = error
    return replacement
