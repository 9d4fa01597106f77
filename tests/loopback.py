"""An OpenAI-compatible chat server on this machine that answers and misbehaves as it is told, and counts all of it.

Written on bare sockets, so that it can break every rule of HTTP. It answers the last number in the last message: a
client that mixes answers up, or takes garbage for one, is found out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

T = TypeVar("T")

MODEL = "loop-1"
"""The name that the server gives its model."""

REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
           422: "Unprocessable Entity", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Unavailable"}  # fmt: skip


@dataclass(frozen=True)
class Act:
    """What the server does with one request; by default it answers it."""

    status: int = 200
    body: bytes | None = None
    """In place of the answer."""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    """Before the answer."""
    drip_s: float = 0.0
    """Between the two halves of the answer."""
    sent: float = 1.0
    """The share of the announced body that is sent before the connection is closed; 0 sends not even the head."""


def answer_to(asked: str) -> str:
    """The right answer to a message: its last number."""
    return f"answer {(re.findall('[0-9]+', asked) or ['none'])[-1]}"


OK = Act()
RESET = Act(sent=0.0)
HANG = Act(wait_s=3600.0)
TRUNCATED = Act(sent=0.5)
GARBAGE = Act(body=b"{'not': json, \xff")
HTML = Act(body=b"<html><body>Sign in to the hotel network</body></html>", headers={"Content-Type": "text/html"})
EMPTY = Act(body=b"")
HUGE = Act(body=b'{"pad": "' + b"x" * (20 * 1024 * 1024) + b'"}')
SLOW = Act(wait_s=0.3, drip_s=0.2)


def failing(status: int, *, code: str | None = None, text: str = "the server says no", **headers: str) -> Act:
    """An error answer as a provider words it; `retry_after="1"` becomes the header Retry-After."""
    body = json.dumps({"error": {"message": text, "type": "error", "code": code}}).encode()
    return Act(status, body, {name.replace("_", "-").title(): value for name, value in headers.items()})


def saying(text: str | None = None, **changes: Any) -> Act:
    """An answer with parts replaced: `usage`, `model`, `choices` of the body, or `finish_reason` of the choice."""
    return Act(body=json.dumps(completion({}, text, **changes)).encode())


def completion(request: Mapping[str, Any], text: str | None = None, **changes: Any) -> dict[str, Any]:
    """The body of an ordinary answer: as JSON where a schema is given, as a tool call where there are tools."""
    messages = request.get("messages") or [{"content": ""}]
    asked = str(messages[-1].get("content") or "")
    told = answer_to(asked) if text is None else text
    message: dict[str, Any] = {"role": "assistant", "content": told}
    if (request.get("response_format") or {}).get("type") == "json_schema":
        message["content"] = json.dumps({"answer": told})
    finish = changes.pop("finish_reason", "stop")
    if request.get("tools"):
        function = {"name": request["tools"][0]["function"]["name"], "arguments": json.dumps({"told": told})}
        message |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
        finish = "tool_calls"
    used = {"prompt_tokens": len(asked.split()), "completion_tokens": len(told.split())}
    whole = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": used | {"total_tokens": sum(used.values())},
    }  # fmt: skip
    return {key: value for key, value in (whole | changes).items() if value is not None}


@dataclass(frozen=True)
class Seen:
    """One request that arrived."""

    number: int
    """From 0, in the order of arrival."""
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: dict[str, Any]
    at: float
    """Seconds on the server's loop."""
    tries: int
    """How often the same message had arrived before."""

    @property
    def asked(self) -> str:
        """The text of the last message."""
        return str(self.body["messages"][-1]["content"])


Script = Callable[[Seen], Act]


