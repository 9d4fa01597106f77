"""The documents of a step or of a tool: found with the rung's own switches, where it has a corpus at all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Kit
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.retrieval.advanced_rag import SWITCHED_BY, SWITCHES, Found, Retrieval, read_retrieval

RETRIEVAL = (
    "retriever", "retriever_options", "top_k", "chunk_size", "chunk_overlap", "embedder", *SWITCHED_BY, *SWITCHES
)  # fmt: skip
"""Keys that mean nothing without a `corpus`."""


class Sources:
    """Finds documents for a question, with the rung's own switches; nothing where it has no corpus."""

    def __init__(self, retrieval: Retrieval | None = None, ids: Collection[str] = ()) -> None:
        """Take the retrieval, and the ids of all the documents of its corpus."""
        self._retrieval = retrieval
        self.ids = ids

    async def prepare(self) -> None:
        """Let the retrieval do what it has to do before the first question."""
        if self._retrieval is not None:
            await self._retrieval.prepare()

    async def find(self, question: Question) -> Found:
        """Search with the question's text."""
        return Found() if self._retrieval is None else await self._retrieval.find(question)


def read_sources(spec: RungSpec, kit: Kit, own: Collection[str] = ()) -> Sources:
    """The retrieval that a rung's `corpus` and switches ask for.

    Args:
        spec: The rung.
        kit: What it may use.
        own: Keys that the strategy takes for itself, and the retrieval does not get.

    Raises:
        InvalidFile: a key that cannot be used, or one of retrieval without a corpus.
    """
    kept = {key: value for key, value in spec.options.items() if key not in own}
    if "corpus" not in kept:
        for key in RETRIEVAL:
            if key in kept:
                raise InvalidFile(
                    message(options.where(spec, key), "nothing is retrieved here", next_step="set `corpus` too")
                )
        return Sources()
    ids = frozenset(document.id for document in kit.read_documents(options.text(spec, "corpus")))
    return Sources(read_retrieval(replace(spec, options=kept), kit), ids)
