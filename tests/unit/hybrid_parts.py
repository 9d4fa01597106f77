"""A rung with routes, guards and scripted systems, built and asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pytest_ladder.core.answers import Answer, Reply
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Document, Kit, Prepared, System
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.rungs.hybrids.guarded import guarded
from pytest_ladder.rungs.registry import build

FILES = {
    "route.md": "CHOOSE {{ input }} {% for route in routes %}<{{ route.name }}|{{ route.about }}>{% endfor %}",
    "blind.md": "CHOOSE one of {{ routes }}",
    "verify.md": "VERIFY {{ input }} / {{ answer }} / {{ context }}",
    "unshown.md": "VERIFY {{ input }}",
}
CORPUS = {"kb-1": Document("kb-1", "The lamp has two years.", "Lamp")}
number: ContextVar[int] = ContextVar("number", default=0)


@contextmanager
def attempt(this: int) -> Iterator[None]:
    token = number.set(this)
    try:
        yield
    finally:
        number.reset(token)


class Said:
    """A system that gives these answers, one an attempt, the last one from then on; an exception is raised."""

    def __init__(self, *answers: Answer | str | Exception) -> None:
        self.answers = [Answer(one) if isinstance(one, str) else one for one in answers]
        self.asked: list[int] = []
        self.prepared = 0

    async def prepare(self) -> None:
        self.prepared += 1

    async def answer(self, question: Question, /) -> Answer:
        self.asked.append(number.get())
        await asyncio.sleep(0)
        made = self.answers[min(number.get(), len(self.answers) - 1)]
        if isinstance(made, Exception):
            raise made
        return made


class Client:
    """An LLM that writes down what it is asked."""

    def __init__(self, say: Callable[[str], str]) -> None:
        self.say, self.asked = say, list[str]()

    async def chat(self, messages: Sequence[Mapping[str, Any]], /, **options: Any) -> Reply:
        self.asked.append(messages[-1]["content"])
        return Reply(self.say(messages[-1]["content"]), "m")


class Parts:
    """What a rung is built of; `say` is the classifier, the verifier and every other model."""

    def __init__(self, say: Callable[[str], str] = lambda _: "", **rungs: System) -> None:
        self.llm, self.rungs, self.keys = Client(say), rungs, list[str]()
        self.functions: dict[str, Callable[..., Any]] = {}

    @property
    def kit(self) -> Kit:
        return Kit(
            llm=self.llm, read_text=FILES.__getitem__, read_documents=lambda _: [], read_examples=lambda _: [],
            retriever=lambda *_: None, chunk=lambda *_: [], other=self._other, system=self.rungs.__getitem__,
            function=lambda reference, where: self.functions[reference], attempt=attempt,
            found=lambda ids: [CORPUS[id_] for id_ in ids if id_ in CORPUS],
        )  # type: ignore[arg-type, return-value]  # fmt: skip

    def _other(self, key: str) -> Client:
        self.keys.append(key)
        return self.llm

    def routed(self, **options: Any) -> System:
        return build(RungSpec("routed", Kind.DECOMPOSE, options=options), self.kit)

    def guarded(self, system: System, **options: Any) -> System:
        return guarded(system, RungSpec("prompt", Kind.PROMPT, options=options), self.kit)


def ask(system: System, text: Any = "question 1", **metadata: Any) -> Answer:
    """Prepare a system and ask it."""

    async def main() -> Answer:
        if isinstance(system, Prepared):
            await system.prepare()
        return await system.answer(Question("c1", text, metadata))

    return asyncio.run(main())


def steps(answer: Answer) -> list[str]:
    """The names of an answer's steps."""
    return [re.sub(r"\W", "", step["step"]) for step in answer.steps]