class Loopback:
    """The server, on a thread of its own; a context manager.

    Args:
        script: What to do with each request.
        most: Requests served at a time; one more is answered 429. None for no bound.
        retry_after: The header of those 429s; None for none.
    """

    def __init__(self, script: Script = lambda _: OK, *, most: int | None = None, retry_after: str | None = None):
        self.script = script
        self.most = most
        self.retry_after = retry_after
        self.requests: list[Seen] = []
        self.answered: Counter[str] = Counter()
        """Message -> how often it got a whole and right answer."""
        self.refused = 0
        """How many 429s were sent because too many requests were there at once."""
        self.peak = 0
        self.connections = 0
        self.port = 0
        self._now = 0
        self._arrived: Counter[str] = Counter()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback", daemon=True)

    @property
    def url(self) -> str:
        """The base address, with `/v1`."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def model(self) -> str:
        """The name of its model for the direct backend."""
        return f"openai_compatible:{self.url}#tiny"

    def __enter__(self) -> Loopback:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def stop(self) -> None:
        """Go down: every connection is cut, and no new one accepted."""
        self._run(self._down())

    def start(self) -> None:
        """Come up again on the same port."""
        self._run(self._listen())

    def restart(self, after_s: float, down_s: float) -> None:
        """Go down after a while, and come up again later; returns at once."""

        async def work() -> None:
            await asyncio.sleep(after_s)
            await self._down()
            await asyncio.sleep(down_s)
            await self._listen()

        asyncio.run_coroutine_threadsafe(work(), self._loop)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _down(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._open):
            writer.transport.abort()
        await asyncio.sleep(0.01)

    async def _end(self) -> None:
        await self._down()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(":")[::2] for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, value in pairs}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))) or b"{}")
        self._now += 1
        self.peak = max(self.peak, self._now)
        try:
            seen = self._noted(head[0].split()[1], headers, body)
            return await self._act(self._chosen(seen), seen, writer)
        finally:
            self._now -= 1

    def _noted(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Seen:
        key = str((body.get("messages") or [{}])[-1].get("content"))
        seen = Seen(len(self.requests), path, headers, body, self._loop.time(), self._arrived[key])
        self._arrived[key] += 1
        self.requests.append(seen)
        return seen

    def _chosen(self, seen: Seen) -> Act:
        if seen.path != "/v1/chat/completions":
            return failing(404, text=f"no such path: {seen.path}")
        if self.most is not None and self._now > self.most:
            self.refused += 1
            return failing(429, **({"retry_after": self.retry_after} if self.retry_after else {}))
        return self.script(seen)

    async def _act(self, act: Act, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        if act.wait_s:
            await asyncio.sleep(act.wait_s)
        if not act.sent:
            writer.transport.abort()
            return False
        body = json.dumps(completion(seen.body)).encode() if act.body is None else act.body
        named = {"Content-Type": "application/json", "Content-Length": str(len(body)), **act.headers}
        lines = [f"HTTP/1.1 {act.status} {REASONS.get(act.status, '')}", *(f"{k}: {v}" for k, v in named.items())]
        whole = "\r\n".join([*lines, "", ""]).encode() + body
        if act.drip_s:
            writer.write(whole[:-2])
            await writer.drain()
            await asyncio.sleep(act.drip_s)
            writer.write(whole[-2:])
        else:
            writer.write(whole if act.sent == 1.0 else whole[: len(whole) - int(len(body) * (1 - act.sent))])
        await writer.drain()
        if act.status == 200 and act.body is None and act.sent == 1.0:
            self.answered[seen.asked] += 1
        return act.sent == 1.0


def in_turn(*acts: Act) -> Script:
    """One act a request, in this order; then ordinary answers."""
    return lambda seen: acts[seen.number] if seen.number < len(acts) else OK


def at_first(*acts: Act) -> Script:
    """For each message, one act a try; then ordinary answers."""
    return lambda seen: acts[seen.tries] if seen.tries < len(acts) else OK


def waiting(seconds: float) -> Script:
    """Answer after so many seconds."""
    return lambda _: replace(OK, wait_s=seconds)


def main() -> None:
    """Serve until the input ends: `python -m tests.loopback --wait-ms=50` prints its address."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wait-ms", type=int, default=0)
    with Loopback(waiting(parser.parse_args().wait_ms / 1000)) as server:
        print(server.url, flush=True)
        try:
            input()
        except EOFError:
            return


if __name__ == "__main__":
    main()
