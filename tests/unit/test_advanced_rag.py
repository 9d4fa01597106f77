"""The rung `advanced_rag`, each part of it apart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from pytest_ladder.backends.retrievers import build_retriever
from pytest_ladder.backends.splitter import chunk
from pytest_ladder.core.answers import Answer, Reply
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Document, Hit, Kit, Prepared
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.errors import InvalidFile, InvalidRequest, ModelFailed, SystemFailed
from pytest_ladder.rungs.prompting.asides import lines_of, side_by_side
from pytest_ladder.rungs.registry import build

FILES = {
    "grounded.md": "ANSWER\n{{ context }}\nQ: {{ input }}",
    "plain.md": "{{ input }}",
    "mine.md": "MINE {{ input }}",
    "blind.md": "Say something.",
    "chunk.md": "CHUNK {{ chunk }} OF {{ document }}",
    "listed.md": "ANSWER {% for d in documents %}<{{ d.id }}: {{ d.text }}>{% endfor %} {{ input }}",
}
CORPUS = [
    Document("kb-1", "The warranty of the lamp is two years.", "Lamp", {"lang": "en", "lines": ["home", "light"]}),
    Document("kb-2", "The warranty of the oven is one year.", "Oven", {"lang": "en", "lines": ["kitchen"]}),
    Document("kb-3", "Deliveries take two days. A refund takes nine days.", "", {"lang": "en", "lines": ["home"]}),
    Document("kb-4", "Lampen haben zwei Jahre Garantie. The lamp.", "", {"lang": "de", "lines": ["light"]}),
    Document("kb-5", "Colours are red and blue.", "", {"lang": "en", "public": True}),
]
Say = Callable[[str], str]


class Client:
    """An LLM that writes down what it is asked."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.asked: list[str] = []

    async def chat(self, messages: Sequence[Mapping[str, Any]], /, **options: Any) -> Reply:
        prompt = "\n".join(part["content"] for part in messages)
        self.asked.append(prompt)
        await asyncio.sleep(0)
        return Reply(self.say(prompt), "m")


