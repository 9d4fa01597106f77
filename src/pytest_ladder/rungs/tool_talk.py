"""How an agent and its model speak of tools: in the provider's fields, or in lines of text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_ladder.core.answers import Reply
from pytest_ladder.core.canonical import Json, canonical
from pytest_ladder.core.cases import Question
from pytest_ladder.core.prompt_parts import INSTRUCTIONS, Prompt
from pytest_ladder.rungs.template import PromptTemplate

Message = Mapping[str, Json]

PROVIDER, TEXT = "provider", "text"

TOOL_PROMPT = """\
You can call tools. To call one, reply with one line and nothing else: the word CALL, the name of the tool, and its
arguments as a JSON object, as in

CALL name {"argument": "value"}

You are then shown its result, and may call another. Once you know the answer, reply with the answer alone.

Tools:

{{ tools }}
"""
"""What is put before a model that has no field for tools."""

UNREADABLE = "the arguments are not a JSON object"
QUOTED = 100
"""Characters of arguments that an error shows the model again."""
NOTHING = "(nothing)"
"""What stands for an empty reply in a conversation."""
_CALL = re.compile(r"^[^\w\n]*CALL[ \t]+[`*]*([A-Za-z_][\w-]*)(.*)", re.MULTILINE | re.DOTALL)
_MARKS = " \t`*.()"


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as it is offered for one case."""

    name: str
    description: str
    parameters: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call that the model asks for."""

    name: str
    arguments: Json
    id: str = ""
    fault: str = ""
    """Why its arguments cannot be read; empty where they can."""
    before: str = ""
    """What the model wrote before it, in text."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a call, in the model's words."""

    wanted: Wanted
    text: str
    failed: bool


class Talk(Protocol):
    """A way of speaking of tools."""

    mode: str
    """Its name, as `tool_mode` has it."""

    def opened(self, prompt: Prompt, offers: Sequence[Offer], question: Question) -> Prompt:
        """The conversation before the first reply."""

    def options(self, offers: Sequence[Offer], last: bool) -> dict[str, Json]:
        """What goes along with a request; `last` where no call is made any more."""

    def read(self, reply: Reply, offers: Sequence[Offer], before: int) -> list[Wanted]:
        """The calls that a reply asks for, after so many before; none where it is an answer."""

    def turns(self, reply: Reply, results: Sequence[Result]) -> list[Message]:
        """The reply and what came of its calls, as the conversation goes on."""


class ProviderTalk:
    """The fields `tools` and `tool_calls` of chat completion interfaces."""

    mode = PROVIDER

    def opened(self, prompt: Prompt, offers: Sequence[Offer], question: Question) -> Prompt:  # noqa: ARG002
        """The prompt as it is; the tools go along beside it."""
        told = sum(len(json.dumps(_function(offer), ensure_ascii=False)) for offer in offers)
        return Prompt(prompt, {**prompt.parts, INSTRUCTIONS: prompt.parts.get(INSTRUCTIONS, 0) + told}, prompt.flags)

    def options(self, offers: Sequence[Offer], last: bool) -> dict[str, Json]:
        """The tools: the same in every request of an answer, so that its calls so far keep their meaning."""
        tools = [{"type": "function", "function": _function(offer)} for offer in offers]
        return {**({"tools": tools} if tools else {}), **({"tool_choice": "none"} if tools and last else {})}

    def read(self, reply: Reply, offers: Sequence[Offer], before: int) -> list[Wanted]:  # noqa: ARG002
        """The reply's tool calls, each with an id."""
        return [_wanted(call, number) for number, call in enumerate(reply.tool_calls, start=before + 1)]

    def turns(self, reply: Reply, results: Sequence[Result]) -> list[Message]:
        """The reply with its calls, and a message of the role `tool` for each of them."""
        calls = [
            {"id": one.wanted.id, "type": "function",
             "function": {"name": one.wanted.name, "arguments": "{}" if one.wanted.fault else _written(one.wanted)}}
            for one in results
        ]  # fmt: skip
        content = reply.text or (None if calls else NOTHING)
        said = {"role": "assistant", "content": content, **({"tool_calls": calls} if calls else {})}
        told = [
            {"role": "tool", "tool_call_id": one.wanted.id, "content": f"ERROR: {one.text}" if one.failed else one.text}
            for one in results
        ]
        return [said, *told]


