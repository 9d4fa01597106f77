"""Hosted models by their LiteLLM names: `openai/gpt-4.1-mini`, `anthropic/claude-...`, `bedrock/...`."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

from pytest_ladder.backends.hosted import (
    Terms,
    check_call,
    seed_of,
    to_reply,
    unpriced,
)
from pytest_ladder.backends.litellm_faults import fault_of
from pytest_ladder.backends.litellm_list import logs_in
from pytest_ladder.backends.litellm_wire import Watch, watch_transports, watching
from pytest_ladder.backends.require import require
from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.prices import Price
from pytest_ladder.errors import InvalidRequest, message

FEATURE = "hosted models"
AT_IMPORT: Mapping[str, str] = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
"""What keeps LiteLLM's import from the network (its price list comes with it) and from a `.env` file it would load."""

CLOSE_S = 5.0
_MILLION = 1_000_000


class LiteLLM:
    """A `Model` of `core.ports` that asks through LiteLLM, once a request: repetitions are the engine's.

    Options go along as they are: `temperature`, `max_tokens`, `response_format`, `tools`, `api_base` and whatever else
    the provider knows; one that it does not know is an error. The seed goes along where the provider takes one.
    """

    def __init__(self, name: str, settings: Callable[[Price], Terms], price: Price | None = None) -> None:
        """Look the name and its price up; nothing is asked before the first request.

        Args:
            name: The name as LiteLLM knows it.
            settings: Makes the terms from the price.
            price: As declared; None to take LiteLLM's own.

        Raises:
            InvalidRequest: no provider of this name, or no price is known.
            MissingDependency: LiteLLM is not installed.
        """
        self.name = name
        self._lib = library()
        self._short, self._provider = _provider(self._lib, name)
        self._declared = price is not None
        self.price = price if price is not None else _listed(self._lib, name, self._short, self._provider)
        self._terms = settings(self.price)
        self._seeded = "seed" in (self._lib.get_supported_openai_params(self._short, self._provider) or ())
        self._loop: asyncio.AbstractEventLoop | None = None

    async def complete(self, request: Request, /) -> Reply:
        """Ask once.

        Raises:
            InvalidRequest: an option that goes round the bounds.
            ModelUnavailable: it gave no answer this time.
            ModelRefused: it takes no call with this key or for this name.
            ModelFailed: it refused this request, or what it gave is no answer.
        """
        check_call(request.options, self.name)
        self._loop = asyncio.get_running_loop()
        outer = sys.exc_info()[1]
        start = time.perf_counter()
        with watching(Watch(self.name, self._terms)) as watch:
            try:
                response = await self._lib.acompletion(**self._arguments(request))
            except Exception as error:  # noqa: BLE001  each means something for the run
                raise fault_of(error, self.name, outer) from None
        latency_s = time.perf_counter() - start if watch.latency_s is None else watch.latency_s
        reply = to_reply(_plain(response), self.name, self._terms, latency_s)
        return reply if self._declared else self._priced(reply, response)

    def _arguments(self, request: Request) -> dict[str, Json]:
        seed = {"seed": seed_of(request)} if self._seeded else {}
        key = {"api_key": self._terms.key} if self._terms.key else {}
        return {
            "model": self.name, "messages": [dict(part) for part in request.messages], **seed, **request.options, **key,
            "timeout": self._terms.timeout_s, "max_retries": 0, "num_retries": 0,
            "_skip_mcp_handler": True,  # without it, `tools` needs the package `mcp`
        }  # fmt: skip

    def _priced(self, reply: Reply, response: Any) -> Reply:
        """The reply with LiteLLM's own account of the cost, which knows of cached and of reasoning tokens."""
        try:
            cost = self._lib.completion_cost(completion_response=response, model=self.name)
        except Exception:  # noqa: BLE001  its list holds the price of the plain tokens, by which the reply is priced
            return reply
        return replace(reply, cost_usd=float(cost)) if cost else reply

    def close(self) -> None:
        """Close the connections. Not to be called on the loop that asks."""
        loop, self._loop = self._loop, None
        if loop is None or loop.is_closed():
            return
        if loop.is_running():
            asyncio.run_coroutine_threadsafe(_close_all(self._lib), loop).result(CLOSE_S)
        else:
            loop.run_until_complete(_close_all(self._lib))


async def _close_all(lib: Any) -> None:
    await lib.close_litellm_async_clients()
    lib.in_memory_llm_clients_cache.flush_cache()


@cache
def library() -> Any:
    """LiteLLM itself, imported without a look at the network or at a `.env` file, and quiet."""
    with _environment(AT_IMPORT), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports; a project may turn warnings into errors
        lib: Any = require("litellm", FEATURE, "llm")
        lib.ModelResponse()  # it completes its own types at the first use, not without a warning
        watch_transports()
    lib.telemetry = False
    lib.suppress_debug_info = True
    return lib


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _provider(lib: Any, name: str) -> tuple[str, str]:
    """The name without its provider, and the provider."""
    if logs_in(name):  # asked for no more than this, LiteLLM would do so at once
        provider, _, short = name.partition("/")
        return short, provider
    try:
        short, provider, *_ = lib.get_llm_provider(model=name)
    except Exception as error:
        expected = "`PROVIDER/MODEL` as LiteLLM knows it, `local:PATH-OR-HUB-ID`, `openai_compatible:URL#MODEL` or "
        raise InvalidRequest(
            message(f"model {name}", "no provider of this name is known", expected=expected + "`models.py:function`")
        ) from error
    return str(short), str(provider)


def _listed(lib: Any, name: str, short: str, provider: str) -> Price:
    """The price of LiteLLM's list, of this provider and no other."""
    for key in (name, f"{provider}/{short}", short):
        known = lib.model_cost.get(key)
        if known and str(known.get("litellm_provider", "")).startswith(provider):
            into, out = known.get("input_cost_per_token"), known.get("output_cost_per_token")
            if isinstance(into, int | float) and isinstance(out, int | float):
                return Price(round(into * _MILLION, 9), round(out * _MILLION, 9))
    raise unpriced(name)


def _plain(response: Any) -> dict[str, Json]:
    """LiteLLM's response as the body of a chat completion."""
    choices = [
        {"message": _message(choice.message), "finish_reason": choice.finish_reason} for choice in response.choices
    ]
    used = getattr(response, "usage", None)
    usage = {key: getattr(used, key, None) for key in ("prompt_tokens", "completion_tokens")}
    return {"choices": choices, "usage": usage, "model": response.model}


def _message(told: Any) -> dict[str, Json]:
    tools = told.tool_calls and [
        {"id": call.id, "function": {"name": call.function.name, "arguments": call.function.arguments}}
        for call in told.tool_calls
    ]
    return {"content": told.content, "tool_calls": tools or None}
