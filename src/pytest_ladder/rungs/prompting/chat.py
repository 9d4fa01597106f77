"""What the rungs that ask once have in common: from a prompt, examples and documents to an answer."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Document, Example, Kit
from pytest_ladder.core.prompt_parts import Prompt
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.rungs import options
from pytest_ladder.rungs.prompting.few_shot import Examples
from pytest_ladder.rungs.prompting.parts import parts_of
from pytest_ladder.rungs.prompting.structured import Output
from pytest_ladder.rungs.prompting.template import Messages, PromptTemplate


class Chat:
    """Renders a prompt, with examples as earlier turns, and asks the model: once, and again for a repair."""

    def __init__(self, template: PromptTemplate, examples: Examples, kit: Kit, output: Output | None = None) -> None:
        """Put the parts together; `examples` may be empty, and without `output` any text is an answer."""
        self._template = template
        self._examples = examples
        self._llm = kit.llm
        self._output = output

    async def answer(self, question: Question, documents: Sequence[Document] = (), **more: Json) -> Answer:
        """Ask, with the documents as context; they are not put into the answer. `more` is for the template alone."""
        prompt = self.messages(question, documents, **more)
        if self._output is not None:
            return await self._output.ask(self._llm, prompt, shown="schema" in self._template.uses)
        reply = await self._llm.chat(prompt)
        return Answer(reply.text.strip(), finish_reason=reply.finish_reason, tool_calls=reply.tool_calls)

    def messages(self, question: Question, documents: Sequence[Document] = (), **more: Json) -> Prompt:
        """The whole conversation that is put before the model."""
        chosen = self._examples.choose(question.text)
        values = {
            "input": question.input, "context": context_of(documents),
            "documents": [_visible(document) for document in documents],
            "examples": [{"input": example.input, "expected": example.expected} for example in chosen],
            **more,
        }  # fmt: skip
        schema = self._output.schema.text if self._output else ""
        messages = self._template.render(**values, id=question.id, metadata=question.metadata, schema=schema)
        turns = () if "examples" in self._template.uses else self._all_turns(chosen)
        last = max(place for place, part in enumerate(messages) if part["role"] == "user")
        whole = (*messages[:last], *turns, *messages[last:])
        return Prompt(whole, parts_of(whole, turns, values, self._template.uses))

    def _all_turns(self, chosen: Sequence[Example]) -> Messages:
        return tuple(turn for example in chosen for turn in self._turns(example))

    def _turns(self, example: Example) -> Messages:
        asked = next(part for part in reversed(self._template.render(input=example.input)) if part["role"] == "user")
        return asked, {"role": "assistant", "content": as_text(example.expected)}


def read_template(spec: RungSpec, kit: Kit, default: str | None = None) -> PromptTemplate:
    """The template of the rung's `prompt` file, or the default text where the key is absent and there is one."""
    if default is not None and "prompt" not in spec.options:
        return PromptTemplate(default, options.where(spec, "prompt"))
    path = options.text(spec, "prompt")
    return PromptTemplate(kit.read_text(path), kit.shown(path))


def context_of(documents: Sequence[Document]) -> str:
    """Documents as one text: `[id] title` above each one's text, a blank line between them."""
    return "\n\n".join(f"[{document.id}] {document.title}".rstrip() + f"\n{document.text}" for document in documents)


def as_text(value: Json) -> str:
    """A value as an assistant would write it: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _visible(document: Document) -> dict[str, str]:
    return {"id": document.id, "title": document.title, "text": document.text}
