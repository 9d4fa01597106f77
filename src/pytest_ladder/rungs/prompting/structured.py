"""Answers that must fit the rung's `output` schema: asked for, validated, and repaired within bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pytest_ladder.core.answers import Answer, Reply
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.ports import LLM, Kit
from pytest_ladder.core.prompt_parts import FALLBACK, INSTRUCTIONS, REPAIR, REPAIRING, Prompt
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.scorers.expected import json_of
from pytest_ladder.core.structured import AUTO, MODES, PROMPT, PROVIDER, Schema
from pytest_ladder.errors import InvalidFile, ModelFailed, ModelRefused, ModelUnavailable, message
from pytest_ladder.rungs import options

DEFAULT_REPAIRS = 1
OF_OUTPUT = ("output_mode", "repair_attempts")
"""Keys that mean nothing without `output`."""

SHOWN = "Answer with one JSON value that fits this JSON Schema, and with nothing else:\n\n{schema}"
"""What is put under the last user message where the prompt must show the schema and its template does not."""
AGAIN = "This answer cannot be used: {fault}. {how}"
"""The user's turn that asks for a repair."""
_HOW = "Answer once more, with one JSON value that fits the JSON Schema, and with nothing else."
_NOTHING = "(nothing)"
_UNKNOWN = ("response_format", "json_schema")
"""One of these words stands in the refusal of a provider that does not take a schema."""


class Output:
    """Asks for answers that fit a schema."""

    def __init__(self, schema: Schema, way: str, *, falls_back: bool, repairs: int) -> None:
        """Take the declared settings.

        Args:
            schema: What every answer must fit.
            way: `provider`, `constrained` or `prompt`.
            falls_back: Whether the prompt shows the schema once the provider refuses it.
            repairs: Most further calls for one answer.
        """
        self.schema = schema
        self._way = way
        self._falls_back = falls_back
        self._repairs = repairs
        self._fell = False

    async def ask(self, llm: LLM, prompt: Prompt, shown: bool) -> Answer:
        """Ask, validate, and ask again with the fault for as long as there are repairs.

        An answer that does not fit in the end is an answer like another: what it is worth is for the scorers. What a
        content filter stopped is not asked for again.

        Args:
            llm: The model client.
            prompt: The conversation.
            shown: Whether the template shows the schema itself.
        """
        reply, prompt, shown = await self._first(llm, prompt, shown)
        attempts = 1
        value, fault = read_value(reply, self.schema)
        while fault and attempts <= self._repairs and reply.finish_reason != "content_filter":
            prompt, shown = self._again(prompt, reply, fault, shown), True
            reply = await self._chat(llm, prompt)
            attempts += 1
            value, fault = read_value(reply, self.schema)
        validation: Json = {"valid": not fault, "attempts": attempts, "error": fault or None}
        return Answer(
            reply.text.strip(), value, finish_reason=reply.finish_reason, tool_calls=reply.tool_calls,
            validation=validation,
        )  # fmt: skip

    async def _first(self, llm: LLM, prompt: Prompt, shown: bool) -> tuple[Reply, Prompt, bool]:
        if self._way != PROMPT and not self._fell:
            try:
                return await self._chat(llm, prompt), prompt, shown
            except (ModelFailed, ModelRefused) as fault:
                if not self._falls_back or isinstance(fault, ModelUnavailable) or not _of_schema(fault):
                    raise
                self._fell = True
        prompt = prompt if shown else self._with_schema(prompt)
        prompt = Prompt(prompt, prompt.parts, [FALLBACK] if self._fell else [])
        return await self._chat(llm, prompt), prompt, True

    async def _chat(self, llm: LLM, prompt: Prompt) -> Reply:
        asks = {} if self._way == PROMPT or self._fell else {"response_format": self.schema.response_format}
        return await llm.chat(prompt, **asks)

    def _with_schema(self, prompt: Prompt) -> Prompt:
        last = max(place for place, part in enumerate(prompt) if part["role"] == "user")
        added = "\n\n" + SHOWN.format(schema=self.schema.text)
        turn = {**prompt[last], "content": str(prompt[last]["content"]) + added}
        parts = {**prompt.parts, INSTRUCTIONS: prompt.parts.get(INSTRUCTIONS, 0) + len(added)}
        return Prompt((*prompt[:last], turn, *prompt[last + 1 :]), parts, prompt.flags)

    def _again(self, prompt: Prompt, reply: Reply, fault: str, shown: bool) -> Prompt:
        how = _HOW if shown else SHOWN.format(schema=self.schema.text)
        said, again = reply.text.strip() or _NOTHING, AGAIN.format(fault=fault, how=how)
        begun = prompt[-1]["content"] if prompt[-1]["role"] == "assistant" else ""
        before = prompt[:-1] if begun else prompt
        turns = ({"role": "assistant", "content": f"{begun}{said}"}, {"role": "user", "content": again})
        parts = {**prompt.parts, REPAIR: prompt.parts.get(REPAIR, 0) + len(said) + len(again)}
        return Prompt((*before, *turns), parts, [*prompt.flags, REPAIRING])


def read_value(reply: Reply, schema: Schema) -> tuple[Json, str]:
    """The value that a reply is and "", or None and why it is none that fits."""
    value, fault = json_of(Answer(reply.text), fenced=True)
    if fault and reply.finish_reason == "length":
        fault += ": it was cut at the most tokens of an answer"
    fault = fault or schema.fault(value)
    return (None, fault) if fault else (value, "")


def _of_schema(fault: Exception) -> bool:
    return any(word in str(fault) for word in _UNKNOWN)


def read_output(spec: RungSpec, kit: Kit) -> Output | None:
    """The settings `output`, `output_mode` and `repair_attempts` of a rung; None where it has no `output`.

    Raises:
        InvalidFile: the schema cannot be used, its model cannot be asked in the mode that is set, or there is no schema
            to hold the model to.
    """
    options.check_used(spec, OF_OUTPUT, "output")
    if "output" not in spec.options:
        return None
    mode = options.choice(spec, "output_mode", AUTO, MODES)
    able = kit.structured()
    if mode not in {AUTO, PROMPT, able}:
        fault = f"the model {spec.model} cannot be asked in this mode" if spec.model else "no model is named"
        expected = " | ".join(dict.fromkeys((AUTO, able, PROMPT)))
        raise InvalidFile(message(options.where(spec, "output_mode"), fault, got=mode, expected=expected))
    repairs = options.whole(spec, "repair_attempts", DEFAULT_REPAIRS, least=0)
    way = able if mode == AUTO else mode
    return Output(read_schema(spec, kit), way, falls_back=mode == AUTO and way == PROVIDER, repairs=repairs)


def read_schema(spec: RungSpec, kit: Kit) -> Schema:
    """The JSON Schema in the rung's `output` file; InvalidFile where it is none."""
    path = options.text(spec, "output")
    try:
        value = json.loads(kit.read_text(path))
    except json.JSONDecodeError as error:
        where = f"{kit.shown(path)}:{error.lineno}"
        raise InvalidFile(message(where, f"not JSON ({error.msg})", expected="a JSON Schema")) from None
    if not isinstance(value, Mapping):
        raise InvalidFile(message(kit.shown(path), "it is no object", got=value, expected="a JSON Schema"))
    try:
        return Schema(value, kit.shown(path))
    except ValueError as fault:
        raise InvalidFile(message(kit.shown(path), str(fault))) from None
