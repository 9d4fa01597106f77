"""What passes between LiteLLM and a provider, looked at before LiteLLM makes something of it.

Left alone, LiteLLM follows redirects and sends the key along, takes some JSON that is no completion for an empty answer
and other such JSON for a server in trouble, and counts its own set-up as the time of the first answers.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any

from pytest_ladder.backends.hosted import Terms, fault_of_status, no_reply, to_reply
from pytest_ladder.errors import ModelUnavailable

TRANSPORTS = (
    ("litellm.llms.custom_httpx.aiohttp_transport", "LiteLLMAiohttpTransport"),
    ("httpx", "AsyncHTTPTransport"),
)
"""Modules and classes through which LiteLLM sends; the second where the environment switches the first off."""

CHAT = "/chat/completions"
"""How the path of a request ends whose answer is a chat completion as OpenAI words it."""


@dataclass
class Watch:
    """One call that is under way."""

    name: str
    """The model's name as written in ladder.toml."""
    terms: Terms
    latency_s: float | None = None
    """From the sending of the request to the end of its answer; None where nothing was sent."""


_watched: ContextVar[Watch | None] = ContextVar("watched", default=None)


@contextmanager
def watching(watch: Watch) -> Iterator[Watch]:
    """Look at what is sent and received in this context."""
    token = _watched.set(watch)
    try:
        yield watch
    finally:
        _watched.reset(token)


def watch_transports() -> None:
    """Let the transports be looked at, from now on; whatever is sent outside of `watching` passes as before."""
    for module, name in TRANSPORTS:
        transport = getattr(import_module(module), name)
        transport.handle_async_request = _looked_at(transport.handle_async_request)


def _looked_at(send: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
    @wraps(send)
    async def handle_async_request(self: Any, request: Any) -> Any:
        watch = _watched.get()
        if watch is None:
            return await send(self, request)
        start = time.perf_counter()
        response = await send(self, request)
        body = await response.aread()
        watch.latency_s = time.perf_counter() - start
        _check(watch, request.url.path, response, body)
        return response

    return handle_async_request


def _check(watch: Watch, path: str, response: Any, body: bytes) -> None:
    """Refuse what is neither an answer nor an error that LiteLLM knows; raises LadderError.

    It comes back as the cause of whatever LiteLLM raises.
    """
    status = response.status_code
    chat = path.endswith(CHAT)
    if 300 <= status < 400 or (chat and 200 < status < 300):
        raise fault_of_status(watch.name, status, body.decode(errors="replace") or "without a word", {})
    if chat and status == 200:
        try:
            told = json.loads(body)
        except ValueError as error:  # a proxy's page, or an answer that was cut: the next one may be whole
            fault = no_reply(watch.name, body.decode(errors="replace") or "nothing at all")
            raise ModelUnavailable(str(fault)) from error
        to_reply(told, watch.name, watch.terms, 0.0)
