"""What asking a hosted model costs beyond the library that asks it, over real HTTP to a server in another process.

`direct` is the backend `openai_compatible:` against aiohttp alone, `litellm` the LiteLLM backend against LiteLLM alone.
Ours is all that a call goes through: the budget, the pace with its slow start, the recording of the answer on disk.
Bare is a loop of workers over one queue that keeps each answer as a line of JSON. Each way has a process of its own,
whose CPU time is told: what asks a server directly has no LiteLLM in its memory. They take turns.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from measure import Figure, main

from pytest_ladder.backends.models import build_model
from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case, Question
from pytest_ladder.core.ports import LLM
from pytest_ladder.core.prices import Price
from pytest_ladder.engine.client import Client
from pytest_ladder.engine.collect import Job, Progress, Terms, collect
from pytest_ladder.engine.limits import AdaptiveLimit
from pytest_ladder.engine.meter import Meter
from pytest_ladder.engine.retry import Pace
from pytest_ladder.store.recordings import Recordings

ROOT = Path(__file__).resolve().parent.parent
FINGERPRINT = "sha256:" + "0" * 64
Ask = Callable[[str], Awaitable[str]]


@contextmanager
def serving(wait_ms: int) -> Iterator[str]:
    """The loopback server in a process of its own; its address."""
    command = [sys.executable, "-m", "tests.loopback", f"--wait-ms={wait_ms}"]
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin
    assert server.stdout
    try:
        yield server.stdout.readline().strip()
    finally:
        server.stdin.close()
        server.wait(10)
        server.stdout.close()


async def bare(ask: Ask, cases: list[Case], concurrency: int, folder: Path) -> None:
    queue = iter(cases)
    with (folder / "answers.jsonl").open("w", encoding="utf-8") as file:

        async def worker() -> None:
            for case in queue:
                file.write(json.dumps({"case": case.id, "text": await ask(str(case.input))}) + "\n")

        await asyncio.gather(*(worker() for _ in range(concurrency)))


async def aiohttp_alone(url: str, cases: list[Case], concurrency: int, folder: Path) -> None:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(text: str) -> str:
            body = {"model": "tiny", "messages": [{"role": "user", "content": text}]}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                told = await response.json()
                return str(told["choices"][0]["message"]["content"])

        await bare(ask, cases, concurrency, folder)


async def litellm_alone(url: str, cases: list[Case], concurrency: int, folder: Path) -> None:
    from pytest_ladder.backends.litellm_lm import library

    lib = library()

    async def ask(text: str) -> str:
        messages = [{"role": "user", "content": text}]
        told = await lib.acompletion(model="openai/tiny", api_base=url, api_key="x", messages=messages, max_retries=0)
        return str(told.choices[0].message.content)

    await bare(ask, cases, concurrency, folder)
    await lib.close_litellm_async_clients()
    lib.in_memory_llm_clients_cache.flush_cache()


@dataclass
class Asking:
    """A system that asks its model once."""

    llm: LLM

    async def answer(self, question: Question, /) -> Answer:
        return Answer((await self.llm.chat([{"role": "user", "content": question.text}])).text)


async def ours(name: str, options: dict[str, Any], cases: list[Case], concurrency: int, folder: Path) -> None:
    model = build_model(name, load_function=lambda _: len, folder=folder, price=Price(0, 0))
    recordings = Recordings(folder, "prompt", FINGERPRINT, folder)
    meter = Meter(max_cost_usd=5.0)
    client = Client(
        name=name, open_model=lambda _: model, options=options, seed=17, meter=meter, recorded=lambda _: None,
        read_only=False, where="benchmark", pace=Pace(AdaptiveLimit(concurrency)),
    )  # fmt: skip
    terms = Terms(
        fingerprint=FINGERPRINT,
        record=recordings.take,
        flush=recordings.flush,
        meter=meter,
        concurrency=concurrency,
        texts_only=True,
    )
    jobs = [Job(case.question, case.input_digest, 0) for case in cases]
    errors = await collect(jobs, Asking(client), terms, Progress(len(jobs)))
    assert not errors, errors[0]
    assert recordings.lines == len(cases)
    await asyncio.to_thread(model.close)


WAYS: dict[str, Callable[..., Awaitable[None]]] = {
    "aiohttp alone": aiohttp_alone,
    "direct": lambda url, *rest: ours(f"openai_compatible:{url}#tiny", {}, *rest),
    "LiteLLM alone": litellm_alone,
    "litellm": lambda url, *rest: ours("openai/tiny", {"api_base": url}, *rest),
}


def timed(way: str, url: str, cases: list[Case], concurrency: int) -> tuple[float, float]:
    """Wall and CPU seconds of one way of asking all cases, in a folder of its own."""

    async def work(folder: Path) -> None:
        await WAYS[way](url, cases, concurrency, folder)

    with tempfile.TemporaryDirectory(prefix="ladder-bench-") as name:
        wall, cpu = time.perf_counter(), time.process_time()
        asyncio.run(work(Path(name)))
        return time.perf_counter() - wall, time.process_time() - cpu


def take_turns(way: str, url: str, cases: int, concurrency: int, turns: Connection) -> None:
    """What the process of one way does: it asks all cases each time it is told to, and says what they took."""
    os.environ.setdefault("OPENAI_API_KEY", "none-is-needed")
    asked = [Case(f"case-{number}", f"question {number}", expected="x") for number in range(cases)]
    timed(way, url, asked[:concurrency], concurrency)  # imports are not what is measured
    turns.send(None)
    while turns.recv():
        turns.send(timed(way, url, asked, concurrency))


@contextmanager
def running(way: str, url: str, cases: int, concurrency: int) -> Iterator[Connection]:
    """The process of one way, ready."""
    spawn = get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=take_turns, args=(way, url, cases, concurrency, there))
    process.start()
    there.close()  # what the process does not say because it has failed is then an end of file here
    try:
        here.recv()
        yield here
    finally:
        with suppress(OSError):
            here.send(False)
        process.join(10)


def measure(cases: int, wait_ms: int, concurrency: int, pairs: int) -> list[Figure]:
    took: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    with serving(wait_ms) as url, ExitStack() as stack:
        turns = {way: stack.enter_context(running(way, url, cases, concurrency)) for way in WAYS}
        for number in range(pairs):
            for way in sorted(WAYS, reverse=bool(number % 2)):
                turns[way].send(True)
                took[way].append(turns[way].recv())
    what = f"{cases} cases of {wait_ms} ms, {concurrency} at a time"
    figures = []
    middle = {way: [statistics.median(part) for part in zip(*rows, strict=True)] for way, rows in took.items()}
    least = {way: min(cpu for _, cpu in rows) for way, rows in took.items()}  # what else goes on only adds to it
    for mine, alone in (("direct", "aiohttp alone"), ("litellm", "LiteLLM alone")):
        figures += [
            Figure("hosted", f"{what}, {alone}", middle[alone][0], "s"),
            Figure("hosted", f"{mine}: ratio of wall time to {alone}", _ratio(took, mine, alone, 0), "x"),
            *(
                Figure("hosted", f"{way}: CPU a case, {word}", cpu[way] / cases * 1e3, "ms")
                for way in (alone, mine)
                for word, cpu in (("least", least), ("median", {way: middle[way][1]}))
            ),
            Figure("hosted", f"{mine}: ratio of CPU time to {alone}", _ratio(took, mine, alone, 1), "x"),
        ]
    return figures


def _ratio(took: dict[str, list[tuple[float, float]]], mine: str, alone: str, part: int) -> float:
    """Median of the pairs' ratios."""
    return statistics.median(one[part] / other[part] for one, other in zip(took[mine], took[alone], strict=True))


if __name__ == "__main__":
    assert __doc__
    main(__doc__, {"cases": 1000, "wait_ms": 50, "concurrency": 64, "pairs": 5}, measure)
