"""The rung `rag`: retrieve once, then ask once with what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Document, Kit, Retriever, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, InvalidRequest, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.chat import Chat, read_template
from pytest_ladder.rungs.few_shot import read_examples
from pytest_ladder.rungs.structured import read_output

DEFAULT_TOP_K = 4


class Rag:
    """Puts the best documents for a question before the model."""

    def __init__(self, retriever: Retriever, top_k: int, chat: Chat) -> None:
        """Join a retriever and a prompt; `top_k` counts chunks where documents are split."""
        self._retriever = retriever
        self._top_k = top_k
        self._chat = chat

    async def answer(self, question: Question, /) -> Answer:
        """Retrieve with the question's text and ask; `retrieved` names each document once, best first."""
        documents = [hit.document for hit in self._retriever.search(question.text, self._top_k)]
        answer = await self._chat.answer(question, documents)
        return replace(answer, retrieved=tuple(dict.fromkeys(document.id for document in documents)))


def build_rag(spec: RungSpec, kit: Kit) -> System:
    """Read `corpus`, split it where `chunk_size` is set, index it with `retriever`, and join it to `prompt`.

    Raises:
        InvalidFile: a key that cannot be used, or a prompt that shows neither `context` nor `documents`.
    """
    template = read_template(spec, kit)
    if not template.uses & {"context", "documents"}:
        fault = "the prompt shows nothing of what is retrieved"
        next_step = "put `{{ context }}` into it, or write out `documents`"
        raise InvalidFile(message(kit.shown(options.text(spec, "prompt")), fault, next_step=next_step))
    top_k = options.whole(spec, "top_k", DEFAULT_TOP_K, least=1)
    return Rag(_retriever(spec, kit), top_k, Chat(template, read_examples(spec, kit), kit, read_output(spec, kit)))


def _retriever(spec: RungSpec, kit: Kit) -> Retriever:
    settings = spec.options.get("retriever_options", {})
    if not isinstance(settings, Mapping):
        where = options.where(spec, "retriever_options")
        raise InvalidFile(message(where, "it is not a table", got=settings, expected="{ name = value }"))
    name, corpus = options.text(spec, "retriever", "bm25"), _corpus(spec, kit)
    try:
        return kit.retriever(name, corpus, settings)
    except InvalidRequest as fault:
        raise InvalidRequest(f"{spec.at('retriever')}: {fault}") from None


def _corpus(spec: RungSpec, kit: Kit) -> Sequence[Document]:
    documents = kit.read_documents(options.text(spec, "corpus"))
    if "chunk_size" not in spec.options:
        if "chunk_overlap" in spec.options:
            fault, next_step = "documents are not split", "set `chunk_size` too"
            raise InvalidFile(message(options.where(spec, "chunk_overlap"), fault, next_step=next_step))
        return documents
    size = options.whole(spec, "chunk_size", 0, least=1)
    overlap = options.whole(spec, "chunk_overlap", 0, least=0)
    if overlap >= size:
        where = options.where(spec, "chunk_overlap")
        raise InvalidFile(message(where, "it is too large", got=overlap, expected=f"below chunk_size = {size}"))
    return kit.chunk(documents, size, overlap)
