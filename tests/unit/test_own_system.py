from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from pytest_ladder.core.answers import Answer, Reply
from pytest_ladder.core.cases import Question
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.errors import BudgetSpent, InvalidRequest, SystemFailed
from pytest_ladder.rungs.own import OwnSystem

SPEC = RungSpec("rag_v2", Kind.RAG, system="systems.py:f", options={"top_k": 3})


class Echo:
    """An LLM that repeats the last message."""

    def __init__(self) -> None:
        self.options: list[dict[str, Any]] = []

    async def chat(self, messages: Sequence[Mapping[str, Any]], /, **options: Any) -> Reply:
        self.options.append(options)
        await asyncio.sleep(0)
        return Reply(messages[-1]["content"], "echo")


def answer(function: Any, llm: Any = None) -> Answer:
    system = OwnSystem(function, SPEC, llm or Echo())
    return asyncio.run(system.answer(Question("c1", "Why?", {"lang": "en"})))


async def asynchronous(case, llm):
    return (await llm.chat([{"role": "user", "content": case.input}], max_tokens=3)).text


def synchronous(case, llm):
    return llm.chat([{"role": "user", "content": case.input}], max_tokens=3).text


@pytest.mark.parametrize("function", [asynchronous, synchronous])
def test_a_function_may_ask_the_model(function):
    llm = Echo()
    assert answer(function, llm) == Answer("Why?")
    assert llm.options == [{"max_tokens": 3}]


def test_the_rung_is_offered_too():
    assert answer(lambda case, rung: str(rung.options["top_k"])) == Answer("3")


def test_other_parameters_with_defaults_are_left_alone():
    assert answer(lambda case, top_k=7, **rest: f"{top_k}{rest}") == Answer("7{}")


@pytest.mark.parametrize("function", [lambda: "x", lambda case, retriever: "x", 3])
def test_what_cannot_be_called_with_a_case_is_refused_at_once(function):
    with pytest.raises(InvalidRequest, match=r"systems\.py:f: the system"):
        OwnSystem(function, SPEC, Echo())


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("a text", Answer("a text")),
        (Answer("x", retrieved=("a",)), Answer("x", retrieved=("a",))),
        ({"text": "x", "retrieved": ["a", "b"]}, Answer("x", retrieved=("a", "b"))),
        ({"parsed": {"k": 1}}, Answer('{"k": 1}', parsed={"k": 1})),
        ({"text": "x", "topic": "y"}, Answer('{"text": "x", "topic": "y"}', parsed={"text": "x", "topic": "y"})),
        ({"topic": "ü"}, Answer('{"topic": "ü"}', parsed={"topic": "ü"})),
        ({}, Answer("{}", parsed={})),
    ],
)
def test_a_text_a_dict_or_an_answer_is_an_answer(returned, expected):
    assert answer(lambda case: returned) == expected


@pytest.mark.parametrize(
    ("returned", "part"),
    [
        (None, "the system returned a NoneType; expected str, dict or Answer"),
        (["x"], "the system returned a list, got ['x']; expected str, dict or Answer"),
        ({"text": 3}, "`text` cannot be used, got 3"),
        ({"text": "x", "retrieved": "kb-1"}, "`retrieved` cannot be used, got 'kb-1'; expected a list"),
        ({"text": "x", "retrieved": [1]}, "`retrieved` holds no ids"),
        ({"topic": {1, 2}}, "not JSON"),
        ({"value": float("nan")}, "not JSON"),
        (Answer(3), "no text, got 3"),  # type: ignore[arg-type]
        (Answer("x", steps=(object(),)), "not JSON"),
    ],
)
def test_anything_else_is_told(returned, part):
    with pytest.raises(SystemFailed) as caught:
        answer(lambda case: returned)
    assert str(caught.value).startswith("systems.py:f: ")
    assert part in str(caught.value)


@pytest.mark.parametrize("error", [ValueError("no index"), SystemExit("no index")])
def test_what_it_raises_is_told_with_the_place(error):
    def function(case):
        raise error

    with pytest.raises(SystemFailed, match=r"systems\.py:f: the system raised .*no index"):
        answer(function)


def test_the_place_is_the_line_that_raised():
    with pytest.raises(SystemFailed, match=r"ZeroDivisionError: division by zero \(test_own_system\.py:\d+\)"):
        answer(lambda case: 1 / 0)


@pytest.mark.parametrize("function", [asynchronous, synchronous])
def test_a_spent_budget_is_not_the_systems_fault(function):
    class Spent:
        async def chat(self, messages, /, **options):
            raise BudgetSpent("spent")

    with pytest.raises(BudgetSpent):
        answer(function, Spent())


