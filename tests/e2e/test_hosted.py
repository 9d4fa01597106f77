"""Hosted models over real HTTP: the same promises of the direct backend and of LiteLLM."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pytest_ladder.backends.hosted import QUOTA
from pytest_ladder.backends.models import build_model
from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.core.ports import Model
from pytest_ladder.core.prices import Price
from pytest_ladder.engine.loop import LoopThread
from pytest_ladder.errors import InvalidRequest, LadderError, ModelFailed, ModelRefused, ModelUnavailable
from tests.extras import needs
from tests.loopback import (
    EMPTY,
    GARBAGE,
    HANG,
    HTML,
    HUGE,
    MODEL,
    OK,
    RESET,
    SLOW,
    TRUNCATED,
    Act,
    Loopback,
    failing,
    in_turn,
    saying,
)

KEY = "sk-not-a-real-key-4711"
NEEDS = {"direct": ("aiohttp", "http"), "litellm": ("litellm", "llm")}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "note", "schema": {"type": "object"}}}


@dataclass
class Asked:
    """One backend on one server."""

    kind: str
    server: Loopback
    loop: LoopThread
    price: Price = field(default_factory=lambda: Price(2.0, 10.0))
    timeout: float = 20.0
    model: Model | None = None

    @property
    def name(self) -> str:
        return self.server.model if self.kind == "direct" else "openai/tiny"

    def options(self, **options: Any) -> dict[str, Any]:
        return options if self.kind == "direct" else {"api_base": self.server.url, **options}

    def ask(self, text: str = "what is 5", **options: Any) -> Reply:
        if self.model is None:
            self.model = build_model(
                self.name, load_function=lambda _: len, folder=Path(), price=self.price,
                timeout=self.timeout, api_key_env="LOOPBACK_KEY",
            )  # fmt: skip
        messages = ({"role": "system", "content": "count"}, {"role": "user", "content": text})
        return self.loop.run(self.model.complete(Request(self.name, messages, self.options(**options), 17, 2)))


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    made = LoopThread()
    yield made
    made.close()


@pytest.fixture(params=["direct", "litellm"])
def asked(request: pytest.FixtureRequest, loop: LoopThread, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    needs(*NEEDS[request.param])
    monkeypatch.setenv("LOOPBACK_KEY", KEY)
    with Loopback() as server:
        made = Asked(request.param, server, loop)
        yield made
        if made.model is not None:
            made.model.close()


def within(status: int) -> Act:
    """What a proxy says that has sent its own status before the provider behind it failed."""
    return Act(200, json.dumps({"error": {"code": status, "message": "Provider returned error"}}).encode())


def fails(asked: Asked, act: Act, kind: type[LadderError]) -> Any:
    asked.server.script = lambda _: act
    before = len(asked.server.requests)
    with pytest.raises(kind) as caught:
        asked.ask()
    assert type(caught.value) is kind
    assert len(asked.server.requests) == before + 1, "a backend asks once; repetitions are the engine's"
    assert KEY not in str(caught.value)
    assert asked.name in str(caught.value)
    return caught.value


def test_a_reply_says_what_the_provider_said(asked: Asked):
    reply = asked.ask("what is 5")

    assert (reply.text, reply.finish_reason, reply.model_returned) == ("answer 5", "stop", MODEL)
    assert (reply.prompt_tokens, reply.completion_tokens) == (3, 2)
    assert reply.cost_usd == pytest.approx((3 * 2.0 + 2 * 10.0) / 1e6)
    assert 0 < reply.latency_s < 5
    assert reply.retries == 0


def test_what_is_sent_is_the_request_whole_and_not_streamed(asked: Asked):
    asked.ask("what is 5", temperature=0.0, max_tokens=7)

    (seen,) = asked.server.requests
    assert seen.path == "/v1/chat/completions"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.body["model"] == "tiny"
    assert seen.body["messages"] == [{"role": "system", "content": "count"}, {"role": "user", "content": "what is 5"}]
    assert (seen.body["temperature"], seen.body["max_tokens"], seen.body["seed"]) == (0.0, 7, 19)
    assert not seen.body.get("stream")
    assert "timeout" not in seen.body


def test_connections_are_kept_alive(asked: Asked):
    for number in range(5):
        asked.ask(f"what is {number}")

    assert len(asked.server.requests) == 5
    assert asked.server.connections == 1


def test_a_schema_goes_along_and_the_answer_is_json(asked: Asked):
    reply = asked.ask(response_format=SCHEMA)

    assert asked.server.requests[0].body["response_format"] == SCHEMA
    assert json.loads(reply.text) == {"answer": "answer 5"}


def test_tools_go_along_and_their_calls_come_back(asked: Asked):
    reply = asked.ask(tools=[TOOL])

    assert asked.server.requests[0].body["tools"] == [TOOL]
    assert reply.tool_calls == ({"name": "look_up", "arguments": {"told": "answer 5"}, "id": "call_1"},)
    assert (reply.text, reply.finish_reason) == ("", "tool_calls")


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_stop_by_length_or_filter_is_an_answer(asked: Asked, reason: str):
    asked.server.script = lambda _: saying("half an ans", finish_reason=reason)

    reply = asked.ask()

    assert (reply.text, reply.finish_reason) == ("half an ans", reason)


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        pytest.param(failing(500), ModelUnavailable, id="500"),
        pytest.param(failing(502), ModelUnavailable, id="502"),
        pytest.param(failing(503), ModelUnavailable, id="503"),
        pytest.param(RESET, ModelUnavailable, id="reset"),
        pytest.param(TRUNCATED, ModelUnavailable, id="truncated"),
        pytest.param(GARBAGE, ModelUnavailable, id="garbage"),
        pytest.param(HTML, ModelUnavailable, id="html"),
        pytest.param(EMPTY, ModelUnavailable, id="empty"),
        pytest.param(failing(401), ModelRefused, id="401"),
        pytest.param(failing(403), ModelRefused, id="403"),
        pytest.param(failing(404), ModelRefused, id="404"),
        pytest.param(failing(429, code=QUOTA), ModelRefused, id="quota"),
        pytest.param(failing(400), ModelFailed, id="400"),
        pytest.param(failing(422), ModelFailed, id="422"),
        pytest.param(failing(400, code="context_length_exceeded", text="maximum context length is 10 tokens"),
                     ModelFailed, id="context"),
        pytest.param(failing(400, code="content_filter", text="content management policy"), ModelFailed, id="filter"),
        pytest.param(saying("x", choices=[]), ModelFailed, id="no choices"),
        pytest.param(within(502), ModelUnavailable, id="502 within 200"),
        pytest.param(within(429), ModelUnavailable, id="429 within 200"),
        pytest.param(within(401), ModelRefused, id="401 within 200"),
        pytest.param(within(400), ModelFailed, id="400 within 200"),
    ],
)  # fmt: skip
def test_whatever_is_no_answer_is_an_error_that_says_whether_asking_again_helps(
    asked: Asked, act: Act, kind: type[LadderError]
):
    fails(asked, act, kind)


@pytest.mark.parametrize(("said", "seconds"), [("2", 2.0), ("0.5", 0.5), (None, None), ("soon", None)])
def test_a_refusal_for_the_rate_says_how_long_to_wait(asked: Asked, said: str | None, seconds: float | None):
    fault = fails(asked, failing(429, **({"retry_after": said} if said else {})), ModelUnavailable)

    assert fault.limited
    assert fault.retry_after == seconds


def test_a_server_that_is_down_is_told_from_one_that_fails(asked: Asked):
    asked.server.stop()

    with pytest.raises(ModelUnavailable) as caught:
        asked.ask()
    assert caught.value.unsent
    asked.server.start()
    assert asked.ask().text == "answer 5"


def test_a_server_that_hangs_is_given_up_after_the_time_out(asked: Asked):
    asked.timeout = 0.5
    start = time.monotonic()

    fault = fails(asked, HANG, ModelUnavailable)

    assert time.monotonic() - start < 60  # most of it the import of the library, where this test is run alone
    assert not fault.unsent
    assert not fault.limited


@pytest.mark.parametrize("handled", [ModelFailed("the context is too long"), ConnectionRefusedError("elsewhere")])
def test_what_the_caller_was_handling_is_no_cause_of_what_a_call_meets(asked: Asked, handled: Exception):
    asked.ask()
    asked.server.script = lambda _: failing(429, retry_after="2")

    async def in_a_handler() -> LadderError | None:
        assert asked.model is not None
        try:
            raise handled
        except (ModelFailed, ConnectionRefusedError):
            try:
                await asked.model.complete(Request(asked.name, ({"role": "user", "content": "5"},), asked.options()))
            except LadderError as fault:
                return fault
        return None

    fault = asked.loop.run(in_a_handler())

    assert isinstance(fault, ModelUnavailable)
    assert (fault.limited, fault.unsent, fault.retry_after) == (True, False, 2.0)


def test_a_call_whose_body_is_still_coming_when_the_connections_are_closed_ends(loop: LoopThread):
    needs(*NEEDS["direct"])
    with Loopback(lambda _: Act(drip_s=60.0)) as server:
        model = build_model(server.model, load_function=lambda _: len, folder=Path(), price=Price(0, 0), timeout=1.0)
        request = Request(server.model, ({"role": "user", "content": "what is 5"},))
        call = asyncio.run_coroutine_threadsafe(model.complete(request), loop.loop())
        while not server.requests:
            time.sleep(0.01)
        time.sleep(0.2)  # the head of the answer has come
        model.close()
        with pytest.raises(ModelUnavailable):
            call.result(30)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue refuses in place of dropping")
def test_a_host_that_never_takes_the_connection_counts_as_not_reached(loop: LoopThread):
    needs(*NEEDS["direct"])
    with ExitStack() as opened:
        full = opened.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # nobody accepts: what more comes is dropped
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        name = f"openai_compatible:http://127.0.0.1:{full.getsockname()[1]}/v1#{MODEL}"
        model = build_model(name, load_function=lambda _: len, folder=Path(), price=Price(0, 0), timeout=1.0)
        with pytest.raises(ModelUnavailable, match="the server cannot be reached") as caught:
            loop.run(model.complete(Request(name, ({"role": "user", "content": "what is 5"},))))
        model.close()

    assert caught.value.unsent


def test_a_slow_answer_is_an_answer(asked: Asked):
    asked.server.script = lambda _: SLOW

    reply = asked.ask()

    assert reply.text == "answer 5"
    assert reply.latency_s >= 0.5


def test_an_answer_without_usage_is_an_error_where_tokens_cost_something(asked: Asked):
    fault = fails(asked, saying("x", usage=None), ModelRefused)

    assert "does not say how many tokens" in str(fault)


def test_an_answer_without_usage_is_an_answer_where_they_cost_nothing(asked: Asked):
    asked.price = Price(0.0, 0.0)
    asked.server.script = lambda _: saying("x", usage=None)

    reply = asked.ask()

    assert (reply.text, reply.prompt_tokens, reply.completion_tokens, reply.cost_usd) == ("x", 0, 0, 0.0)


@pytest.mark.parametrize(
    "option",
    [
        "api_key",
        "stream",
        "n",
        "max_retries",
        "num_retries",
        "fallbacks",
        "context_window_fallback_dict",
        "mock_response",
        "mock_tool_calls",
        "caching",
        "cache",
        "model",
    ],
)
def test_options_that_would_go_round_the_bounds_are_refused(asked: Asked, option: str):
    with pytest.raises(InvalidRequest, match=rf"the option `{option}` cannot be used with a hosted model"):
        asked.ask(**{option: "x"})
    assert asked.server.requests == []


def test_many_at_once_each_get_their_own_answer(asked: Asked, loop: LoopThread):
    asked.server.script = lambda seen: replace(OK, wait_s=0.01 * (seen.number % 5))
    asked.ask()
    model, name = asked.model, asked.name
    assert model is not None

    async def work() -> list[Reply]:
        import asyncio

        asking = [
            model.complete(Request(name, ({"role": "user", "content": f"what is {n}"},), asked.options()))
            for n in range(60)
        ]
        return await asyncio.gather(*asking)

    assert [reply.text for reply in loop.run(work())] == [f"answer {n}" for n in range(60)]


def test_after_it_was_closed_it_opens_again(asked: Asked):
    asked.ask()
    assert asked.model is not None
    asked.model.close()
    asked.model.close()

    assert asked.ask().text == "answer 5"


@pytest.mark.parametrize(
    "body",
    [
        [1], "text", 5, None, {}, {"choices": {}}, {"choices": [5]}, {"choices": [{}]}, {"choices": [{"message": "x"}]},
        {"choices": [{"message": {}}]}, {"choices": [{"message": {"content": 5}}]},
        {"choices": [{"message": {"content": ["x"]}}]}, {"choices": [{"message": {"content": [{"type": "text"}]}}]},
        {"choices": [{"message": {"content": "x", "tool_calls": "y"}}]},
        {"choices": [{"message": {"content": None, "tool_calls": [{"function": {}}]}}]},
        {"choices": [{"message": {"content": "x"}, "finish_reason": 3}]}, {"error": {"message": "boom"}},
    ],
    ids=repr,
)  # fmt: skip
def test_json_that_is_no_chat_completion_is_an_error_never_an_answer(asked: Asked, body: Any):
    asked.price = Price(0.0, 0.0)

    fails(asked, Act(body=json.dumps(body).encode()), ModelFailed)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_with_the_key(asked: Asked, status: int):
    with Loopback() as other:
        told = str(fails(asked, Act(status, b"", {"Location": f"{other.url}/chat/completions"}), ModelRefused))

        assert other.requests == []
    assert f"the provider answered {status} (without a word). Name the address that it leads to." in told


@pytest.mark.parametrize("status", [201, 202, 204])
def test_a_success_of_another_kind_is_no_answer(asked: Asked, status: int):
    fails(asked, Act(status, b""), ModelFailed)


@pytest.mark.parametrize(
    "error", [{"code": QUOTA, "message": "no"}, {"type": QUOTA, "message": "no"}, {"message": f"{QUOTA}: no"}, QUOTA]
)
def test_a_quota_that_is_spent_ends_the_rung(asked: Asked, error: Any):
    fault = fails(asked, Act(429, json.dumps({"error": error}).encode(), {"Retry-After": "1"}), ModelRefused)

    assert QUOTA in str(fault)
    assert str(fault).endswith("The account's quota is spent: see to it with the provider.")


# --- the direct backend alone ---------------------------------------------------------------------------------------


@pytest.fixture
def direct(loop: LoopThread, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    needs("aiohttp", "http")
    monkeypatch.setenv("LOOPBACK_KEY", KEY)
    with Loopback() as server:
        made = Asked("direct", server, loop)
        yield made
        if made.model is not None:
            made.model.close()


@pytest.mark.parametrize("act", [GARBAGE, HTML], ids=["garbage", "html"])
def test_garbage_is_quoted_up_to_200_characters(direct: Asked, act: Act):
    long = replace(act, body=(act.body or b"") + b"y" * 500)

    told = str(fails(direct, long, ModelUnavailable))

    assert "the answer is no chat completion: " in told
    assert ("'not'" in told) or ("hotel network" in told)
    assert "y" * 100 in told
    assert "y" * 200 not in told


def test_an_answer_of_megabytes_is_not_read_to_its_end(direct: Asked):
    fault = fails(direct, HUGE, ModelFailed)

    assert "longer than 16 MiB" in str(fault)


def test_content_in_parts_and_a_refusal_are_texts(direct: Asked):
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    direct.server.script = in_turn(
        saying(choices=[{"message": {"content": parts}, "finish_reason": None}]),
        saying(choices=[{"message": {"content": None, "refusal": "I must not"}, "finish_reason": "stop"}]),
    )

    assert direct.ask().text == "ab"
    assert direct.ask().text == "I must not"


@pytest.mark.parametrize("written", ["{broken", '{"a": NaN}', '{"a": 36893488147419103232}', '{"a": "\\ud800"}'])
def test_arguments_that_are_no_json_to_keep_stay_as_they_are(direct: Asked, written: str):
    call = {"type": "function", "function": {"name": "f", "arguments": written}}
    direct.server.script = lambda _: saying(choices=[{"message": {"content": None, "tool_calls": [call]}}])

    assert direct.ask().tool_calls == ({"name": "f", "arguments": written},)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("openai_compatible:http://127.0.0.1:8000/v1", "the name of the model is missing"),
        ("openai_compatible:tiny", "the name of the model is missing"),
        ("openai_compatible:http://127.0.0.1:8000/v1#", "the name of the model is missing"),
        ("openai_compatible:#m", "the address is missing"),
        ("openai_compatible:127.0.0.1:8000/v1#m", "this is no address"),
        ("openai_compatible:ftp://127.0.0.1/v1#m", "this is no address"),
        ("openai_compatible:http://h:99999/v1#m", "this is no address"),
        ("openai_compatible:http://u:secret-word@h/v1#m", "the address holds a password"),
        ("openai_compatible:http://h/v1?api_key=secret-word#m", "the address holds more than a host"),
        ("openai_compatible:http://h:99999/v1?api_key=secret-word#m", "the address holds more than a host"),
    ],
)
def test_a_name_that_leads_nowhere_is_told_before_anything_is_asked(
    name: str, fault: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("OPENAI_COMPATIBLE_BASE_URL", raising=False)

    with pytest.raises(InvalidRequest, match=fault) as caught:
        build_model(name, load_function=lambda _: len, folder=Path(), price=Price(0, 0))
    assert "secret-word" not in str(caught.value)


def test_without_an_address_it_is_the_environments(direct: Asked, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_COMPATIBLE_BASE_URL", direct.server.url)
    monkeypatch.setenv("OPENAI_COMPATIBLE_API_KEY", "another-key-4712")
    model = build_model("openai_compatible:#tiny", load_function=lambda _: len, folder=Path(), price=Price(0, 0))
    request = Request("openai_compatible:#tiny", ({"role": "user", "content": "what is 6"},))

    assert direct.loop.run(model.complete(request)).text == "answer 6"
    assert direct.server.requests[0].headers["authorization"] == "Bearer another-key-4712"
    model.close()


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"timeout": 0}, "`timeout` cannot be used, got 0; expected seconds for one call, above 0"),
        ({"timeout": "long"}, "`timeout` cannot be used"),
        ({"api_key_env": ""}, "`api_key_env` cannot be used"),
        ({"api_key_env": "NOT_SET_4711"}, "the environment variable NOT_SET_4711 is not set"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], fault: str):
    with pytest.raises(InvalidRequest, match=fault):
        build_model("openai_compatible:http://h/v1#m", load_function=lambda _: len, folder=Path(),
                    price=Price(0, 0), **settings)  # fmt: skip


def test_without_a_price_nothing_is_asked():
    with pytest.raises(InvalidRequest, match=r"no price is known.*\[prices\.\"openai_compatible:http://h/v1#m\"\]"):
        build_model("openai_compatible:http://h/v1#m", load_function=lambda _: len, folder=Path())


def test_a_hosted_model_takes_no_adapter():
    with pytest.raises(InvalidRequest, match="an adapter can be merged into a local model only"):
        build_model("openai/gpt-4.1-mini", load_function=lambda _: len, folder=Path(), adapter=Path("a"))


@pytest.mark.parametrize("kind", ["direct", "litellm"])
def test_of_several_deployments_those_that_are_free_answer(kind: str, loop: LoopThread):
    needs(*NEEDS[kind])
    with Loopback(lambda _: failing(429, retry_after="60")) as full, Loopback() as free:
        places = [{"model": s.model} if kind == "direct" else {"api_base": s.url} for s in (full, free)]
        name = full.model if kind == "direct" else "openai/tiny"
        keys = {} if kind == "direct" else {"api_key_env": "PATH"}
        model = build_model(name, load_function=lambda _: len, folder=Path(), price=Price(1, 1),
                            deployments=places, **keys)  # fmt: skip
        for number in range(6):
            request = Request(name, ({"role": "user", "content": f"what is {number}"},))
            assert loop.run(model.complete(request)).text == f"answer {number}"
        model.close()

        assert (len(full.requests), len(free.requests)) == (1, 6)


@pytest.mark.parametrize("places", [[], "x", [{}], [{"url": "http://h"}], [{"api_base": 5}]], ids=repr)
def test_deployments_are_checked(places: Any):
    with pytest.raises(InvalidRequest, match="`deployments` cannot be used"):
        build_model("openai/tiny", load_function=lambda _: len, folder=Path(), price=Price(1, 1), deployments=places)
