"""The rung `advanced_rag`: retrieval in steps, each of them a switch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.core.fusion import reciprocal_rank_fusion
from pytest_ladder.core.ports import Document, Hit, Kit, Reranker, Retriever, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, InvalidRequest, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.prompting.chat import Chat
from pytest_ladder.rungs.prompting.few_shot import read_examples
from pytest_ladder.rungs.prompting.structured import read_output
from pytest_ladder.rungs.retrieval.agentic import Agent, read_agent
from pytest_ladder.rungs.retrieval.compressing import Compressor, read_compressor
from pytest_ladder.rungs.retrieval.contextual import Contexts, read_contexts
from pytest_ladder.rungs.retrieval.filtering import Filters, read_filters
from pytest_ladder.rungs.retrieval.querying import Queries, read_queries
from pytest_ladder.rungs.retrieval.rag import grounded_template
from pytest_ladder.rungs.retrieval.searching import DEFAULT_TOP_K, prepare, read_corpus, read_retriever, search

DEFAULT_FETCH_K = 20
SWITCHED_BY = {
    "fetch_k": ("reranker", "multi_query", "agentic"),
    "reranker_options": ("reranker",),
    "rewrite_prompt": ("query_rewrite",),
    "multi_query_prompt": ("multi_query",),
    "context_prompt": ("contextual",),
    "keep_sentences": ("compress",),
    "max_steps": ("agentic",),
    "agent_prompt": ("agentic",),
}
"""Key -> the keys one of which must be there for it to mean anything; they may be false."""
SWITCHES = ("reranker", "query_rewrite", "multi_query", "contextual", "filters", "compress", "agentic")
"""What this rung can do beyond `rag`."""


@dataclass
class Parts:
    """What is switched on; None is off."""

    filters: Filters
    queries: Queries
    contexts: Contexts | None
    agent: Agent | None
    reranker: Reranker | None
    compressor: Compressor | None


@dataclass(frozen=True, slots=True)
class Found:
    """What retrieval puts before the model for a question, best first, and what it did to find it."""

    documents: Sequence[Document] = ()
    steps: tuple[Json, ...] = ()

    @property
    def retrieved(self) -> tuple[str, ...]:
        """The id of each document once."""
        return tuple(dict.fromkeys(document.id for document in self.documents))


class Retrieval:
    """Finds candidates by one or more queries, orders them, and keeps the best."""

    def __init__(self, spec: RungSpec, kit: Kit, parts: Parts) -> None:
        """Index the corpus of the rung's table."""
        self._spec, self._kit, self._parts = spec, kit, parts
        self._chunks = parts.filters.allowed(read_corpus(spec, kit))
        self._retriever: Retriever = read_retriever(spec, kit, self._chunks)
        self._contextual = False
        self._top_k = options.whole(spec, "top_k", DEFAULT_TOP_K, least=1)
        self._fetch_k = _fetch_k(spec, self._top_k)

    async def prepare(self) -> None:
        """Have the line before each chunk written, where that is asked for, and let the retriever index the corpus."""
        if self._parts.contexts is not None and not self._contextual:
            self._chunks = await self._parts.contexts.put(self._chunks)
            self._retriever = read_retriever(self._spec, self._kit, self._chunks)
            self._contextual = True
        await prepare(self._retriever)

    async def find(self, question: Question) -> Found:
        """Search, order and shorten."""
        steps: list[Json] = []
        hits = self._fused(await self._rankings(question, steps))
        if self._parts.reranker is not None:
            hits = await self._reranked(self._parts.reranker, question, hits, steps)
        documents = [hit.document for hit in hits[: self._top_k]]
        if self._parts.compressor is not None:
            documents = self._shortened(self._parts.compressor, question, documents, steps)
        return Found(documents, tuple(steps))

    async def _rankings(self, question: Question, steps: list[Json]) -> list[Sequence[Hit]]:
        if self._parts.agent is not None:

            async def find(query: str) -> Sequence[Hit]:
                return await self._found(query, question, steps)

            return await self._parts.agent.gather(question, find, self._shown, steps)
        queries = await self._parts.queries.of(question, steps)
        traces: list[list[Json]] = [[] for _ in queries]
        looked = zip(queries, traces, strict=True)
        found = await asyncio.gather(*(self._found(query, question, trace) for query, trace in looked))
        steps.extend(step for trace in traces for step in trace)
        return found

    async def _found(self, query: str, question: Question, steps: list[Json]) -> Sequence[Hit]:
        filters = self._parts.filters
        hits = await search(self._retriever, query, len(self._chunks) if filters.by_case else self._fetch_k)
        if filters.by_case:
            hits = [hit for hit in hits if filters.meets(hit.document, question)][: self._fetch_k]
        steps.append({"step": "search", "query": query, "found": _told(hits)})
        return hits

    def _shown(self, rankings: Sequence[Sequence[Hit]]) -> list[Document]:
        return [hit.document for hit in self._fused(rankings)[: self._top_k]]

    def _fused(self, rankings: Sequence[Sequence[Hit]]) -> list[Hit]:
        if len(rankings) == 1:
            return list(rankings[0])
        known = {_key(hit): hit.document for hits in rankings for hit in hits}
        scores = reciprocal_rank_fusion([_key(hit) for hit in hits] for hits in rankings)
        return [Hit(known[key], score) for key, score in scores.items()]

    async def _reranked(
        self, reranker: Reranker, question: Question, hits: Sequence[Hit], steps: list[Json]
    ) -> list[Hit]:
        texts = [f"{hit.document.title}\n{hit.document.text}".strip() for hit in hits]
        scores = await reranker.scores(question.text, texts)
        made = [Hit(hit.document, score) for hit, score in zip(hits, scores, strict=True)]
        # Rounded for the order alone, so that the last bits, which hang on the batch, do not decide a tie.
        made.sort(key=lambda hit: -round(hit.score, 6))
        steps.append({"step": "rerank", "found": _told(made[: self._top_k])})
        return made

    def _shortened(
        self, compressor: Compressor, question: Question, documents: Sequence[Document], steps: list[Json]
    ) -> list[Document]:
        kept = compressor.shorten(question, documents)
        before, after = (sum(len(document.text) for document in part) for part in (documents, kept))
        steps.append({"step": "compress", "characters": before, "kept": after})
        return kept