def test_a_function_that_nobody_waits_for_asks_the_model_no_more():
    llm, go, told = Echo(), threading.Event(), []

    def slow(case, llm):
        go.wait(30)
        try:
            llm.chat([{"role": "user", "content": "late"}])
        except SystemFailed as error:
            told.append(str(error))
        over.set()

    over = threading.Event()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(OwnSystem(slow, SPEC, llm).answer(Question("c1", "x")), 0.01)
        go.set()
        while not over.is_set():
            await asyncio.sleep(0.001)

    asyncio.run(main())
    assert llm.options == []
    assert "nobody waits" in told[0]


def test_a_coroutine_of_a_sync_function_is_told_to_be_async_instead_of_waiting_for_itself():
    async def inner(case, llm):
        return llm.chat([{"role": "user", "content": "x"}]).text

    with pytest.raises(SystemFailed, match="Declare the system `async def`"):
        answer(lambda case, llm: inner(case, llm))


async def text_async(case, llm):
    return (await llm.chat(case.input)).text


@pytest.mark.parametrize("function", [text_async, lambda case, llm: llm.chat(case.input).text])
def test_a_text_is_one_message_of_the_user(function):
    assert answer(function) == Answer("Why?")


@pytest.mark.parametrize(
    ("given", "got"),
    [
        (5, "got 5"), ([], "got []"), (None, "these are no messages"), (["Why?"], "got 'Why?'"),
        ({"role": "user", "content": "x"}, "got {'role'"), ([{"content": "x"}], "got {'content'"),
        ([{"role": "user"}], "got {'role'"), ([{"role": "user", "content": "x"}, 3], "got 3"),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused_at_once(given, got):
    async def asks(case, llm):
        return (await llm.chat(given)).text

    for function in (asks, lambda case, llm: llm.chat(given).text):
        with pytest.raises(
            InvalidRequest, match=r'systems\.py:f: llm\.chat: .*a text, or a list of \{"role"'
        ) as caught:
            answer(function)
        assert got in str(caught.value)


def test_messages_of_parts_and_of_tools_pass():
    parts = [{"role": "user", "content": [{"type": "text", "text": "x"}]}, {"role": "assistant", "tool_calls": [{}]},
             {"role": "tool", "content": "yes"}]  # fmt: skip
    assert answer(lambda case, llm: llm.chat(parts).text) == Answer("yes")


async def forgets_the_text(case, llm):
    return llm.chat(case.input).text


async def forgets_a_key(case, llm):
    return llm.chat(case.input)["text"]


async def forgets_its_own(case, llm):
    return text_async(case, llm).text


async def returns_it(case, llm):
    return llm.chat(case.input)


async def returns_its_own(case, llm):
    return text_async(case, llm)


@pytest.mark.filterwarnings("ignore:.* was never awaited")
@pytest.mark.parametrize("function", [forgets_a_key, forgets_its_own, returns_it, returns_its_own])
def test_a_missing_await_is_told(function):
    with pytest.raises(SystemFailed, match=r"Write `await` before the call: `reply = await llm\.chat\(\.\.\.\)`"):
        answer(function)
    gc.collect()  # Python's own warning comes once the coroutine is gone


def test_so_it_is_where_the_reply_is_used():
    with pytest.raises(SystemFailed, match=r"write `\(await llm\.chat\(\.\.\.\)\)\.text` \(test_own_system\.py:\d+\)"):
        answer(forgets_the_text)


def test_replies_may_be_gathered_and_made_tasks():
    async def many(case, llm):
        task = asyncio.create_task(llm.chat("b"))
        async with asyncio.TaskGroup() as group:
            grouped = group.create_task(llm.chat("c"))
        replies = [*await asyncio.gather(llm.chat("a"), task), grouped.result()]
        return "".join(reply.text for reply in replies)

    assert answer(many) == Answer("abc")


def test_a_task_of_a_reply_can_be_cancelled():
    async def gives_up(case, llm):
        async def never(messages, /, **options):
            await asyncio.Event().wait()

        llm._llm.chat = never
        try:
            async with asyncio.timeout(0.01):
                await asyncio.create_task(llm.chat("b"))
        except TimeoutError:
            return "gave up"

    assert answer(gives_up) == Answer("gave up")


def test_a_question_that_is_dropped_is_warned_of():
    async def drops(case, llm):
        llm.chat("a")
        gc.collect()
        return "x"

    with pytest.warns(RuntimeWarning, match="never awaited, so nothing was asked"):
        assert answer(drops) == Answer("x")


def test_a_system_that_asks_for_what_is_hidden_is_told():
    with pytest.raises(SystemFailed, match=r"never sees a case's `expected`.*\(test_own_system\.py:\d+\)"):
        answer(lambda case: case.expected)
