"""The model client that rungs ask: it counts, bounds, replays and records."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property

from pytest_ladder.core.answers import Call, Reply, Request
from pytest_ladder.core.canonical import Json, short
from pytest_ladder.core.hybrids import seed_of_attempt
from pytest_ladder.core.ports import Model, Priced
from pytest_ladder.core.prices import Price, expected_tokens
from pytest_ladder.core.prompt_parts import told
from pytest_ladder.engine.meter import Meter
from pytest_ladder.engine.retry import Pace
from pytest_ladder.engine.warmth import is_cold, warmed
from pytest_ladder.errors import InvalidRequest, LadderError, MissingRecording, ModelFailed, ModelRefused, message

CROWDED_S = 0.01
"""How often a call looks whether the budget has room again."""


@dataclass
class Ending:
    """Whether the rung has ended whose answers are being made: then no call is begun any more."""

    fault: LadderError | None = None
    """Why it has; None while it goes on."""

    def check(self) -> None:
        """Raise the fault anew where there is one."""
        if self.fault is not None:
            raise type(self.fault)(str(self.fault))


@dataclass
class Ledger:
    """The model calls of one answer, and how much of its wall time was queueing."""

    repeat: int = 0
    calls: list[Call] = field(default_factory=list)
    asked: int = 0
    deadline: float | None = None
    """When the answer is given up, on `time.monotonic`; None for never."""
    idle_s: float = 0.0
    """Wall seconds that were not the model's own: negative where replayed calls took time when they were made."""
    ending: Ending = field(default_factory=Ending)
    """Of the rung; shared by all its ledgers."""

    def note(self, call: Call, wall_s: float, asked: bool) -> None:
        """Count one call, made or replayed, that took `wall_s` seconds here."""
        self.calls.append(call)
        self.asked += asked
        self.idle_s += wall_s - call.reply.latency_s


current_ledger: ContextVar[Ledger | None] = ContextVar("current_ledger", default=None)
"""The ledger of the answer being made; tasks and threads started for it inherit it."""
_attempts: ContextVar[tuple[int, ...]] = ContextVar("attempts", default=())
"""Which of several answers to the same question is being made, an outer system's number first."""


@contextmanager
def attempt(number: int) -> Iterator[None]:
    """Make another answer to the same question: its calls have a seed of their own, from number 1 on."""
    token = _attempts.set((*_attempts.get(), number))
    try:
        yield
    finally:
        _attempts.reset(token)