class Longest:
    """A reranker to which a longer text is better."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        if name == "bad":
            raise InvalidRequest("reranker bad: no")
        self.asked: list[tuple[str, list[str]]] = []

    async def scores(self, query: str, texts: Sequence[str], /) -> Sequence[float]:
        self.asked.append((query, list(texts)))
        return [float(len(text)) for text in texts]


class Ran:
    """A rung that was built, prepared and asked one question."""

    def __init__(self, question: str = "lamp warranty", say: Say = lambda _: "yes", metadata: Any = None, *,
                 kind: str = "advanced_rag", corpus: Sequence[Document] = CORPUS, **options: Any) -> None:  # fmt: skip
        self.llm = Client(say)
        kit = Kit(
            llm=self.llm, read_text=FILES.__getitem__, read_documents=lambda path: corpus,
            read_examples=lambda path: [], retriever=build_retriever, chunk=chunk, reranker=Longest,
        )  # fmt: skip
        options = {"prompt": "grounded.md", "corpus": "kb.jsonl", **options}
        system = build(RungSpec(kind, Kind(kind), options=options), kit)
        asked = Question("c1", question, metadata=metadata or {})

        async def main() -> Answer:
            if isinstance(system, Prepared):
                await system.prepare()
            return await system.answer(asked)

        self.answer = asyncio.run(main())
        self.retrieved = self.answer.retrieved
        self.prompt = self.llm.asked[-1]
        self.asides = self.llm.asked[:-1]

    def steps(self, name: str) -> list[Any]:
        return [step for step in self.answer.steps if step["step"] == name]

    @property
    def queries(self) -> list[str]:
        return [step["query"] for step in self.steps("search")]


def ids(step: Mapping[str, Any]) -> list[str]:
    assert [one["rank"] for one in step["found"]] == list(range(1, len(step["found"]) + 1))
    return [one["id"] for one in step["found"]]


def test_with_every_switch_off_it_asks_what_rag_asks_and_once():
    plain, ran = Ran(kind="rag", top_k=2), Ran(top_k=2)
    assert ran.prompt == plain.prompt
    assert ran.retrieved == plain.retrieved
    assert ran.asides == []
    (search,) = ran.answer.steps
    assert search["query"] == "lamp warranty"
    assert ids(search) == list(ran.retrieved)
    best = build_retriever("bm25", CORPUS, {}).search("lamp warranty", 1)[0].score
    assert search["found"][0] == {"rank": 1, "id": "kb-1", "score": float(f"{best:.4g}")}


@pytest.mark.parametrize("switch", ["query_rewrite", "contextual", "compress", "agentic"])
def test_a_switch_that_is_false_costs_nothing(switch):
    assert Ran(**{switch: False}).llm.asked == Ran().llm.asked


# --- queries ------------------------------------------------------------------------------------------------------


def test_the_question_is_rewritten_for_the_search_and_kept_for_the_answer():
    ran = Ran(
        "When is my money back?", lambda prompt: "yes" if "ANSWER" in prompt else ' "refund days"\n', query_rewrite=True
    )
    assert "When is my money back?" in ran.asides[0]
    assert ran.queries == ["refund days"]
    assert ran.retrieved[0] == "kb-3"
    assert ran.prompt.endswith("Q: When is my money back?")
    assert ran.answer.steps[0] == {"step": "rewrite", "query": "refund days"}


def test_a_rewriting_that_says_nothing_leaves_the_question():
    assert Ran(say=lambda _: " \n", query_rewrite=True).queries == ["lamp warranty"]


def test_the_prompt_of_the_rewriting_can_be_ones_own():
    assert Ran(query_rewrite=True, rewrite_prompt="mine.md").asides == ["MINE lamp warranty"]


def test_further_queries_are_fused_by_rank():
    said = "1. refund days\n- colours\n- colours\n\n4) too many\n"
    ran = Ran("lamp", lambda prompt: "yes" if "ANSWER" in prompt else said, multi_query=2, top_k=3)
    assert ran.queries == ["lamp", "refund days", "colours"]
    assert ran.steps("multi_query") == [{"step": "multi_query", "queries": ["refund days", "colours"]}]
    first = [ids(step)[0] for step in ran.steps("search")]
    assert ran.retrieved == tuple(first)  # each is the first of one ranking: ties in the order of the queries


def test_a_rewritten_question_and_further_queries_go_together():
    def say(prompt: str) -> str:
        return "yes" if "ANSWER" in prompt else "colours" if "different" in prompt else "refund"

    ran = Ran("hm?", say, query_rewrite=True, multi_query=1)
    assert ran.queries == ["refund", "colours"]


def test_lines_lose_their_marks_but_not_what_looks_like_one():
    assert lines_of('1. "a b"\n * c\n\n- -5 degrees\n2nd day\na b') == ["a b", "c", "-5 degrees", "2nd day"]


# --- candidates ---------------------------------------------------------------------------------------------------


def test_the_reranker_orders_more_candidates_than_are_shown():
    ran = Ran("lamp warranty days", reranker="long", top_k=1, fetch_k=4)
    assert len(ran.steps("search")[0]["found"]) == 4
    assert ran.retrieved == ("kb-3",)
    assert ran.steps("rerank") == [{"step": "rerank", "found": [{"rank": 1, "id": "kb-3", "score": 51.0}]}]


def test_the_reranker_sees_the_question_itself_and_titles():
    seen: list[Any] = []

    class Spy(Longest):
        async def scores(self, query: str, texts: Sequence[str], /) -> Sequence[float]:
            seen.append((query, list(texts)))
            return await super().scores(query, texts)

    kit = Kit(
        llm=Client(lambda prompt: "lamp"), read_text=FILES.__getitem__, read_documents=lambda path: CORPUS[:1],
        read_examples=lambda path: [], retriever=build_retriever, chunk=chunk, reranker=Spy,
    )  # fmt: skip
    options = {"prompt": "grounded.md", "corpus": "kb", "reranker": "long", "query_rewrite": True}
    system = build(RungSpec("a", Kind.ADVANCED_RAG, options=options), kit)
    asyncio.run(system.answer(Question("c", "Which one?")))
    assert seen == [("Which one?", ["Lamp\nThe warranty of the lamp is two years."])]


def test_equal_scores_of_the_reranker_keep_the_order_of_the_search():
    corpus = [Document("a", "lamp one two"), Document("b", "lamp lamp two"), Document("c", "oven"), Document("d", "x")]
    plain, ran = Ran("lamp", corpus=corpus), Ran("lamp", corpus=corpus, reranker="long")
    assert ran.retrieved[:2] == plain.retrieved[:2]


def test_without_anything_to_choose_from_no_more_than_top_k_are_fetched():
    assert len(Ran("the warranty lamp days", top_k=1).steps("search")[0]["found"]) == 1


# --- filters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"lang": "de"}, {"kb-4"}),
        ({"lang": ["de", "fr"]}, {"kb-4"}),
        ({"lines": "light"}, {"kb-1", "kb-4"}),
        ({"lines": ["kitchen", "light"], "lang": "en"}, {"kb-1", "kb-2"}),
        ({"public": True}, {"kb-5"}),
        ({"lines": {"case": "line"}}, {"kb-1", "kb-3"}),
        ({"lines": {"case": "line"}, "lang": {"case": "langs"}}, {"kb-1", "kb-3"}),
    ],
)
def test_only_documents_with_that_metadata_are_found(filters, expected):
    metadata = {"line": "home", "langs": ["en", "fr"]}
    ran = Ran("the warranty lamp days colours two", metadata=metadata, filters=filters)
    assert set(ran.retrieved) == expected


def test_a_filter_by_the_case_still_shows_the_best_top_k():
    ran = Ran("the lamp", metadata={"lang": "de"}, filters={"lang": {"case": "lang"}}, top_k=1)
    assert ran.retrieved == ("kb-4",)


def test_true_is_not_one():
    with pytest.raises(InvalidFile, match="no document of the corpus meets them"):
        Ran(filters={"public": 1})


def test_a_case_without_the_key_is_in_error():
    with pytest.raises(SystemFailed, match="the case 'c1' has no `tenant` in its metadata"):
        Ran(filters={"lang": {"case": "tenant"}})


# --- contextual retrieval -----------------------------------------------------------------------------------------


def about(prompt: str) -> str:
    return "yes" if "ANSWER" in prompt else "About\n illumination." if "lamp" in prompt.split(" OF ")[0] else ""


def test_a_line_before_each_chunk_is_searched_and_shown():
    ran = Ran("illumination", about, contextual=True, context_prompt="chunk.md", top_k=2)
    assert ran.retrieved == ("kb-4", "kb-1")
    assert "About illumination.\nThe warranty of the lamp is two years." in ran.prompt
    assert len(ran.asides) == len(CORPUS)


def test_the_line_is_asked_once_a_chunk_with_the_whole_document():
    corpus = [Document("kb", "The lamp is red. The oven is blue. The iron is green.", "Things")]
    ran = Ran("iron", lambda prompt: "x", contextual=True, context_prompt="chunk.md", corpus=corpus, chunk_size=20)
    assert ran.asides == [f"CHUNK {part} OF {corpus[0].text}" for part in
                          ("The lamp is red.", "The oven is blue.", "The iron is green.")]  # fmt: skip


def test_the_own_prompt_of_the_line_shows_title_document_and_chunk():
    corpus = [Document("kb", "The lamp is red. The oven is blue.", "Things")]
    asked = Ran("lamp", contextual=True, corpus=corpus, chunk_size=20).asides[0]
    assert all(part in asked for part in ('"Things"', "The oven is blue.", "The lamp is red.\n"))


def test_a_chunk_without_a_line_stays_as_it_is():
    ran = Ran("oven", lambda prompt: "yes" if "ANSWER" in prompt else " \n ", contextual=True, top_k=1)
    assert "\nThe warranty of the oven is one year." in ran.prompt


def test_a_failure_waits_for_what_is_under_way_and_begins_nothing_more():
    begun, ended = [], []

    async def work(item: int) -> int:
        begun.append(item)
        await asyncio.sleep(0)
        if item == 1:
            raise ModelFailed("down")
        await asyncio.sleep(0.01)
        ended.append(item)
        return item * 10

    with pytest.raises(ModelFailed):
        asyncio.run(side_by_side(work, range(50), most=3))
    assert sorted(ended) == [item for item in sorted(begun) if item != 1]
    assert len(begun) <= 4
    assert asyncio.run(side_by_side(work, range(2, 9), most=3)) == [item * 10 for item in range(2, 9)]


# --- compression --------------------------------------------------------------------------------------------------


def test_only_sentences_that_fit_are_shown_and_each_document_stays():
    ran = Ran("how many days a refund takes", compress=True, keep_sentences=1, prompt="listed.md", top_k=2)
    assert "<kb-3: A refund takes nine days.>" in ran.prompt
    assert ran.retrieved == Ran("how many days a refund takes", top_k=2).retrieved
    (step,) = ran.steps("compress")
    assert step["kept"] < step["characters"]


def test_a_document_of_which_no_sentence_fits_keeps_its_first():
    ran = Ran("lamp Garantie refund nine", compress=True, keep_sentences=1, prompt="listed.md")
    assert (
        "<kb-3: Deliveries take two days.>" in ran.prompt or "<kb-4: Lampen haben zwei Jahre Garantie.>" in ran.prompt
    )
    assert ran.prompt.count("<kb-") == len(ran.retrieved)


def test_sentences_keep_their_order():
    corpus = [Document("d", "Red lamp. Nothing else. Lamp lamp blue! Green oven?\nAnother lamp."), *CORPUS[1:3]]
    ran = Ran("lamp", compress=True, keep_sentences=3, prompt="listed.md", corpus=corpus, top_k=1)
    assert "<d: Red lamp. Lamp lamp blue! Another lamp.>" in ran.prompt


# --- agentic ------------------------------------------------------------------------------------------------------


def script(*replies: str) -> Say:
    left = iter(replies)
    return lambda prompt: "yes" if "ANSWER" in prompt else next(left)


def test_the_model_searches_until_it_has_enough():
    ran = Ran(
        "Two things?", script("SEARCH: refund", "**Search**: colours", "DONE"), agentic=True, max_steps=5, top_k=2
    )
    assert ran.queries == ["refund", "colours"]
    assert ran.retrieved == ("kb-3", "kb-5")
    assert ran.steps("stop") == [{"step": "stop", "reason": "enough", "searches": 2}]
    assert "Searched so far: refund; colours" in ran.asides[-1]
    assert "A refund takes nine days." in ran.asides[1]
    assert "Searched" not in ran.asides[0]


def test_it_stops_at_the_limit_without_asking_once_more():
    ran = Ran("?", script("SEARCH: refund", "SEARCH: colours"), agentic=True, max_steps=2)
    assert ran.steps("stop") == [{"step": "stop", "reason": "limit", "searches": 2}]
    assert len(ran.asides) == 2
    assert "Searches left: 1" in ran.asides[1]


@pytest.mark.parametrize(
    ("replies", "queries", "reason"),
    [
        (["DONE"], ["lamp warranty"], "enough"),
        (["I do not know"], ["lamp warranty"], "unreadable"),
        (["SEARCH:"], ["lamp warranty"], "enough"),
        (["SEARCH: lamp", "SEARCH: lamp"], ["lamp"], "repeated"),
        (["Let me think.\nSEARCH: lamp\nSEARCH: oven", "done."], ["lamp"], "enough"),
    ],
)
def test_whatever_it_says_there_is_a_search_and_a_reason_to_stop(replies, queries, reason):
    ran = Ran(say=script(*replies), agentic=True)
    assert ran.queries == queries
    assert ran.steps("stop")[0]["reason"] == reason


def test_the_prompt_of_the_agent_can_be_ones_own():
    assert Ran(say=script("DONE"), agentic=True, agent_prompt="mine.md").asides == ["MINE lamp warranty"]


# --- the table ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"fetch_k": 9}, "fetch_k: nothing here uses it. Set `reranker` or `multi_query` or `agentic` too"),
        ({"max_steps": 9}, "max_steps: nothing here uses it. Set `agentic` too"),
        ({"rewrite_prompt": "mine.md"}, "rewrite_prompt: nothing here uses it. Set `query_rewrite` too"),
        ({"reranker": "x", "fetch_k": 2}, "fetch_k: it is too small, got 2; expected at least top_k = 4"),
        ({"agentic": True, "query_rewrite": True}, "query_rewrite: with `agentic` the model writes every query"),
        ({"query_rewrite": "yes"}, "query_rewrite: it cannot be used, got 'yes'; expected true or false"),
        ({"multi_query": 0}, "multi_query: it cannot be used, got 0"),
        ({"query_rewrite": True, "rewrite_prompt": "blind.md"}, "blind.md: the prompt does not show `input`"),
        ({"contextual": True, "context_prompt": "mine.md"}, "mine.md:1: the template uses an undefined name, got 'in"),
        ({"filters": {"size": 1}}, "filters: no document of the corpus has this key in its `metadata`, got 'size'"),
        ({"filters": {"lang": {"of": "x"}}}, "filters lang: it cannot be used, got {'of': 'x'}"),
        ({"filters": 3}, "filters: it is not a table, got 3"),
        ({"prompt": "plain.md"}, "plain.md: the prompt shows nothing of what is retrieved"),
        ({"embedder": "local:x"}, 'embedder: the retriever `bm25` embeds nothing. Set `retriever = "dense"`'),
    ],
)
def test_a_key_that_cannot_be_used_is_told_with_its_place(options, text):
    with pytest.raises(InvalidFile) as caught:
        Ran(**options)
    assert text in str(caught.value)


def test_a_reranker_that_is_refused_is_told_with_its_place():
    with pytest.raises(InvalidRequest, match=r"\[rungs\.advanced_rag\] reranker: reranker bad: no"):
        Ran(reranker="bad")


def test_dense_retrieval_needs_an_embedder():
    with pytest.raises(InvalidRequest, match=r"\[rungs\.advanced_rag\] retriever: retriever dense: no `embedder`"):
        Ran(retriever="dense")


def test_a_tuned_model_reads_what_the_switches_find():
    ran = Ran("x", lambda prompt: "yes" if "ANSWER" in prompt else "refund", kind="fine_tune", query_rewrite=True)
    assert ran.queries == ["refund"]


def test_hits_of_a_retriever_that_makes_its_documents_anew_are_fused():
    class Anew:
        def search(self, query: str, top_k: int, /) -> list[Hit]:
            return [Hit(Document("kb-1", "same"), 1.0), Hit(Document("kb-1", "other"), 0.5)]

    kit = Kit(
        llm=Client(script("a", "b")), read_text=FILES.__getitem__, read_documents=lambda path: CORPUS,
        read_examples=lambda path: [], retriever=lambda *_: Anew(), chunk=chunk,
    )  # fmt: skip
    options = {"prompt": "listed.md", "corpus": "kb", "retriever": "own", "multi_query": 1}
    system = build(RungSpec("a", Kind.ADVANCED_RAG, options=options), kit)
    answer = asyncio.run(system.answer(Question("c", "Which?")))
    assert answer.retrieved == ("kb-1",)
    assert kit.llm.asked[-1] == "ANSWER <kb-1: same><kb-1: other> Which?"  # type: ignore[attr-defined]
