"""The tool `search` of an agent whose rung has a corpus: prose is found by retrieval, all else by tools of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.rungs.retrieval.advanced_rag import Found
from pytest_ladder.rungs.retrieval.sources import Sources

NAME = "search"
NOTHING_FOUND = "nothing was found"


class SearchTool:
    """Searches the rung's corpus with all that its table switches on; a `Tool` of `core.ports`."""

    name = NAME
    description = "Search the documents for what is written there."
    parameters: Mapping[str, Json] = {
        "type": "object", "required": ["query"], "additionalProperties": False,
        "properties": {"query": {"type": "string", "minLength": 1, "description": "The words to search for."}},
    }  # fmt: skip

    def __init__(self, sources: Sources) -> None:
        """Take the retrieval."""
        self._sources = sources

    async def prepare(self) -> None:
        """Let the retrieval do what it has to do before the first question."""
        await self._sources.prepare()

    async def call(self, arguments: Mapping[str, Json], question: Question, /) -> Any:
        """Search; gives a `Found`, not JSON: the trace names its documents and keeps none of their text."""
        found: Found = await self._sources.find(Question(question.id, arguments["query"], question.metadata))
        return found
