"""Asking a judge: counted, bounded, recorded and replayed, apart from the answers it judges."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_ladder.core.answers import Call, Reply, Usage
from pytest_ladder.core.canonical import Json, digest
from pytest_ladder.core.judged import JudgeUsage
from pytest_ladder.engine.client import Client, Ending, Ledger, current_ledger
from pytest_ladder.errors import InvalidFile, MissingRecording, ModelFailed, ModelRefused, message
from pytest_ladder.store.judge_calls import JudgeCalls


@dataclass
class Permission:
    """Whether judges may be asked at this moment, or are to be answered from the recordings alone."""

    asking: bool = False
    again: bool = False
    """Whether what is on record is to be asked again, once in this run."""
    retrying: bool = False
    """Whether a failure on record counts as nothing: what is to be asked is being looked for."""
    aside: dict[str, Call] | None = None
    """Where calls go that are not to be put on record, by request; None where they are to be."""
    anew: bool = False
    """Whether, of what goes aside, calls that are on record are asked again too."""


@dataclass
class Wanted(Ledger):
    """The ledger of one question to a judge."""

    digest: str = ""
    """Of the request."""


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
    text: Callable[[str], str]
    """The same of a text."""
    guard: Callable[[], None]
    """Readies the folder of the recordings."""
    where: str
    timeout_s: float = 600.0
    used: dict[str, Call] = field(default_factory=dict)
    """Request digest -> call, of all that was needed since the last count began."""
    made: set[str] = field(default_factory=set)
    """Request digests that were asked in this run."""
    failed: dict[str, str] = field(default_factory=dict)
    """Request digest -> why the judge failed at it in this run: it is asked again by the next one."""
    _now: set[str] = field(default_factory=set)
    """Of these, those that were asked since the last count began."""
    ending: Ending = field(default_factory=Ending)
    """Whether the provider takes no call of this run: then none is begun any more."""
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client.recorded = self._recorded

    async def chat(self, messages: Sequence[Mapping[str, Json]], /, **options: Json) -> Reply:
        """Ask for one reply, from the recordings where the same request is on record.

        Raises:
            MissingRecording: nothing may be asked now, and the request is not on record.
            BudgetSpent: a bound of the run is reached.
            ModelFailed: the model gave no usable reply, or none in time; that is put on record too.
            ModelRefused: the provider takes no call of this run; it is not asked a second time.
        """
        self.client.read_only = not self.permission.asking
        turn = self._turns.setdefault(digest([list(map(dict, messages)), options]), asyncio.Lock())
        async with turn:
            return await self._chat(messages, options)

    async def _chat(self, messages: Sequence[Mapping[str, Json]], options: Mapping[str, Json]) -> Reply:
        ledger = Wanted(ending=self.ending)
        token = current_ledger.set(ledger)
        try:
            await self._ask(messages, options)
        except ModelFailed as fault:
            raise ModelFailed(self._failed(ledger.digest, str(fault))) from None
        except ModelRefused as fault:
            self.ending.fault = self.ending.fault or fault
            raise
        finally:
            current_ledger.reset(token)
        call = ledger.calls[0]
        if ledger.asked:
            call = self._keep(call)
        self.used[call.request_digest] = call
        return call.reply

    async def _ask(self, messages: Sequence[Mapping[str, Json]], options: Mapping[str, Json]) -> None:
        try:
            async with asyncio.timeout(self.timeout_s):
                await self.client.chat(messages, **options)
        except TimeoutError:
            told = message(self.where, f"the judge gave no verdict within {self.timeout_s:g} s")
            raise ModelFailed(told) from None

    def _keep(self, call: Call) -> Call:
        clean = self.clean(call)
        if self.permission.aside is not None:
            self.permission.aside[clean.request_digest] = clean
            return clean
        self._write(lambda: self.calls.add(clean))
        self.made.add(clean.request_digest)
        self._now.add(clean.request_digest)
        return clean

    def _failed(self, request_digest: str, reason: str) -> str:
        """Why the judge failed, as it may be shown; put on record once, for it may fail in other words each time."""
        clean = self.text(reason)
        if self.permission.aside is None and self.permission.asking and request_digest not in self.failed:
            self.failed[request_digest] = clean
            if self.calls.failure(request_digest) is None:
                self._write(lambda: self.calls.fail(request_digest, clean))
        return clean

    def _write(self, write: Callable[[], None]) -> None:
        try:
            self.guard()
            self.calls.mark()
            write()
        except OSError as error:
            raise InvalidFile(message(self.calls.where, f"cannot be written ({error.strerror or error})")) from None

    def _recorded(self, request_digest: str) -> Call | None:
        ledger = current_ledger.get()
        if isinstance(ledger, Wanted):
            ledger.digest = request_digest
        found = self._found(request_digest)
        if found is None:
            self._raise_known(request_digest)
        return found

    def _found(self, request_digest: str) -> Call | None:
        permission = self.permission
        if permission.aside is not None and (made := permission.aside.get(request_digest)):
            return made
        again = permission.again and request_digest not in self.made and permission.aside is None
        if (again or permission.anew) and permission.asking:
            return None
        return self.calls.get(request_digest)

    def _raise_known(self, request_digest: str) -> None:
        """Raise what is known of a request without asking."""
        if request_digest in self.failed:
            raise ModelFailed(self.failed[request_digest])
        if not self.permission.asking and (reason := self.calls.failure(request_digest)) is not None:
            if self.permission.retrying:
                raise MissingRecording(message(self.where, "a judge failed at this request, and is to be asked again"))
            raise ModelFailed(reason)
        if self.permission.asking:
            self.ending.check()

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