@dataclass
class Client:
    """Asks one model for one rung; an `LLM` of `core.ports`."""

    name: str | None
    """The model's name as written in ladder.toml; None where none is named."""
    open_model: Callable[[str], Model]
    """Builds the model; called once, and only when something must be asked."""
    options: Mapping[str, Json]
    seed: int
    meter: Meter
    recorded: Callable[[str], Call | None]
    """Looks a request digest up among the recorded calls."""
    read_only: bool
    where: str
    files: str = ""
    """Digest of the project's files that are the model: with other code or another adapter it is another one."""
    stray: Callable[[Call], None] = lambda _: None
    """Gets each new call that belongs to no answer in the making."""
    pace: Pace | None = None
    """Of a hosted model: how fast it is asked, and how often again; None for a model that is asked at once."""
    clean: Callable[[str], str] = str
    """Takes secrets out of what a provider says."""
    concurrency: int = 16
    """Most calls at a time that belong to no answer in the making; answers are counted elsewhere."""
    timeout_s: float = 600.0
    """For one such call; one of an answer has what is left of the answer's time."""
    _model: Model | None = None
    _price: Price | None = None

    async def chat(self, messages: Sequence[Mapping[str, Json]], /, **options: Json) -> Reply:
        """Ask for one reply, from the recordings where the same request is on record.

        Raises:
            MissingRecording: read-only, and the request is not on record.
            BudgetSpent: a bound of the run is reached.
            ModelFailed: the model gave no usable reply.
        """
        ledger = current_ledger.get()
        request = self._request(messages, options, ledger.repeat if ledger else 0)
        start = time.perf_counter()
        digest = request.digest
        call = self.recorded(digest)
        asked = call is None
        if call is None:
            cold = not self.read_only and is_cold(self.model())
            try:
                reply = await (self._ask(request, digest, ledger) if ledger else self._aside(request, digest))
            except ModelFailed:
                if ledger is not None:  # where the system goes on without it, it is no part of its answer's time
                    ledger.idle_s += time.perf_counter() - start
                raise
            call = told(Call(digest, request.model, reply), messages, cold)
            if cold:
                warmed(self.model())
        if ledger is not None:
            ledger.note(call, time.perf_counter() - start, asked)
        elif asked:
            self.stray(call)
        return call.reply

    def on_record(self, messages: Sequence[Mapping[str, Json]], /) -> bool:
        """Whether a call that belongs to no answer need not be made."""
        return self.recorded(self._request(messages, {}, 0).digest) is not None

    def _request(self, messages: Sequence[Mapping[str, Json]], options: Mapping[str, Json], repeat: int) -> Request:
        if self.name is None:
            raise InvalidRequest(
                message(self.where, "no model is named", next_step='set `model = "..."` at the top or in the rung')
            )
        seed = seed_of_attempt(self.seed, _attempts.get())
        return Request(self.name, tuple(messages), {**self.options, **options}, seed, repeat, self.files)

    async def _aside(self, request: Request, digest: str) -> Reply:
        """A call that belongs to no answer: it has the bounds that an answer has."""
        async with self._places:
            try:
                async with asyncio.timeout(self.timeout_s) as deadline:
                    until = min(time.monotonic() + self.timeout_s, self.meter.ends)
                    return await self._ask(request, digest, Ledger(deadline=until))
            except TimeoutError:
                if not deadline.expired():
                    raise
                told = f"{request.model} gave no reply within {self.timeout_s:g} s"
                raise ModelFailed(message(self.where, told, next_step="raise `--ladder-timeout`")) from None

    @cached_property
    def _places(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(self.concurrency)

    async def _ask(self, request: Request, digest: str, ledger: Ledger) -> Reply:
        if self.read_only:
            raise MissingRecording(
                message(
                    self.where,
                    f"a call of {request.model} is not on record (request {short(digest)})",
                    next_step="run `pytest --ladder` with `--ladder-record=new` and commit the recordings",
                )
            )
        model = self.model()
        usd, tokens = self._expected(request)
        while self.meter.full:
            await asyncio.sleep(CROWDED_S)
        self.meter.reserve(usd, tokens)
        reply = None
        try:
            ledger.ending.check()
            if self.pace is None:
                reply = await model.complete(request)
            else:
                reply = await self.pace.complete(model, request, ledger.deadline, ledger.ending.check)
        except (ModelRefused, ModelFailed) as fault:
            if self.pace is None:
                raise
            raise (ModelRefused if isinstance(fault, ModelRefused) else ModelFailed)(self.clean(str(fault))) from None
        finally:
            self.meter.settle(reply, usd, tokens)
        return reply

    def _expected(self, request: Request) -> tuple[float, float]:
        """USD and tokens that a call will take, roughly; 0 of what no budget bounds, or what costs nothing."""
        price = self._price
        priced = price is not None and not price.free and self.meter.bounds_cost
        if not priced and not self.meter.bounds_tokens:
            return 0.0, 0.0
        tokens = expected_tokens(request.messages, request.options.get("max_tokens"), self.meter.usual_tokens)
        return price.cost(*tokens) if price is not None else 0.0, sum(tokens)

    def model(self) -> Model:
        """The model itself, built at the first use."""
        if self._model is None:
            assert self.name is not None
            self._model = self.open_model(self.name)
            self._price = self._model.price if isinstance(self._model, Priced) else None
        return self._model
