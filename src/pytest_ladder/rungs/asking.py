"""The model client as the user's own systems hold it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import warnings
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from pytest_ladder.core.answers import Reply
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.ports import LLM
from pytest_ladder.errors import InvalidRequest, SystemFailed, message

Messages = str | Sequence[Mapping[str, Json]]
"""Chat messages `{"role", "content"}`, or the text of one user message."""


class AwaitingLLM:
    """The model client for async code: what `chat` gives is awaited."""

    def __init__(self, llm: LLM, where: str) -> None:
        """Wrap a client; `where` begins the messages of errors."""
        self._llm = llm
        self._where = where

    def chat(self, messages: Messages, /, **options: Json) -> Asked:
        """Ask for one reply; raises InvalidRequest where these are no messages."""
        checked = as_messages(messages, self._where)
        return Asked(lambda: self._ask(checked, options))

    async def _ask(self, messages: Sequence[Mapping[str, Json]], options: Mapping[str, Json]) -> Reply:
        return await self._llm.chat(messages, **options)


class BlockingLLM:
    """The model client for a function that runs in a thread: `chat` waits for the reply."""

    def __init__(self, llm: LLM, where: str, loop: asyncio.AbstractEventLoop) -> None:
        """Wrap a client that lives on a running loop, for threads other than the loop's."""
        self._llm = llm
        self._where = where
        self._loop = loop
        self._open = True
        self._asked: set[concurrent.futures.Future[Reply]] = set()

    def chat(self, messages: Messages, /, **options: Json) -> Reply:
        """Ask for one reply and wait for it.

        Raises:
            InvalidRequest: these are no messages.
            SystemFailed: the answer is no longer waited for.
        """
        checked = as_messages(messages, self._where)
        self._check()
        asked = asyncio.run_coroutine_threadsafe(self._ask(checked, options), self._loop)
        self._asked.add(asked)
        try:
            return asked.result()
        finally:
            self._asked.discard(asked)

    def release(self) -> None:
        """Refuse whatever is asked from now on, and cancel what has been asked."""
        self._open = False
        for asked in tuple(self._asked):
            asked.cancel()

    def _check(self) -> None:
        if not self._open or self._loop.is_closed():
            raise SystemFailed(message(f"{self._where}: llm.chat", "nobody waits for this answer any more"))
        if _running_loop() is self._loop:
            fault = "a coroutine of a function that is not `async def` would wait for itself"
            raise SystemFailed(message(f"{self._where}: llm.chat", fault, next_step="declare the system `async def`"))

    async def _ask(self, messages: Sequence[Mapping[str, Json]], options: Mapping[str, Json]) -> Reply:
        return await self._llm.chat(messages, **options)


class Asked(Coroutine[Any, Any, Reply]):
    """A reply to come: it must be awaited, and says so to whoever takes it for the reply itself.

    Nothing is asked before it is awaited, or made a task.
    """

    __slots__ = ("_ask", "_idle", "_work")

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, Reply]]) -> None:
        """Keep the question; `ask` begins to ask."""
        self._idle = True
        self._ask = ask
        self._work: Coroutine[Any, Any, Reply] | None = None

    def _begun(self) -> Coroutine[Any, Any, Reply]:
        self._idle = False
        if self._work is None:
            self._work = self._ask()
        return self._work

    def __await__(self) -> Any:
        return self._begun().__await__()

    def send(self, value: Any) -> Any:
        """Go on, as any coroutine does."""
        return self._begun().send(value)

    def throw(self, *error: Any) -> Any:
        """Go on with an error, as any coroutine does."""
        return self._begun().throw(*error)

    def close(self) -> None:
        """Give up."""
        self._idle = False
        if self._work is not None:
            self._work.close()

    def __getattr__(self, name: str) -> Any:
        self._idle = False
        raise AttributeError(f"the reply is not there yet: write `(await llm.chat(...)).{name}`")

    def __del__(self) -> None:
        if self._idle:
            warnings.warn("a reply of llm.chat was never awaited, so nothing was asked", RuntimeWarning, stacklevel=2)


def as_messages(given: object, where: str) -> list[Mapping[str, Json]]:
    """Read what was given to `llm.chat`: messages, or one text as the user's; else InvalidRequest."""
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if isinstance(given, Sequence) and given and all(map(_is_message, given)):
        return list(given)
    wrong = next((part for part in given if not _is_message(part)), given) if isinstance(given, Sequence) else given
    expected = 'a text, or a list of {"role", "content"} objects'
    raise InvalidRequest(message(f"{where}: llm.chat", "these are no messages", got=wrong, expected=expected))


def _is_message(part: object) -> bool:
    if not isinstance(part, Mapping) or not isinstance(part.get("role"), str):
        return False
    return "content" in part or bool(part.get("tool_calls"))


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
