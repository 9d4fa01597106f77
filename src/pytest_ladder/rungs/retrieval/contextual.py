"""Contextual retrieval: a line that the model writes stands before each chunk, in the index and in the prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.ports import LLM, Document, Kit
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.rungs import options
from pytest_ladder.rungs.prompting.asides import ask, read_aside, side_by_side
from pytest_ladder.rungs.prompting.template import Messages, PromptTemplate

CONTEXT = """\
Here is a document{% if title %}, "{{ title }}"{% endif %}:

{{ document }}

Here is a part of it:

{{ chunk }}

Write one short line that says what this part is about and where in the document it belongs, in words by which a search
would find it. Reply with the line alone.
"""


class Contexts:
    """Asks for a line about each chunk.

    Source: Anthropic, "Introducing Contextual Retrieval", 2024.
    """

    def __init__(self, llm: LLM, template: PromptTemplate, documents: Sequence[Document]) -> None:
        """Take the whole documents, of which the chunks are parts."""
        self._llm = llm
        self._template = template
        self._whole = {document.id: document.text for document in documents}

    async def put(self, chunks: Sequence[Document]) -> Sequence[Document]:
        """The chunks, each with its line above its text; one for which the model has nothing to say stays as it is."""
        return await side_by_side(self._one, chunks)

    def prompts(self, chunks: Sequence[Document]) -> Iterator[Messages]:
        """What is asked about each chunk."""
        return (self._template.render(**self._values(chunk)) for chunk in chunks)

    async def _one(self, chunk: Document) -> Document:
        line = " ".join((await ask(self._llm, self._template, **self._values(chunk))).split())
        return replace(chunk, text=f"{line}\n{chunk.text}") if line else chunk

    def _values(self, chunk: Document) -> dict[str, Json]:
        return {"title": chunk.title, "document": self._whole[chunk.id], "chunk": chunk.text}


def read_contexts(spec: RungSpec, kit: Kit) -> Contexts | None:
    """What `contextual` asks for; None where it is off. InvalidFile on a prompt that cannot be used."""
    template = read_aside(spec, kit, "context_prompt", CONTEXT, ("title", "document", "chunk"), "chunk")
    if not options.flag(spec, "contextual"):
        return None
    return Contexts(kit.llm, template, kit.read_documents(options.text(spec, "corpus")))