class TextTalk:
    """One line `CALL name {json}`; whatever has none is the answer."""

    mode = TEXT

    def __init__(self, template: PromptTemplate) -> None:
        """Take the prompt that tells of the tools."""
        self._template = template

    def opened(self, prompt: Prompt, offers: Sequence[Offer], question: Question) -> Prompt:
        """The prompt with the tools in its system message, or where it has none at the head of its first message."""
        if not offers:
            return prompt
        values = {"input": question.input, "metadata": question.metadata, "tools": listed(offers)}
        told = "\n\n".join(part["content"] for part in self._template.render(**values))
        first = prompt[0]
        both = [first["content"], told] if first["role"] == "system" else [told, first["content"]]
        parts = {**prompt.parts, INSTRUCTIONS: prompt.parts.get(INSTRUCTIONS, 0) + len(told) + 2}
        return Prompt(({**first, "content": "\n\n".join(both)}, *prompt[1:]), parts, prompt.flags)

    def options(self, offers: Sequence[Offer], last: bool) -> dict[str, Json]:  # noqa: ARG002
        """Nothing: all of it is text."""
        return {}

    def read(self, reply: Reply, offers: Sequence[Offer], before: int) -> list[Wanted]:  # noqa: ARG002
        """The first call of a reply: what stands after it the model has made up.

        A name that is no tool's, with prose behind it, is prose.
        """
        names = {offer.name for offer in offers}
        found = next((one for one in _CALL.finditer(reply.text) if one[1] in names or _is_call(one[2])), None)
        if found is None:
            return []
        arguments, fault = _object(_behind(found[2]))
        return [Wanted(found[1], arguments, fault=fault, before=_clean(reply.text[: found.start()].lstrip()))]

    def turns(self, reply: Reply, results: Sequence[Result]) -> list[Message]:
        """The reply up to its call, and the result as the user's turn."""
        if not results:
            return [{"role": "assistant", "content": reply.text.strip() or NOTHING}]
        (one,) = results
        call = f"{one.wanted.before}CALL {one.wanted.name} {_written(one.wanted)}"
        told = f"{'ERROR' if one.failed else 'RESULT'} {one.wanted.name}: {one.text}"
        return [{"role": "assistant", "content": call}, {"role": "user", "content": told}]


def listed(offers: Sequence[Offer]) -> str:
    """The tools as a text: name and description, and under it each parameter with its schema."""
    return "\n\n".join("\n".join([f"{offer.name}: {offer.description}", *_parameters(offer)]) for offer in offers)


def _parameters(offer: Offer) -> list[str]:
    lines = []
    for name, schema in offer.parameters["properties"].items():
        kind = {key: value for key, value in schema.items() if key not in ("description", "default")}
        optional = "" if name in offer.parameters["required"] else ", optional"
        told = f": {schema['description']}" if "description" in schema else ""
        lines.append(f"- {name} ({json.dumps(kind, ensure_ascii=False)}{optional}){told}")
    return lines


def _function(offer: Offer) -> dict[str, Json]:
    return {"name": offer.name, "description": offer.description, "parameters": dict(offer.parameters)}


def _wanted(call: Json, number: int) -> Wanted:
    """A call as the backends give it, `{"name", "arguments", "id"?}`, or as providers do, under `function`."""
    call = call if isinstance(call, Mapping) else {}
    function = call["function"] if isinstance(call.get("function"), Mapping) else call
    known = call.get("id")
    id_ = known if isinstance(known, str) and known else f"call_{number}"
    arguments, fault = _object(function.get("arguments", {}))
    return Wanted(_clean(str(function.get("name") or "")), arguments, id_, fault)


def _is_call(rest: str) -> bool:
    """Whether what follows a name is meant as arguments: prose is not."""
    line = rest.partition("\n")[0].strip(_MARKS)
    return not line or line.startswith("{")


def _behind(rest: str) -> str:
    """The arguments behind a name: an object, on the next line too, or what else is on the line."""
    line, _, more = rest.partition("\n")
    if not line.strip(_MARKS):
        return more.lstrip() if more.lstrip().startswith("{") else ""
    return rest.lstrip(_MARKS)


def _object(written: Json) -> tuple[Json, str]:
    """The object of arguments and "", or as they were written and why they cannot be read."""
    value = written
    if isinstance(written, str):
        try:
            value = _decoder.raw_decode(written.strip())[0] if written.strip() else {}
        except (ValueError, RecursionError):
            return _unreadable(written)
    try:
        canonical(value)
    except (ValueError, TypeError, RecursionError):
        return _unreadable(written)
    return (dict(value), "") if isinstance(value, Mapping) else _unreadable(written)


def _unreadable(written: Json) -> tuple[Json, str]:
    text = _clean(written if isinstance(written, str) else repr(written))
    return text, f"{UNREADABLE}: {text if len(text) <= QUOTED else text[:QUOTED] + '...'}"


_decoder = json.JSONDecoder()


def _written(wanted: Wanted) -> str:
    arguments = wanted.arguments
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _clean(text: str) -> str:
    """A text that can be written as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
