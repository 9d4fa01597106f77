"""Asking a judge: counted, bounded, recorded and replayed, apart from the answers it judges."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_ladder.core.answers import Call, Reply, Usage
from pytest_ladder.core.canonical import Json, digest
from pytest_ladder.core.judged import JudgeUsage
from pytest_ladder.engine.client import Client, Ledger, current_ledger
from pytest_ladder.errors import InvalidFile, ModelFailed, ModelRefused, message
from pytest_ladder.store.judge_calls import JudgeCalls


@dataclass
class Permission:
    """Whether judges may be asked at this moment, or are to be answered from the recordings alone."""

    asking: bool = False
    again: bool = False
    """Whether what is on record is to be asked again, once in this run."""


@dataclass
class JudgeTalk:
    """Asks the model of one judged metric; an `LLM` of `core.ports`.

    The same question is asked once, however often it comes up: a judge does not know whose answer it sees, and says
    the same of two answers alike.
    """

    client: Client
    calls: JudgeCalls
    permission: Permission
    clean: Callable[[Call], Call]
    """Takes out what is not to be written."""
    guard: Callable[[], None]
    """Readies the folder of the recordings."""
    where: str
    timeout_s: float = 600.0
    used: dict[str, Call] = field(default_factory=dict)
    """Request digest -> call, of all that was needed since the last count began."""
    made: set[str] = field(default_factory=set)
    """Request digests that were asked in this run."""
    _now: set[str] = field(default_factory=set)
    """Of these, those that were asked since the last count began."""
    _closed: str = ""
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client.recorded = self._recorded

    async def chat(self, messages: Sequence[Mapping[str, Json]], /, **options: Json) -> Reply:
        """Ask for one reply, from the recordings where the same request is on record.

        Raises:
            MissingRecording: nothing may be asked now, and the request is not on record.
            BudgetSpent: a bound of the run is reached.
            ModelFailed: the model gave no usable reply, or none in time.
            ModelRefused: the provider takes no call of this run; it is not asked a second time.
        """
        self.client.read_only = not self.permission.asking
        turn = self._turns.setdefault(digest([list(map(dict, messages)), options]), asyncio.Lock())
        async with turn:
            return await self._chat(messages, options)

    async def _chat(self, messages: Sequence[Mapping[str, Json]], options: Mapping[str, Json]) -> Reply:
        ledger = Ledger()
        token = current_ledger.set(ledger)
        try:
            async with asyncio.timeout(self.timeout_s):
                await self.client.chat(messages, **options)
        except TimeoutError:
            told = message(self.where, f"the judge gave no verdict within {self.timeout_s:g} s")
            raise ModelFailed(told) from None
        except ModelRefused as fault:
            self._closed = str(fault)
            raise
        finally:
            current_ledger.reset(token)
        call = ledger.calls[0]
        if ledger.asked:
            call = self._keep(call)
        self.used[call.request_digest] = call
        return call.reply

    def _keep(self, call: Call) -> Call:
        clean = self.clean(call)
        try:
            self.guard()
            self.calls.mark()
            self.calls.add(clean)
        except OSError as error:
            raise InvalidFile(message(self.calls.where, f"cannot be written ({error.strerror or error})")) from None
        self.made.add(clean.request_digest)
        self._now.add(clean.request_digest)
        return clean

    def _recorded(self, request_digest: str) -> Call | None:
        anew = self.permission.again and self.permission.asking and request_digest not in self.made
        found = None if anew else self.calls.get(request_digest)
        if found is None and self._closed:
            raise ModelRefused(self._closed)
        return found

    def begin(self) -> None:
        """Begin to count anew."""
        self.used.clear()
        self._now.clear()

    def usage(self) -> JudgeUsage:
        """What was needed since the count began."""
        made = [call for digest, call in self.used.items() if digest in self._now]
        return JudgeUsage(_sum(self.used.values()), _sum(made))


def _sum(calls: Iterable[Call]) -> Usage:
    return sum((call.usage for call in calls), Usage())
