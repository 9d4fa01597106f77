from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from pytest_ladder.backends.retrievers import build_retriever
from pytest_ladder.backends.scripted import ScriptedModel
from pytest_ladder.backends.splitter import chunk
from pytest_ladder.core.answers import Answer, Reply, Request
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Document, Example, Kit
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.errors import InvalidFile, InvalidRequest
from pytest_ladder.rungs.registry import FACTORIES, build

FILES = {
    "plain.md": "system:\nBe brief.\nuser:\nQ: {{ input }}",
    "grounded.md": "system:\n{{ context }}\nuser:\nQ: {{ input }}",
    "listed.md": "{% for d in documents %}{{ d.id }}={{ d.text }};{% endfor %}{{ input }}",
    "shown.md": "{% for e in examples %}{{ e.input }}->{{ e.expected }} {% endfor %}{{ input }}",
}
CORPUS = [
    Document("kb-1", "The warranty of the lamp is two years.", "Lamp"),
    Document("kb-2", "The warranty of the oven is one year."),
    Document("kb-3", "Deliveries take two days. Refunds of a lamp take nine days."),
    Document("kb-4", "Colours are red and blue."),
]
EXAMPLES = [
    Example("refund of an oven", "money"),
    Example("colour of a lamp", {"topic": "colour"}),
    Example("delivery of a fan", "delivery"),
    Example("warranty of an iron", "warranty"),
    Example("size of a drill", "size"),
]


class Client:
    """An LLM over a scripted model."""

    def __init__(self, reply: str | Reply) -> None:
        self.model = ScriptedModel(lambda request: reply)

    async def chat(self, messages: Sequence[Mapping[str, Any]], /, **options: Any) -> Reply:
        return await self.model.complete(Request("scripted", tuple(messages), options))


def kit(reply: str | Reply = " yes\n") -> Kit:
    return Kit(
        llm=Client(reply), read_text=FILES.__getitem__, read_documents=lambda path: CORPUS,
        read_examples=lambda path: EXAMPLES, retriever=build_retriever, chunk=chunk,
    )  # fmt: skip


def spec(kind: str, **options: Any) -> RungSpec:
    return RungSpec(kind, Kind(kind), options=options)


def ask(
    rung: RungSpec, question: str = "lamp warranty", tools: Kit | None = None
) -> tuple[Answer, list[tuple[str, str]]]:
    tools = tools or kit()
    answer = asyncio.run(build(rung, tools).answer(Question("c1", question)))
    (request,) = tools.llm.model.requests  # type: ignore[attr-defined]
    return answer, [(part["role"], part["content"]) for part in request.messages]


def test_prompt_renders_the_template_and_strips_the_answer():
    answer, messages = ask(spec("prompt", prompt="plain.md"), "Why?")
    assert answer == Answer("yes")
    assert messages == [("system", "Be brief."), ("user", "Q: Why?")]


def test_the_finish_reason_and_tool_calls_are_passed_on():
    reply = Reply("cut", "m", finish_reason="length", tool_calls=({"name": "f", "arguments": {}},))
    answer, _ = ask(spec("prompt", prompt="plain.md"), tools=kit(reply))
    assert (answer.finish_reason, answer.tool_calls) == ("length", reply.tool_calls)


def test_few_shot_puts_the_first_k_as_turns_before_the_question():
    _, messages = ask(spec("few_shot", prompt="plain.md", examples="e.jsonl", k=2), "Why?")
    assert messages == [
        ("system", "Be brief."),
        ("user", "Q: refund of an oven"), ("assistant", "money"),
        ("user", "Q: colour of a lamp"), ("assistant", '{"topic": "colour"}'),
        ("user", "Q: Why?"),
    ]  # fmt: skip


def test_k_is_four_unless_said_otherwise():
    _, messages = ask(spec("few_shot", prompt="plain.md", examples="e.jsonl"))
    assert [role for role, _ in messages].count("assistant") == 4


def test_the_nearest_examples_come_last():
    rung = spec("few_shot", prompt="plain.md", examples="e.jsonl", k=3, select="bm25")
    _, messages = ask(rung, "warranty of a lamp")
    asked = [content for role, content in messages if role == "user"]
    assert asked[1:] == ["Q: warranty of an iron", "Q: colour of a lamp", "Q: warranty of a lamp"]


def test_where_few_examples_are_like_the_question_the_first_ones_fill_up_in_front():
    rung = spec("few_shot", prompt="plain.md", examples="e.jsonl", k=3, select="bm25")
    _, messages = ask(rung, "drill")
    asked = [content for role, content in messages if role == "user"]
    assert asked == ["Q: colour of a lamp", "Q: refund of an oven", "Q: size of a drill", "Q: drill"]


