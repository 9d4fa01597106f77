"""Parts of the strategy `tool_agent` that a whole run shows less plainly."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_ladder.core.answers import Answer, Reply
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Kit
from pytest_ladder.core.prompt_parts import Prompt
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.errors import InvalidRequest, ModelFailed, ModelRefused, ModelUnavailable
from pytest_ladder.rungs.registry import build
from pytest_ladder.rungs.tools.function import FunctionTool

Say = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], Reply]


async def double(x: int) -> int:
    """Double a number."""
    await asyncio.sleep(0)
    return 2 * x


class Client:
    """An LLM that writes down what it is asked."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.asked: list[Prompt] = []
        self.options: list[Mapping[str, Any]] = []

    async def chat(self, messages: Sequence[Mapping[str, Any]], /, **options: Any) -> Reply:
        assert isinstance(messages, Prompt)
        self.asked.append(messages)
        self.options.append(options)
        await asyncio.sleep(0)
        return self.say(messages, options)


def kit(llm: Client, calling: str) -> Kit:
    return Kit(
        llm=llm, read_text={"agent.md": "user:\n{{ input }}"}.__getitem__, read_documents=lambda path: [],
        read_examples=lambda path: [], retriever=lambda *_: pytest.fail("no retriever"), chunk=lambda *_: [],
        tool=lambda reference: FunctionTool(double, "double", "x"), calling=lambda: calling,
    )  # fmt: skip


def answers(say: Say, many: int = 1, calling: str = "provider", **options: Any) -> tuple[list[Answer], Client]:
    llm = Client(say)
    table = {"strategy": "tool_agent", "prompt": "agent.md", "tools": ["tools.py:double"], **options}
    system = build(RungSpec("agent", Kind.DECOMPOSE, options=table), kit(llm, calling))

    async def main() -> list[Answer]:
        return await asyncio.gather(*(system.answer(Question(f"c{n}", f"double {n}")) for n in range(many)))

    return asyncio.run(main()), llm


def number_of(messages: Sequence[Mapping[str, Any]]) -> int:
    (asked,) = (part["content"] for part in messages if part["content"] and "double " in part["content"])
    return int(asked.rpartition("double ")[2])


def doubling(messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> Reply:
    """Calls `double` in whatever way it is offered, and answers with its result."""
    last = str(messages[-1]["content"])
    if messages[-1]["role"] == "tool" or last.startswith("RESULT"):
        return Reply(last.removeprefix("RESULT double: "), "m")
    number = number_of(messages)
    if "tools" in options:
        return Reply("", "m", tool_calls=({"name": "double", "arguments": {"x": number}},))
    return Reply(f'CALL double {{"x": {number}}}', "m")


@pytest.mark.parametrize("calling", ["provider", "text"])
def test_answers_made_side_by_side_stay_apart(calling: str):
    made, _ = answers(doubling, 20, calling)

    assert [answer.text for answer in made] == [str(2 * n) for n in range(20)]
    assert [answer.tool_calls[0]["arguments"]["x"] for answer in made] == list(range(20))


@pytest.mark.parametrize("fault", [ModelFailed("400: tools are not supported"), ModelRefused("unknown: ['tools']")])
def test_a_model_that_refuses_tools_is_spoken_to_in_text_from_then_on(fault: Exception):
    def say(messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> Reply:
        if "tools" in options:
            raise fault
        return doubling(messages, options)

    made, llm = answers(say, 5)

    assert [answer.text for answer in made] == ["0", "2", "4", "6", "8"]
    assert {answer.steps[-1]["mode"] for answer in made} == {"text"}
    assert sum("tools" in options for options in llm.options) == 5
    assert all("You can call tools" in prompt[0]["content"] for prompt in llm.asked[-5:])
    assert all(prompt.flags == ("fallback",) for prompt in llm.asked[-10:])


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        (ModelFailed("400: too long"), {}),
        (ModelUnavailable("500: tools"), {}),
        (ModelFailed("400: tools are not supported"), {"tool_mode": "provider"}),
    ],
)
def test_another_refusal_is_an_error(fault: Exception, options: Any):
    def say(messages: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> Reply:
        raise fault

    with pytest.raises(type(fault), match=str(fault)):
        answers(say, **options)


def test_the_last_request_forbids_calls_and_keeps_the_tools():
    def say(messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> Reply:
        return doubling(messages[:1], options) if options.get("tool_choice") != "none" else Reply("done", "m")

    (answer,), llm = answers(say, max_steps=1)

    assert answer.text == "done"
    assert [options.get("tool_choice") for options in llm.options] == [None, "none"]
    assert llm.options[0]["tools"] == llm.options[1]["tools"]


@pytest.mark.parametrize("fault", [ModelFailed("400: 'tool_choice' is not known"), ModelFailed("no tool_choice=none")])
def test_a_provider_that_cannot_forbid_calls_is_asked_without(fault: Exception):
    def say(messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> Reply:
        if "tool_choice" in options:
            raise fault
        last = str(messages[-1]["content"]).startswith("No further tool")
        return Reply("done", "m") if last else doubling(messages[:1], options)

    made, llm = answers(say, 4, max_steps=1)

    assert [answer.text for answer in made] == ["done"] * 4
    assert all("tools" in options for options in llm.options)
    assert llm.options[-1].get("tool_choice") is None


def test_a_request_that_is_made_in_another_way_is_not_made_while_the_first_fault_is_handled():
    handled = []

    def say(messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> Reply:
        handled.append(sys.exc_info()[1])
        if "tool_choice" in options:
            raise ModelFailed("400: 'tool_choice' is not known")
        last = str(messages[-1]["content"]).startswith("No further tool")
        return Reply("done", "m") if last else doubling(messages[:1], options)

    answers(say, max_steps=1)

    assert handled == [None, None, None]


def test_another_fault_of_the_last_request_is_an_error():
    def say(messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> Reply:
        if "tool_choice" in options:
            raise ModelFailed("400: too long")
        return doubling(messages[:1], options)

    with pytest.raises(ModelFailed, match="too long"):
        answers(say, max_steps=1)


def test_parts_of_the_prompt_add_up_to_what_is_said():
    (_,), llm = answers(doubling, calling="text")

    first, second = llm.asked
    assert sum(first.parts.values()) == sum(len(part["content"]) for part in first)
    assert sum(second.parts.values()) == sum(len(part["content"]) for part in second)
    assert second.parts["context"] == sum(len(part["content"]) for part in second[1:])


def test_calls_that_providers_write_under_function_are_read():
    def say(messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> Reply:
        if messages[-1]["role"] == "tool":
            return Reply(str(messages[-1]["content"]), "m")
        return Reply("", "m", tool_calls=({"id": "x1", "function": {"name": "double", "arguments": '{"x": 4}'}},))

    (answer,), llm = answers(say)

    assert answer.text == "8"
    assert llm.asked[1][-1]["tool_call_id"] == "x1"


def test_a_kit_without_tools_says_so():
    table = {"strategy": "tool_agent", "prompt": "agent.md", "tools": ["tools.py:double"]}
    bare = replace(kit(Client(doubling), "text"), tool=Kit.tool)
    with pytest.raises(InvalidRequest, match=r"tool tools\.py:double: there are no tools here"):
        build(RungSpec("agent", Kind.DECOMPOSE, options=table), bare)
