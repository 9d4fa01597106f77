"""Any server that speaks OpenAI's chat completions, asked over HTTP: vLLM, SGLang, llama.cpp, Ollama, TGI."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pytest_ladder.backends.hosted import (
    QUOTA,
    Terms,
    check_call,
    excerpt,
    fault_of_status,
    no_reply,
    seed_of,
    to_reply,
)
from pytest_ladder.backends.require import require
from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.core.canonical import Json
from pytest_ladder.deadlines import Deadlines
from pytest_ladder.errors import InvalidRequest, LadderError, ModelFailed, ModelUnavailable, message

PREFIX = "openai_compatible:"
URL_ENV = "OPENAI_COMPATIBLE_BASE_URL"
"""The server's address, for a name without one: `openai_compatible:#MODEL`."""
KEY_ENV = "OPENAI_COMPATIBLE_API_KEY"
MOST_BYTES = 16 * 1024 * 1024
"""A longer answer is not read."""
CONNECT_S = 10.0
"""For a connection, and at most half of the call's time."""
CLOSE_S = 5.0


class OpenAICompatible:
    """A `Model` of `core.ports` behind `POST URL/chat/completions`; connections are kept alive.

    Options go along as they are: `temperature`, `max_tokens`, `response_format`, `tools` and whatever else the server
    knows. The seed is the request's plus its repeat, unless `seed` is an option.
    """

    def __init__(self, name: str, terms: Terms) -> None:
        """Read the name; nothing is opened before the first request.

        Args:
            name: `openai_compatible:URL#MODEL`, or without the URL, which then comes from the environment.
            terms: Price, time-out and key.

        Raises:
            InvalidRequest: the name has not this form, or the address is nowhere.
            MissingDependency: aiohttp is not installed.
        """
        self.name = name
        self.price = terms.price
        self._terms = terms
        base, self._model = split(name)
        self._url = f"{base.rstrip('/')}/chat/completions"
        self._http = require("aiohttp", "models behind `openai_compatible:`", "http")
        self._open: tuple[asyncio.AbstractEventLoop, Any, Deadlines] | None = None

    async def complete(self, request: Request, /) -> Reply:
        """Ask once.

        Raises:
            InvalidRequest: an option that goes round the bounds.
            ModelUnavailable: it gave no answer this time.
            ModelRefused: it takes no call with this key or for this name.
            ModelFailed: it refused this request, or what it gave is no answer.
        """
        check_call(request.options, self.name)
        sent = self._body(request)
        start = time.perf_counter()
        status, headers, body = await self._post(sent)
        latency_s = time.perf_counter() - start
        if status != 200:
            named = {name.lower(): value for name, value in headers.items()}
            raise fault_of_status(self.name, status, _said(body), named)
        return to_reply(self._parsed(body), self.name, self._terms, latency_s)

    def _body(self, request: Request) -> bytes:
        seed = {} if "seed" in request.options else {"seed": seed_of(request)}
        messages = [dict(part) for part in request.messages]
        return json.dumps({"model": self._model, "messages": messages, **seed, **request.options}).encode()

    async def _post(self, sent: bytes) -> tuple[int, Mapping[str, str], bytes]:
        http = self._http
        try:
            session, deadlines = self._session()
            with deadlines.begin():
                async with session.post(self._url, data=sent, allow_redirects=False) as response:
                    body = await self._read(response)
                    return response.status, response.headers, body
        except (http.ClientConnectorError, http.ConnectionTimeoutError) as error:
            raise self._unavailable(f"the server cannot be reached ({_told(error)})", unsent=True) from error
        except TimeoutError as error:
            raise self._unavailable(f"no answer within {self._terms.timeout_s:g} s") from error
        except (http.ClientError, OSError) as error:
            raise self._unavailable(f"the connection broke ({_told(error)})") from error

    async def _read(self, response: Any) -> bytes:
        parts, size = [], 0
        async for part in response.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                response.close()
                said = excerpt(parts[0].decode(errors="replace"))
                fault = f"the answer is longer than {MOST_BYTES // 2**20} MiB: {said}"
                raise ModelFailed(message(f"model {self.name}", fault))
        return b"".join(parts)

    def _parsed(self, body: bytes) -> Json:
        try:
            return json.loads(body)
        except ValueError as error:  # a proxy's page, or an answer that was cut: the next one may be whole
            fault = no_reply(self.name, body.decode(errors="replace") or "nothing at all")
            raise ModelUnavailable(str(fault)) from error

    def _unavailable(self, fault: str, *, unsent: bool = False) -> LadderError:
        return ModelUnavailable(message(f"model {self.name}", fault), unsent=unsent)

    def _session(self) -> tuple[Any, Deadlines]:
        loop = asyncio.get_running_loop()
        if self._open is None or self._open[0] is not loop:
            http = self._http
            headers = {"Content-Type": "application/json", "Accept": "application/json"}
            if self._terms.key:
                headers["Authorization"] = f"Bearer {self._terms.key}"
            session = http.ClientSession(
                connector=http.TCPConnector(limit=0),
                timeout=http.ClientTimeout(total=None, sock_connect=min(CONNECT_S, self._terms.timeout_s / 2)),
                headers=headers,
            )
            self._open = loop, session, Deadlines(self._terms.timeout_s)
        return self._open[1:]

    def close(self) -> None:
        """Close the connections; the next request opens new ones. Not to be called on the loop that asks."""
        opened, self._open = self._open, None
        if opened is None:
            return
        loop, session, _ = opened
        if loop.is_running():
            asyncio.run_coroutine_threadsafe(session.close(), loop).result(CLOSE_S)
        elif not loop.is_closed():
            loop.run_until_complete(session.close())


def split(name: str) -> tuple[str, str]:
    """The address and the model of `openai_compatible:URL#MODEL`; raises InvalidRequest where it is not that."""
    url, mark, model = name.removeprefix(PREFIX).partition("#")
    where = f"model {name}"
    expected = f"`{PREFIX}http://HOST:PORT/v1#MODEL`"
    if not mark or not model:
        raise InvalidRequest(message(where, "the name of the model is missing", expected=expected))
    if not url:
        url = os.environ.get(URL_ENV, "").strip()
        if not url:
            fault = f"the address is missing, and the environment variable {URL_ENV} is not set"
            raise InvalidRequest(message(where, fault, expected=expected))
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    step = f"put the key into the environment variable {KEY_ENV}"
    if usable and (parts.username or parts.password):
        raise InvalidRequest(message(where.replace(url, "..."), "the address holds a password", next_step=step))
    if "?" in url or "@" in url:  # it may hold a key: not to be shown
        fault = "the address holds more than a host, a port and a path"
        raise InvalidRequest(message(where.replace(url, "..."), fault, expected=expected, next_step=step))
    if not usable:
        raise InvalidRequest(message(where, "this is no address", got=url, expected=expected))
    return url, model


def _said(body: bytes) -> str:
    """What an error answer says: its message and code where it is as OpenAI's, else its text."""
    text = body.decode(errors="replace") or "without a word"
    try:
        told = json.loads(text)["error"]
        words = [str(told[key]) for key in ("message", "code") if told.get(key)]
        words += [QUOTA] if told.get("type") == QUOTA != told.get("code") else []
    except (ValueError, TypeError, KeyError, AttributeError):
        return text
    return ", ".join(words) or text


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__
