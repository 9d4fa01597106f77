"""The rung `rag`: retrieve once, then ask once with what was found."""

from __future__ import annotations

from dataclasses import replace

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Kit, Retriever, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.prompting.chat import Chat, read_template
from pytest_ladder.rungs.prompting.few_shot import read_examples
from pytest_ladder.rungs.prompting.structured import read_output
from pytest_ladder.rungs.prompting.template import PromptTemplate
from pytest_ladder.rungs.retrieval.searching import DEFAULT_TOP_K, prepare, read_corpus, read_retriever, search


class Rag:
    """Puts the best documents for a question before the model."""

    def __init__(self, retriever: Retriever, top_k: int, chat: Chat) -> None:
        """Join a retriever and a prompt; `top_k` counts chunks where documents are split."""
        self._retriever = retriever
        self._top_k = top_k
        self._chat = chat

    async def prepare(self) -> None:
        """Let the retriever index its corpus."""
        await prepare(self._retriever)

    async def answer(self, question: Question, /) -> Answer:
        """Retrieve with the question's text and ask; `retrieved` names each document once, best first."""
        documents = [hit.document for hit in await search(self._retriever, question.text, self._top_k)]
        answer = await self._chat.answer(question, documents)
        return replace(answer, retrieved=tuple(dict.fromkeys(document.id for document in documents)))


def build_rag(spec: RungSpec, kit: Kit) -> System:
    """Read `corpus`, split it where `chunk_size` is set, index it with `retriever`, and join it to `prompt`.

    Raises:
        InvalidFile: a key that cannot be used, or a prompt that shows neither `context` nor `documents`.
    """
    template = grounded_template(spec, kit)
    top_k = options.whole(spec, "top_k", DEFAULT_TOP_K, least=1)
    chat = Chat(template, read_examples(spec, kit), kit, read_output(spec, kit))
    return Rag(read_retriever(spec, kit, read_corpus(spec, kit)), top_k, chat)


def grounded_template(spec: RungSpec, kit: Kit) -> PromptTemplate:
    """The rung's prompt, which must show what is retrieved; else InvalidFile."""
    template = read_template(spec, kit)
    if not template.uses & {"context", "documents"}:
        fault = "the prompt shows nothing of what is retrieved"
        next_step = "put `{{ context }}` into it, or write out `documents`"
        raise InvalidFile(message(kit.shown(options.text(spec, "prompt")), fault, next_step=next_step))
    return template
