from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_ladder.backends.models import build_model, is_hosted
from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.errors import InvalidRequest, LadderError, ModelFailed

NAME = "models.py:ask"
HELLO = ({"role": "user", "content": "Hello"},)


def ask(function: Any, *, seed: int = 0, repeat: int = 0, **options: Any) -> Reply:
    model = build_model(NAME, load_function=lambda _: function, folder=Path())
    return asyncio.run(model.complete(Request(NAME, HELLO, options, seed, repeat)))


async def asynchronous(messages: list[dict[str, str]]) -> str:
    return messages[0]["content"].upper()


@pytest.mark.parametrize("function", [asynchronous, lambda messages: messages[0]["content"].upper()])
def test_a_text_becomes_a_reply_with_its_latency(function):
    reply = ask(function)
    assert (reply.text, reply.model_returned, reply.finish_reason) == ("HELLO", NAME, "stop")
    assert reply.latency_s > 0


def test_a_dict_fills_the_reply():
    told = {"text": "hi", "prompt_tokens": 3, "completion_tokens": 2, "cost_usd": 0.5, "model": "m-7",
            "finish_reason": "length", "tool_calls": [{"name": "f", "arguments": {}}]}  # fmt: skip
    reply = ask(lambda messages: told)
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens, reply.cost_usd) == ("hi", 3, 2, 0.5)
    assert (reply.model_returned, reply.finish_reason, len(reply.tool_calls)) == ("m-7", "length", 1)


def test_a_reply_is_taken_as_it_is():
    reply = Reply("hi", "m", latency_s=3.0)
    assert ask(lambda messages: reply) == reply


def test_an_object_with_a_text_is_as_good_as_a_reply():
    told = SimpleNamespace(
        text="hi", prompt_tokens=3, cost_usd=0.5, model="m-7", finish_reason="length", other=object()
    )
    reply = ask(lambda messages: told)
    assert (reply.text, reply.prompt_tokens, reply.cost_usd) == ("hi", 3, 0.5)
    assert (reply.model_returned, reply.finish_reason) == ("m-7", "length")
    assert ask(lambda messages: SimpleNamespace(text="hi", model=None)).model_returned == NAME


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        (SimpleNamespace(text=3), "the model returned a SimpleNamespace, got"),
        (SimpleNamespace(content="hi"), "the model returned a SimpleNamespace, got"),
        (SimpleNamespace(text="hi", cost_usd="free"), "a SimpleNamespace whose `cost_usd` cannot be used, got 'free'"),
    ],
)
def test_an_object_without_is_told(told, fault):
    with pytest.raises(ModelFailed, match=fault):
        ask(lambda messages: told)


def test_what_the_function_raises_is_told_with_its_line():
    with pytest.raises(ModelFailed, match=r"raised ZeroDivisionError: .* \(test_callable_model\.py:\d+\)"):
        ask(lambda messages: 1 / 0)


def test_options_are_passed_where_they_are_accepted():
    options = {"temperature": 0.5, "max_tokens": 7}
    assert ask(lambda messages, **rest: repr(sorted(rest)), **options).text == "['max_tokens', 'temperature']"
    assert ask(lambda messages, max_tokens: str(max_tokens), **options).text == "7"
    assert ask(lambda messages: "none", **options).text == "none"


def test_seed_and_repeat_are_passed_where_they_are_named():
    assert ask(lambda messages, *, seed, repeat: f"{seed}/{repeat}", seed=4, repeat=2).text == "4/2"
    assert ask(lambda messages, **rest: str(rest), seed=4, repeat=2).text == "{}"


def test_the_function_may_change_its_messages():
    function = lambda messages: messages[0].pop("content")  # noqa: E731
    assert [ask(function).text, ask(function).text] == ["Hello", "Hello"]


@pytest.mark.parametrize(
    ("returned", "part"),
    [
        (None, "returned a NoneType; expected a str, a Reply, or a dict"),
        (3, "returned a int, got 3"),
        ({"txt": "hi"}, "a dict without `text`, got {'txt': 'hi'}"),
        ({"text": "hi", "cost": 1}, "unknown key, got 'cost'; expected text | prompt_tokens"),
        ({"text": 3}, "`text` cannot be used, got 3; expected a string"),
        ({"text": "hi", "prompt_tokens": True}, "`prompt_tokens` cannot be used"),
        ({"text": "hi", "cost_usd": float("nan")}, "`cost_usd` cannot be used"),
        ({"tool_calls": [{"name": "f", "arguments": float("nan")}]}, "`tool_calls` cannot be used"),
        ({"tool_calls": [object()]}, "expected a list of JSON values"),
    ],
)
def test_a_wrong_return_value_is_told(returned, part):
    with pytest.raises(ModelFailed) as caught:
        ask(lambda messages: returned)
    assert str(caught.value).startswith(f"{NAME}: ")
    assert part in str(caught.value)


@pytest.mark.parametrize("error", [ValueError("no key"), SystemExit("no key")])
def test_what_it_raises_is_told(error):
    def function(messages):
        raise error

    with pytest.raises(ModelFailed, match="no key"):
        ask(function)


def test_an_error_of_this_project_passes():
    def function(messages):
        raise InvalidRequest("mine")

    with pytest.raises(InvalidRequest, match=r"^mine$"):
        ask(function)


@pytest.mark.parametrize("name", ["models.py:ask", "lib/models.py:Maker.ask", "package.module:ask", "modèle:f"])
def test_names_of_functions_are_known_as_such(name):
    seen = []
    build_model(name, load_function=lambda found: seen.append(found) or len, folder=Path())
    assert seen == [name]


@pytest.mark.parametrize("name", ["openai/gpt-4.1-mini", "gpt-4o", "ollama/llama3:8b", "bedrock/a.b-v1:0", "a:b:c",
                                  "ft:gpt-4o-mini:org::id", "openai_compatible:http://h:1/v1#m",
                                  "openai_compatible:tiny"])  # fmt: skip
def test_names_of_hosted_models_are_no_functions(name):
    assert is_hosted(name)
    assert not is_hosted("local:models/base")


def test_an_adapter_needs_a_local_model():
    with pytest.raises(LadderError, match="local model only"):
        build_model(NAME, load_function=lambda _: len, folder=Path(), adapter=Path("a"))
