"""Run blocking functions of others beside an event loop, so that one that hangs never holds up the end of a run."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_NOT_FOR_A_FUTURE = (SystemExit, KeyboardInterrupt, StopIteration, asyncio.CancelledError)
"""What would end the loop, the task or the iteration of whoever waits, instead of telling them of a failure."""


class Promise(Generic[T]):
    """A result that another thread hands to the running event loop; nobody minds where the loop is gone by then."""

    def __init__(self) -> None:
        """Begin a promise of the running loop."""
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[T] = self._loop.create_future()

    async def result(self) -> T:
        """Wait for the result; cancelling the wait abandons the promise."""
        return await self._future

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits any more; may be asked from any thread."""
        return self._future.cancelled() or self._loop.is_closed()

    def succeed(self, value: T) -> None:
        """Hand the result over, from any thread."""
        self._deliver(self._future.set_result, value)

    def fail(self, error: BaseException) -> None:
        """Hand an error over, from any thread; one that would end the loop itself becomes a RuntimeError."""
        self._deliver(self._future.set_exception, _transportable(error))

    def _deliver(self, act: Callable[[Any], None], value: object) -> None:
        def settle() -> None:
            if not self._future.done():
                act(value)

        try:
            self._loop.call_soon_threadsafe(settle)
        except RuntimeError:
            if not self._loop.is_closed():
                raise


async def run_in_daemon(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a blocking function in a daemon thread of its own and wait for its result.

    The function sees the caller's context variables. Cancelling the wait abandons the thread: what the function
    returns later is dropped, also where the loop is closed by then. Unlike an executor's, the thread is not joined
    when the interpreter ends.

    Raises:
        RuntimeError: the function raised SystemExit, KeyboardInterrupt, StopIteration or CancelledError.
        BaseException: whatever else the function raised.
    """
    promise: Promise[T] = Promise()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            result = context.run(function, *args, **kwargs)
        except BaseException as error:  # noqa: BLE001  handed to whoever waits
            promise.fail(error)
        else:
            promise.succeed(result)

    threading.Thread(target=work, name=f"ladder-{getattr(function, '__name__', 'call')}", daemon=True).start()
    return await promise.result()


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling gives a coroutine: an `async def`, or an object whose `__call__` is one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


async def call(function: Callable[..., Any], /, *args: object, **kwargs: object) -> Any:
    """Call a function of the user's: on the loop where it is async, else by `run_in_daemon`.

    A coroutine that a sync function returns is awaited on the loop. Raises whatever the function raises.
    """
    if is_async(function):
        return await function(*args, **kwargs)
    returned = await run_in_daemon(function, *args, **kwargs)
    return await returned if inspect.isawaitable(returned) else returned


def _transportable(error: BaseException) -> BaseException:
    if not isinstance(error, _NOT_FOR_A_FUTURE):
        return error
    replacement = RuntimeError(f"raised {type(error).__name__}({error})")
    replacement.__cause__ = error
    return replacement
