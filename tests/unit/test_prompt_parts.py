from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ladder.core.answers import Call, Reply
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Document, Example, Kit
from pytest_ladder.core.prompt_parts import PARTS, Prompt, apportioned, told
from pytest_ladder.core.structured import Schema
from pytest_ladder.rungs.prompting.asides import ask
from pytest_ladder.rungs.prompting.chat import Chat, context_of
from pytest_ladder.rungs.prompting.few_shot import Fixed
from pytest_ladder.rungs.prompting.structured import Output
from pytest_ladder.rungs.prompting.template import PromptTemplate
from tests.unit.test_rungs import kit

DOCUMENTS = [Document("kb-1", "Two years."), Document("kb-2", "One year.", "Oven")]
EXAMPLES = [Example("size of a fan", "size"), Example("colour of a lamp", {"topic": "colour"})]


def prompt(text: str, question: str = "lamp warranty", examples: int = 0, documents: int = 0) -> Prompt:
    tools: Kit = kit()
    chat = Chat(PromptTemplate(text, "p.md"), Fixed(EXAMPLES[:examples]), tools)
    return chat.messages(Question("c1", question), DOCUMENTS[:documents])


@given(st.dictionaries(st.sampled_from(PARTS), st.integers(0, 10_000)), st.integers(0, 100_000))
def test_shares_are_whole_and_add_up(weights: dict[str, int], whole: int):
    found = apportioned(weights, whole)
    total = sum(weights.values())
    assert sum(found.values()) == (whole if total else 0)
    for part, share in found.items():
        assert abs(share - whole * weights[part] / total) < 1


def test_a_call_without_tokens_or_parts_says_nothing():
    call = Call("d", "m", Reply("a", "m", prompt_tokens=10))
    assert told(call, [{"role": "user", "content": "a"}]) == call
    assert told(call, [{"role": "user", "content": "a"}], cold=True).flags == ("cold",)
    assert told(Call("d", "m", Reply("a", "m")), Prompt([], {"question": 3})).parts == {}


def test_flags_are_in_their_order():
    call = Call("d", "m", Reply("a", "m", prompt_tokens=10))
    assert told(call, Prompt([], {}, ["fallback", "repair"]), cold=True).flags == ("cold", "repair", "fallback")


@pytest.mark.parametrize(
    ("text", "examples", "documents", "expected"),
    [
        ("Say it.\n{{ input }}", 0, 0, {"question": 13}),
        ("system:\nBe brief.\nuser:\n{{ input }}", 2, 0, {"question": 13, "examples": 13 + 4 + 16 + 19}),
        ("{{ context }}\n\nQ: {{ input }}", 0, 2, {"question": 13, "context": len(context_of(DOCUMENTS))}),
        ("{% for d in documents %}{{ d.text }}{% endfor %}{{ input }}", 0, 1, {"context": 10, "question": 13}),
        ("{% for e in examples %}{{ e.input }}={{ e.expected }}{% endfor %}{{ input }}", 1, 0,
         {"examples": 17, "question": 13}),
    ],
)  # fmt: skip
def test_the_parts_are_those_that_were_put_in(text: str, examples: int, documents: int, expected: dict[str, int]):
    made = prompt(text, examples=examples, documents=documents)
    whole = sum(len(part["content"]) for part in made)
    assert sum(made.parts.values()) == whole
    if "d.text" in text:  # the ids and titles of the documents are not shown: the count is of the whole of each
        assert made.parts["context"] == pytest.approx(expected["context"], abs=4)
        return
    assert {part: made.parts[part] for part in expected} == expected
    assert made.parts["instructions"] == whole - sum(expected.values())


def test_no_part_is_counted_that_the_template_does_not_show():
    made = prompt("Say anything about {{ id }}.", documents=2)
    assert (made.parts["question"], made.parts["context"]) == (0, 0)


def test_to_others_a_prompt_is_a_tuple_of_messages():
    made = prompt("{{ input }}")
    assert made == ({"role": "user", "content": "lamp warranty"},)
    assert isinstance(made, tuple)


def test_a_repair_goes_on_from_an_answer_that_the_template_began():
    begun = "user:\n{{ input }}\nassistant:\nIn short:"
    output = Output(Schema({"type": "object"}), "prompt", falls_back=False, repairs=1)
    tools = kit("a lamp")
    answer = asyncio.run(Chat(PromptTemplate(begun, "p.md"), Fixed(), tools, output).answer(Question("c1", "what?")))

    first, second = tools.llm.model.requests  # type: ignore[attr-defined]
    assert [part["role"] for part in first.messages] == ["user", "assistant"]
    assert [part["role"] for part in second.messages] == ["user", "assistant", "user"]
    assert second.messages[1]["content"] == "In short:a lamp"
    assert answer.validation == {"valid": False, "attempts": 2, "error": "the answer is not JSON"}


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("{{ input }} {{ n }}", {"input": "lamp", "n": 3}, {"question": 4, "instructions": 2}),
        ("{{ document }}|{{ chunk }}", {"document": "ab cd", "chunk": "cd"}, {"context": 7, "instructions": 1}),
        ("{{ context }}{{ input }}", {"context": "found", "input": "lamp"}, {"context": 5, "question": 4}),
        ("{{ results }}", {"results": "abc"}, {"context": 3}),
    ],
)
def test_what_is_asked_besides_the_answer_tells_its_parts_too(text, values, expected):
    asked: list[Prompt] = []

    class Client:
        async def chat(self, messages: Prompt, /) -> Reply:
            asked.append(messages)
            return Reply("said", "m")

    assert asyncio.run(ask(Client(), PromptTemplate(text, "p.md", tuple(values)), **values)) == "said"
    assert {part: size for part, size in asked[0].parts.items() if size} == expected
