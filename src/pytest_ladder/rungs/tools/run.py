"""One answer of an agent: the model calls tools until it knows it, within rules and limits that hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_ladder.core.answers import Answer, Reply
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.core.prompt_parts import CONTEXT, FALLBACK, REPAIR, REPAIRING, Prompt
from pytest_ladder.core.traces import place_of
from pytest_ladder.errors import InvalidFile, LadderError, ModelFailed, ModelRefused, ModelUnavailable, message
from pytest_ladder.rungs.prompting.chat import context_of
from pytest_ladder.rungs.prompting.structured import read_value
from pytest_ladder.rungs.retrieval.advanced_rag import Found
from pytest_ladder.rungs.tools.parts import Parts
from pytest_ladder.rungs.tools.reading import Wanted
from pytest_ladder.rungs.tools.rules import Made
from pytest_ladder.rungs.tools.search import NOTHING_FOUND
from pytest_ladder.rungs.tools.talk import Result, Talk

STEPS, CALLS, COST = "max_steps", "max_tool_calls", "max_cost"
ANSWERED = "answered"

REMINDERS = 2
"""How often an answer is sent back because a required tool was not called."""
REMIND = "Before you answer, call {names}."
AGAIN = "This answer cannot be used: {fault}. Answer once more, with one JSON value that fits the JSON Schema alone."
LAST = "No further tool can be called. Answer now, with what you know."


@dataclass
class Run:
    """One answer in the making."""

    parts: Parts
    question: Question
    steps: list[Json] = field(default_factory=list)
    calls: list[Json] = field(default_factory=list)
    made: Made = field(default_factory=Made)
    retrieved: dict[str, None] = field(default_factory=dict)
    """Ids of the documents that were found, in their order."""
    turns: int = 0
    asked: int = 0
    """Calls that the model asked for, made or refused."""
    reminders: int = 0
    repairs: int = 0
    spent_usd: float = 0.0
    over: str = ""
    """The limit that is reached; empty while none is."""

    def __post_init__(self) -> None:
        self.offers = self.parts.offers(self.question)
        self.needed = [name for name, rule in self.parts.rules.items() if rule.needed(self.question)]
        self._open(self.parts.talks[0])

    async def answer(self) -> Answer:
        """Call tools and answer."""
        while not self.over:
            reply = await self._chat()
            wanted = self.talk.read(reply, self.offers, self.asked)
            if wanted:
                await self._act(reply, wanted)
            elif self._reached() or not self._sent_back(reply):
                return self._ended(reply, ANSWERED)
            self.over = self.over or self._reached()
        return await self._last()

    def _open(self, talk: Talk) -> None:
        prompt = self.parts.chat.messages(self.question)
        if prompt[-1]["role"] == "assistant":
            fault = "the prompt of a tool agent ends in the assistant's words: it could call nothing"
            raise InvalidFile(message(self.parts.where, fault, next_step="end it with a `user:` message"))
        if self.parts.form:
            prompt = self.parts.form.shown(prompt)
        opened = talk.opened(prompt, self.offers, self.question)
        self.talk, self.prompt = talk, Prompt(opened, opened.parts, [*opened.flags, *talk.flags])

    async def _chat(self, last: bool = False) -> Reply:
        reply = None
        try:
            reply = await self._once(last)
        except (ModelFailed, ModelRefused) as fault:
            if isinstance(fault, ModelUnavailable) or not self._otherwise(str(fault).lower(), last):
                raise
        if reply is None:  # not while the first fault is handled: what fails here is told by itself
            reply = await self._once(last)
        self.turns += 1
        self.spent_usd += reply.cost_usd
        return reply

    def _otherwise(self, fault: str, last: bool) -> bool:
        """Whether a refused request can be made in another way; it is then made so for all answers from now on."""
        talks = self.parts.talks
        if last and "tool_choice" in fault:
            self.talk.forbids = False
        elif not self.turns and "tool" in fault and (len(talks) > 1 or self.talk is not talks[0]):
            del talks[:-1]
            talks[0].flags = (FALLBACK,)
            self._open(talks[0])
        else:
            return False
        return True

    async def _once(self, last: bool) -> Reply:
        return await self.parts.llm.chat(self.prompt, **self.talk.options(self.offers, last))

    def _reached(self) -> str:
        limits = self.parts.limits
        if limits.max_cost_usd is not None and self.spent_usd >= limits.max_cost_usd:
            return COST
        return STEPS if self.turns >= limits.max_steps else ""

    async def _act(self, reply: Reply, wanted: Sequence[Wanted]) -> None:
        results = [await self._one(one) for one in wanted]
        self._say(self.talk.turns(reply, results), CONTEXT)

    async def _one(self, wanted: Wanted) -> Result:
        """Make a call, or refuse it; the trace says which."""
        self.asked += 1
        rule, fault = self._refusal(wanted)
        if rule:
            return self._refused(wanted, rule, fault)
        self.calls.append({"name": wanted.name, "arguments": wanted.arguments})
        self.made.executed[wanted.name] += 1
        step: dict[str, Json] = {"step": "tool", "name": wanted.name, "arguments": wanted.arguments}
        self.steps.append(step)
        try:
            given = await self.parts.tools[wanted.name].call(wanted.arguments, self.question)
            text = context_of(given.documents) or NOTHING_FOUND if isinstance(given, Found) else _text(given)
        except LadderError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001  whatever the user's tool raises
            text = self._cut(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
            step |= {"error": text, **({"at": place} if (place := place_of(error)) else {})}
            return Result(wanted, text, failed=True)
        self.made.succeeded.add(wanted.name)
        text = self._cut(text)
        if isinstance(given, Found):  # the text of documents is not recorded
            step["retrieved"] = list(given.retrieved)
            self.steps += given.steps
            self.retrieved |= dict.fromkeys(given.retrieved)
        else:
            step["result"] = text
        return Result(wanted, text, failed=False)

    def _refusal(self, wanted: Wanted) -> tuple[str, str]:
        """The rule that forbids a call and why, both empty where none does; the first that is broken."""
        name, parts = wanted.name, self.parts
        if name not in {offer.name for offer in self.offers}:
            known = ", ".join(offer.name for offer in self.offers) or "none"
            return "when" if name in parts.tools else "name", f"there is no tool {name!r} here; there are: {known}"
        fault = wanted.fault or parts.schemas[name].fault(wanted.arguments)
        if fault:
            return "parameters", fault if wanted.fault else f"the arguments cannot be used: {fault}"
        if self.made.executed.total() >= parts.limits.max_tool_calls:
            self.over = CALLS
            return CALLS, f"{parts.limits.max_tool_calls} calls are made, and there can be no more"
        return parts.rules[name].broken(wanted.arguments, self.made)

    def _refused(self, wanted: Wanted, rule: str, fault: str) -> Result:
        told = {"name": wanted.name, "arguments": wanted.arguments, "rule": rule, "error": fault}
        self.steps.append({"step": "refused", **told})
        return Result(wanted, fault, failed=True)

    def _missing(self) -> list[str]:
        return [name for name in self.needed if not self.made.executed[name]]

    def _sent_back(self, reply: Reply) -> bool:
        """Whether an answer is sent back, for the required tools that were not called or for its form."""
        missing, fault = self._missing(), self._read(reply)[1]
        if missing and self.reminders < REMINDERS:
            self.reminders += 1
            step, told = {"step": "reminded", "missing": missing}, REMIND.format(names=" and ".join(missing))
        elif fault and self._may_repair(reply):
            self.repairs += 1
            step, told = {"step": "sent_back", "error": fault}, AGAIN.format(fault=fault)
        else:
            return False
        self.steps.append(step)
        self._say([*self.talk.turns(reply, ()), {"role": "user", "content": told}], REPAIR)
        self.prompt = Prompt(self.prompt, self.prompt.parts, [*self.prompt.flags, REPAIRING])
        return True

    def _may_repair(self, reply: Reply) -> bool:
        form = self.parts.form
        return form is not None and self.repairs < form.repairs and reply.finish_reason != "content_filter"

    def _read(self, reply: Reply) -> tuple[Json, str]:
        """The value of an answer and "", or None and why it does not fit; None and "" where it need not."""
        return read_value(reply, self.parts.form.schema) if self.parts.form else (None, "")

    async def _last(self) -> Answer:
        """Ask for the answer once more, and make no call that comes instead of it."""
        self._say([{"role": "user", "content": LAST}], REPAIR)
        reply = await self._chat(last=True)
        for wanted in self.talk.read(reply, self.offers, self.asked):
            self._refused(wanted, self.over, LAST)
        return self._ended(reply, self.over)

    def _ended(self, reply: Reply, reason: str) -> Answer:
        told = {"reason": reason, "mode": self.talk.mode, "replies": self.turns, "calls": len(self.calls)}
        self.steps.append({"step": "stop", **told})
        value, fault = self._read(reply)
        return Answer(
            reply.text.strip(), value, tuple(self.retrieved), tuple(self.calls), tuple(self.steps),
            self._validation(fault), reply.finish_reason,
        )  # fmt: skip

    def _validation(self, fault: str) -> Json:
        """Whether every required tool was called and the answer fits; None where neither is asked."""
        if not self.needed and self.parts.form is None:
            return None
        missing = ", ".join(self._missing())
        told = [f"required, and not called: {missing}"] if missing else []
        error = "; ".join([*told, *([fault] if fault else [])])
        return {"valid": not error, "attempts": self.reminders + self.repairs + 1, "error": error or None}

    def _say(self, turns: Sequence[Mapping[str, Any]], part: str) -> None:
        """Go on with the conversation; a user's turn behind another is one with it, as some chat templates ask."""
        said = [*self.prompt, *turns]
        place = len(self.prompt)
        if said[place - 1]["role"] == said[place]["role"] == "user":
            joined = f"{said[place - 1]['content']}\n\n{said[place]['content']}"
            said[place - 1 : place + 1] = [{"role": "user", "content": joined}]
        known = self.prompt.parts
        parts = {**known, part: known.get(part, 0) + _length(said) - _length(self.prompt)}
        self.prompt = Prompt(said, parts, self.prompt.flags)

    def _cut(self, text: str) -> str:
        most = self.parts.limits.max_result
        text = text.encode("utf-8", "replace").decode("utf-8")
        return text if len(text) <= most else f"{text[:most]}\n[cut: {most} of {len(text)} characters]"


def _length(turns: Iterable[Mapping[str, Any]]) -> int:
    return sum(len(str(turn.get("content") or "")) for turn in turns)


def _text(value: Json) -> str:
    """A result as the model is shown it: a text as it is, anything else as JSON; TypeError where it is neither."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