def test_a_template_may_place_the_examples_itself():
    _, messages = ask(spec("few_shot", prompt="shown.md", examples="e.jsonl", k=2), "Why?")
    assert messages == [("user", 'refund of an oven->money colour of a lamp->{"topic": "colour"} Why?')]


def test_rag_puts_the_best_documents_into_the_context_and_names_them():
    answer, messages = ask(spec("rag", prompt="grounded.md", corpus="kb.jsonl", top_k=2))
    assert answer.retrieved[0] == "kb-1"
    assert len(answer.retrieved) == 2
    assert messages[0][1].startswith("[kb-1] Lamp\nThe warranty of the lamp is two years.\n\n[kb-")


def test_rag_gives_templates_the_documents_one_by_one():
    _, messages = ask(spec("rag", prompt="listed.md", corpus="kb.jsonl", top_k=1), "colours")
    assert messages == [("user", "kb-4=Colours are red and blue.;colours")]


def test_a_question_that_finds_nothing_is_asked_without_context():
    answer, messages = ask(spec("rag", prompt="grounded.md", corpus="kb.jsonl"), "zebra")
    assert answer.retrieved == ()
    assert messages == [("user", "Q: zebra")]


def test_chunks_of_one_document_are_one_retrieved_id():
    rung = spec("rag", prompt="listed.md", corpus="kb.jsonl", top_k=3, chunk_size=35)
    answer, messages = ask(rung, "deliveries refunds days")
    assert answer.retrieved == ("kb-3",)
    assert messages[0][1].count("kb-3=") == 2


def test_rag_takes_examples_too_and_shows_them_without_context():
    rung = spec("rag", prompt="grounded.md", corpus="kb.jsonl", examples="e.jsonl", k=1)
    _, messages = ask(rung)
    assert messages[1:3] == [("user", "Q: refund of an oven"), ("assistant", "money")]
    assert messages[0][0] == "system"


def test_fine_tune_without_a_prompt_asks_the_bare_input():
    assert ask(spec("fine_tune", method="lora"), "Why?")[1] == [("user", "Why?")]


def test_fine_tune_with_a_corpus_retrieves():
    answer, messages = ask(spec("fine_tune", prompt="grounded.md", corpus="kb.jsonl", top_k=1))
    assert answer.retrieved == ("kb-1",)
    assert "two years" in messages[0][1]


def test_every_kind_has_a_built_in_system():
    assert set(FACTORIES) == set(Kind)


def test_optimize_is_one_call_with_the_prompt_that_was_found():
    answer, messages = ask(spec("optimize", prompt="plain.md"), "Why?")
    assert answer.text
    assert messages == ask(spec("prompt", prompt="plain.md"), "Why?")[1]


@pytest.mark.parametrize(
    ("rung", "part"),
    [
        (spec("prompt"), "[rungs.prompt] prompt: a rung of kind `prompt` needs this key"),
        (spec("prompt", prompt=3), "[rungs.prompt] prompt: it is not a text, got 3"),
        (spec("few_shot", prompt="plain.md"), "[rungs.few_shot] examples: a rung of kind `few_shot` needs"),
        (spec("few_shot", prompt="plain.md", examples="e", k=0), "k: it cannot be used, got 0; expected a whole"),
        (spec("few_shot", prompt="plain.md", examples="e", k=9), "e: it has 5 examples; expected at least k = 9"),
        (spec("few_shot", prompt="plain.md", examples="e", select="best"), "got 'best'; expected first | bm25"),
        (spec("rag", prompt="plain.md", corpus="kb"), "plain.md: the prompt shows nothing of what is retrieved"),
        (spec("rag", prompt="grounded.md"), "[rungs.rag] corpus: a rung of kind `rag` needs"),
        (spec("rag", prompt="grounded.md", corpus="kb", top_k=True), "top_k: it cannot be used, got True"),
        (spec("rag", prompt="grounded.md", corpus="kb", chunk_overlap=5), "are not split. Set `chunk_size` too"),
        (spec("rag", prompt="grounded.md", corpus="kb", chunk_size=5, chunk_overlap=5), "it is too large"),
        (spec("rag", prompt="grounded.md", corpus="kb", retriever_options=1), "it is not a table"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_used_is_told_with_its_place(rung, part):
    with pytest.raises(InvalidFile) as caught:
        build(rung, kit())
    assert part in str(caught.value)


def test_an_option_of_the_retriever_reaches_it():
    rung = spec("rag", prompt="grounded.md", corpus="kb", retriever_options={"k2": 1})
    with pytest.raises(InvalidRequest, match=r"\[rungs\.rag\] retriever: retriever bm25: unknown option, got 'k2'"):
        build(rung, kit())
