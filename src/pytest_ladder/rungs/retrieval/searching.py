"""Retrievers as the rungs use them: built from a rung's table, prepared, and searched beside others."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ladder.core.ports import Document, Finding, Hit, Kit, Prepared, Retriever
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, InvalidRequest, message
from pytest_ladder.rungs import options

DEFAULT_TOP_K = 4
WORDS = ("bm25", "bm25s")
"""The built-in retrievers that embed nothing."""


async def search(retriever: Retriever, query: str, top_k: int) -> Sequence[Hit]:
    """The best documents for a query; beside the event loop where the retriever can."""
    if isinstance(retriever, Finding):
        return await retriever.find(query, top_k)
    return retriever.search(query, top_k)


async def prepare(retriever: Retriever) -> None:
    """Let a retriever do what it has to do before the first query."""
    if isinstance(retriever, Prepared):
        await retriever.prepare()


def read_retriever(spec: RungSpec, kit: Kit, documents: Sequence[Document]) -> Retriever:
    """Build what `retriever`, `retriever_options` and `embedder` say, over documents.

    Raises:
        InvalidFile: a key that cannot be used, or an `embedder` where nothing is embedded.
        InvalidRequest: the retriever refuses its options.
    """
    settings = dict(options.table(spec, "retriever_options"))
    name = options.text(spec, "retriever", "bm25")
    if "embedder" in spec.options:
        if name in WORDS:
            fault, next_step = f"the retriever `{name}` embeds nothing", 'set `retriever = "dense"` or `"hybrid"`'
            raise InvalidFile(message(options.where(spec, "embedder"), fault, next_step=next_step))
        settings.setdefault("embedder", options.text(spec, "embedder"))
    try:
        return kit.retriever(name, documents, settings)
    except InvalidRequest as fault:
        raise InvalidRequest(f"{spec.at('retriever')}: {fault}") from None


def read_corpus(spec: RungSpec, kit: Kit) -> Sequence[Document]:
    """The documents of `corpus`, split where `chunk_size` is set; InvalidFile on a key that cannot be used."""
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
