"""Queries that the model writes: the question rewritten, and further ones beside it."""

from __future__ import annotations

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import LLM, Kit
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.rungs import options
from pytest_ladder.rungs.prompting.asides import ask, lines_of, read_aside
from pytest_ladder.rungs.prompting.template import PromptTemplate

REWRITE = """\
Rewrite the question into a short query for searching a collection of documents: the words that a document with the
answer is likely to have, without greetings and small talk. Reply with the query alone, on one line.

Question: {{ input }}
"""
MULTI_QUERY = """\
Write {{ n }} different short queries for searching a collection of documents that may answer the question, each in
other words or about another part of it. Reply with the queries alone, one a line.

Question: {{ input }}
"""


class Queries:
    """Turns a question into the queries to search with."""

    def __init__(self, llm: LLM, rewrite: PromptTemplate | None, more: PromptTemplate | None, n: int) -> None:
        """Take the prompts of what is switched on; `n` is how many further queries are asked for."""
        self._llm = llm
        self._rewrite = rewrite
        self._more = more
        self._n = n

    async def of(self, question: Question, steps: list[Json]) -> list[str]:
        """The queries, each once; a reply without one leaves the question as it is. What was done goes into `steps`."""
        query = question.text
        if self._rewrite is not None:
            found = lines_of(await ask(self._llm, self._rewrite, input=question.input, metadata=question.metadata))
            query = found[0] if found else query
            steps.append({"step": "rewrite", "query": query})
        if self._more is None:
            return [query]
        values = {"input": question.input, "metadata": question.metadata, "n": self._n}
        further = lines_of(await ask(self._llm, self._more, **values))[: self._n]
        steps.append({"step": "multi_query", "queries": list(further)})
        return list(dict.fromkeys([query, *further]))


def read_queries(spec: RungSpec, kit: Kit) -> Queries:
    """What `query_rewrite` and `multi_query` ask for; InvalidFile on a key or a prompt that cannot be used."""
    seen = ("input", "metadata")
    n = options.whole(spec, "multi_query", 0, least=1) if "multi_query" in spec.options else 0
    rewrite = read_aside(spec, kit, "rewrite_prompt", REWRITE, seen, "input")
    more = read_aside(spec, kit, "multi_query_prompt", MULTI_QUERY, (*seen, "n"), "input")
    return Queries(kit.llm, rewrite if options.flag(spec, "query_rewrite") else None, more if n else None, n)
