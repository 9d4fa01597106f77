"""A rung `decompose` of scripted models, asked one question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_ladder.backends.retrievers import build_retriever
from pytest_ladder.backends.splitter import chunk
from pytest_ladder.core.answers import Answer, Reply
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Document, Example, Kit, Prepared
from pytest_ladder.core.prompt_parts import Prompt
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.rungs.registry import build

CORPUS = [
    Document("kb-1", "Order 12 holds the Alder lamp."),
    Document("kb-2", "The warranty of the Alder lamp is two years."),
    Document("kb-3", "The warranty of the Birch oven is one year."),
    Document("kb-4", "Deliveries take two days."),
]
FILES: dict[str, str] = {
    "bare.md": "ANSWER {{ input }}",
    "grounded.md": "ANSWER {{ input }} FROM {{ context }}",
    "blind.md": "Say something.",
    "schema.json": '{"type": "object", "required": ["years"], "properties": {"years": {"type": "integer"}}}',
}
Say = Callable[[str], str]


class Client:
    """An LLM that answers by a script and keeps what it was asked."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.asked: list[str] = []
        self.parts: list[Mapping[str, int]] = []
        self.options: list[Mapping[str, Any]] = []
        self.busy = self.most = 0

    async def chat(self, messages: Sequence[Mapping[str, Any]], /, **options: Any) -> Reply:
        assert isinstance(messages, Prompt), "a call that does not say what its prompt is made of"
        prompt = "\n".join(part["content"] for part in messages)
        self.asked.append(prompt)
        self.parts.append(messages.parts)
        self.options.append(options)
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(0)
        self.busy -= 1
        said = self.say(prompt)
        return Reply(said.removesuffix("<cut>"), "m", "length" if said.endswith("<cut>") else "stop")


def by_words(**replies: str | list[str]) -> Say:
    """Replies by the first word of the prompt; a list is used up from its head."""

    def say(prompt: str) -> str:
        reply = replies[prompt.split(maxsplit=1)[0]]
        return reply if isinstance(reply, str) else reply.pop(0)

    return say


class Taken:
    """A question taken apart."""

    def __init__(
        self, strategy: str | None, say: Say, question: Any = "How long is what order 12 holds covered?", *,
        planner: Say | None = None, files: Mapping[str, str] | None = None, metadata: Mapping[str, Any] | None = None,
        shots: Sequence[Example] = (), structured: str = "prompt", **options: Any,
    ) -> None:  # fmt: skip
        self.llm = Client(say)
        self.planner = Client(planner or say)
        named = {"planner": "strong"} if planner else {}
        kit = Kit(
            llm=self.llm, read_text=(FILES | dict(files or {})).__getitem__, read_documents=lambda _: CORPUS,
            read_examples=lambda _: shots, retriever=build_retriever, chunk=chunk,
            other={"planner": self.planner}.__getitem__, structured=lambda: structured,
        )  # fmt: skip
        options = {"strategy": strategy, **named, **options}
        given = {key: value for key, value in options.items() if value is not None}
        spec = RungSpec("decompose", Kind.DECOMPOSE, options=given)
        system = build(spec, kit)
        asked = Question("c1", question, metadata or {})

        async def main() -> Answer:
            if isinstance(system, Prepared):
                await system.prepare()
            return await system.answer(asked)

        self.answer = asyncio.run(main())
        self.text = self.answer.text
        self.asked = self.llm.asked

    def steps(self, name: str) -> list[Any]:
        """The steps of the trace of one kind."""
        return [step for step in self.answer.steps if step["step"] == name]

    @property
    def kinds(self) -> list[str]:
        """The kinds of all steps, in order."""
        return [step["step"] for step in self.answer.steps]