class AdvancedRag:
    """Puts what retrieval finds before the model.

    Every step is in the answer's `steps`, in its order; `retrieved` names each document once, best first.
    """

    def __init__(self, retrieval: Retrieval, chat: Chat) -> None:
        """Join the two."""
        self._retrieval, self._chat = retrieval, chat

    async def prepare(self) -> None:
        """Let the retrieval do what it has to do before the first question."""
        await self._retrieval.prepare()

    async def answer(self, question: Question, /) -> Answer:
        """Find and ask."""
        found = await self._retrieval.find(question)
        answer = await self._chat.answer(question, found.documents)
        return replace(answer, retrieved=found.retrieved, steps=(*found.steps, *answer.steps))


def build_advanced_rag(spec: RungSpec, kit: Kit) -> System:
    """Read what `rag` reads, and the switches.

    Raises:
        InvalidFile: a key that cannot be used, or one whose switch is not there.
        InvalidRequest: the retriever or the reranker refuses its name or options.
    """
    _check(spec)
    chat = Chat(grounded_template(spec, kit), read_examples(spec, kit), kit, read_output(spec, kit))
    return AdvancedRag(read_retrieval(spec, kit), chat)


def read_retrieval(spec: RungSpec, kit: Kit) -> Retrieval:
    """The retrieval of a rung with a `corpus`; InvalidFile or InvalidRequest as `build_advanced_rag`."""
    _check(spec)
    parts = Parts(
        read_filters(spec), read_queries(spec, kit), read_contexts(spec, kit), read_agent(spec, kit),
        _reranker(spec, kit), read_compressor(spec, kit),
    )  # fmt: skip
    return Retrieval(spec, kit, parts)


def _check(spec: RungSpec) -> None:
    for key, switches in SWITCHED_BY.items():
        if key in spec.options and not spec.options.keys() & set(switches):
            next_step = "set " + " or ".join(f"`{switch}`" for switch in switches) + " too"
            raise InvalidFile(message(options.where(spec, key), "nothing here uses it", next_step=next_step))
    own = [key for key in ("query_rewrite", "multi_query") if spec.options.get(key)]
    if options.flag(spec, "agentic") and own:
        fault = "with `agentic` the model writes every query itself"
        next_step = f"leave out `{own[0]}`, or measure the two in rungs of their own"
        raise InvalidFile(message(options.where(spec, own[0]), fault, next_step=next_step))


def _fetch_k(spec: RungSpec, top_k: int) -> int:
    if not any(spec.options.get(switch) for switch in SWITCHED_BY["fetch_k"]):
        return top_k
    fetch_k = options.whole(spec, "fetch_k", max(DEFAULT_FETCH_K, top_k), least=1)
    if fetch_k < top_k:
        expected = f"at least top_k = {top_k}"
        raise InvalidFile(message(options.where(spec, "fetch_k"), "it is too small", got=fetch_k, expected=expected))
    return fetch_k


def _reranker(spec: RungSpec, kit: Kit) -> Reranker | None:
    if "reranker" not in spec.options:
        return None
    try:
        return kit.reranker(options.text(spec, "reranker"), options.table(spec, "reranker_options"))
    except InvalidRequest as fault:
        raise InvalidRequest(f"{spec.at('reranker')}: {fault}") from None


def _key(hit: Hit) -> tuple[str, str]:
    return hit.document.id, hit.document.text


def _told(hits: Sequence[Hit]) -> list[Json]:
    """A ranking as the trace shows it, scores with 4 significant digits: the last bits hang on batch and machine."""
    return [
        {"rank": rank, "id": hit.document.id, "score": float(f"{hit.score:.4g}")} for rank, hit in enumerate(hits, 1)
    ]
