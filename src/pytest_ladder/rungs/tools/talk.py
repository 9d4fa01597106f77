"""How an agent and its model speak of tools: in the provider's fields, or in lines of text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_ladder.core.answers import Reply
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.core.prompt_parts import INSTRUCTIONS, Prompt
from pytest_ladder.rungs.prompting.template import PromptTemplate
from pytest_ladder.rungs.tools.reading import Wanted, in_field, in_text

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

NOTHING = "(nothing)"
"""What stands for an empty reply in a conversation."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as it is offered for one case."""

    name: str
    description: str
    parameters: Mapping[str, Json]


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
    flags: tuple[str, ...]
    """What is special about its requests, of `core.prompt_parts.FLAGS`."""
    forbids: bool
    """Whether the last request says that no call is made any more."""

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
    flags: tuple[str, ...] = ()

    def __init__(self) -> None:
        """Begin; the provider is taken to know how calls are forbidden until it says otherwise."""
        self.forbids = True

    def opened(self, prompt: Prompt, offers: Sequence[Offer], question: Question) -> Prompt:  # noqa: ARG002
        """The prompt as it is; the tools go along beside it."""
        told = sum(len(json.dumps(_function(offer), ensure_ascii=False)) for offer in offers)
        return Prompt(prompt, {**prompt.parts, INSTRUCTIONS: prompt.parts.get(INSTRUCTIONS, 0) + told}, prompt.flags)

    def options(self, offers: Sequence[Offer], last: bool) -> dict[str, Json]:
        """The tools: the same in every request of an answer, so that its calls so far keep their meaning."""
        tools = [{"type": "function", "function": _function(offer)} for offer in offers]
        return {
            **({"tools": tools} if tools else {}),
            **({"tool_choice": "none"} if tools and last and self.forbids else {}),
        }

    def read(self, reply: Reply, offers: Sequence[Offer], before: int) -> list[Wanted]:  # noqa: ARG002
        """The reply's tool calls, each with an id."""
        return [in_field(call, number) for number, call in enumerate(reply.tool_calls, start=before + 1)]

    def turns(self, reply: Reply, results: Sequence[Result]) -> list[Message]:
        """The reply with its calls, and a message of the role `tool` for each of them."""
        calls = [{"id": one.wanted.id, "type": "function", "function": _sent(one.wanted)} for one in results]
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
    forbids = False

    def __init__(self, template: PromptTemplate) -> None:
        """Take the prompt that tells of the tools."""
        self._template = template
        self.flags: tuple[str, ...] = ()

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
        """The first call of a reply: what stands after it the model has made up."""
        found = in_text(reply.text, {offer.name for offer in offers})
        return [found] if found else []

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


def _sent(wanted: Wanted) -> dict[str, Json]:
    """A call as a provider takes it back, where the model made up a name or wrote no object too."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", wanted.name)[:64] or "unknown"
    return {"name": name, "arguments": "{}" if wanted.fault else _written(wanted)}


def _written(wanted: Wanted) -> str:
    arguments = wanted.arguments
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
