"""LiteLLM's traps, each measured once in earnest: what is switched off, mapped or worked around stays so."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_ladder.backends.hosted import Terms
from pytest_ladder.backends.litellm_faults import (
    BY_STATUS,
    FAILED,
    FAULTS,
    LIMITED,
    REFUSED,
    UNAVAILABLE,
    fault_of,
)
from pytest_ladder.backends.litellm_list import served
from pytest_ladder.backends.litellm_lm import LiteLLM, library
from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.core.prices import Price
from pytest_ladder.engine.loop import LoopThread
from pytest_ladder.errors import InvalidRequest, ModelFailed, ModelRefused, ModelUnavailable
from tests.extras import needs
from tests.loopback import MODEL, OK, Act, Loopback, failing, in_turn, saying

needs("litellm", "llm", module=True)

FREE = Price(0.0, 0.0)


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    made = LoopThread()
    yield made
    made.close()


@pytest.fixture(scope="module")
def litellm() -> Any:
    return library()


def model(name: str, price: Price | None = FREE) -> LiteLLM:
    return LiteLLM(name, lambda found: Terms(found, 20.0, "sk-not-real-4711"), price)


def ask(loop: LoopThread, asked: LiteLLM, server: Loopback, **options: Any) -> Reply:
    messages = ({"role": "user", "content": "what is 5"},)
    return loop.run(asked.complete(Request(asked.name, messages, {"api_base": server.url, **options})))


def raised(loop: LoopThread, act: Act, name: str = "openai/tiny") -> Exception:
    """What LiteLLM itself raises for an answer of the server."""
    with Loopback(lambda _: act) as server:
        work = library().acompletion(
            model=name, api_base=server.url, api_key="x", messages=[{"role": "user", "content": "5"}], max_retries=0
        )
        with pytest.raises(Exception) as caught:
            loop.run(work)
    return caught.value


# --- the table of exceptions ------------------------------------------------------------------------------------------


def test_the_table_holds_each_exception_that_litellm_defines_and_no_other(litellm: Any):
    own = litellm.exceptions
    found = [cls for _, cls in inspect.getmembers(own, inspect.isclass) if cls.__module__ == own.__name__]
    names = {cls.__name__ for cls in found if issubclass(cls, Exception)}

    assert len(names) > 25
    assert sorted(names - set(FAULTS)) == [], "not in the table: say what they mean for a run"
    assert sorted(set(FAULTS) - names) == []
    assert set(FAULTS.values()) == {REFUSED, LIMITED, UNAVAILABLE, FAILED, BY_STATUS}


@pytest.mark.parametrize(
    ("act", "cls", "kind"),
    [
        (failing(429), "RateLimitError", ModelUnavailable),
        (failing(500), "InternalServerError", ModelUnavailable),
        (failing(502), "BadGatewayError", ModelUnavailable),
        (failing(503), "ServiceUnavailableError", ModelUnavailable),
        (failing(401), "AuthenticationError", ModelRefused),
        (failing(404), "NotFoundError", ModelRefused),
        (failing(400), "BadRequestError", ModelFailed),
        (failing(400, code="context_length_exceeded", text="This model's maximum context length is 10 tokens"),
         "ContextWindowExceededError", ModelFailed),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_an_exception_means_what_its_class_says(loop: LoopThread, act: Act, cls: str, kind: type[Exception]):
    error = raised(loop, act)

    assert type(error).__name__ == cls
    assert type(fault_of(error, "openai/tiny")) is kind


@pytest.mark.parametrize("name", ["openai/tiny", "azure/tiny", "gemini/tiny"])
def test_no_key_in_the_environment_ends_the_rung_and_is_not_asked_for_again(
    loop: LoopThread, name: str, monkeypatch: pytest.MonkeyPatch
):
    for variable in [found for found in os.environ if "API_KEY" in found or "AZURE" in found]:
        monkeypatch.delenv(variable)
    with Loopback(OK) as server:
        options = {"api_base": server.url, "api_version": "2024-10-21"} if name.startswith("azure") else {}
        work = library().acompletion(model=name, messages=[{"role": "user", "content": "5"}], max_retries=0, **options)
        with pytest.raises(Exception) as caught:
            loop.run(work)

    fault = fault_of(caught.value, name)
    assert type(fault) is ModelRefused
    assert "the key in the environment" in str(fault)


def test_a_provider_that_speaks_of_a_missing_key_is_believed_by_its_status(loop: LoopThread):
    fault = fault_of(raised(loop, failing(500, text="missing credentials of the upstream")), "openai/tiny")

    assert type(fault) is ModelUnavailable


@pytest.mark.parametrize("provider", ["openai", "hosted_vllm"])
def test_retry_after_is_found_where_litellm_puts_it(loop: LoopThread, provider: str):
    fault = fault_of(raised(loop, failing(429, retry_after="7"), f"{provider}/tiny"), "m")

    assert isinstance(fault, ModelUnavailable)
    assert (fault.limited, fault.retry_after) == (True, 7.0)


def test_an_exception_that_nobody_knows_is_an_error_of_the_case():
    fault = fault_of(IndexError("list index out of range"), "openai/tiny")

    assert type(fault) is ModelFailed
    assert str(fault) == "model openai/tiny: IndexError (list index out of range)."


def test_an_exception_of_a_class_to_come_counts_as_its_nearest_base(litellm: Any):
    new = type("NewError", (litellm.exceptions.ServiceUnavailableError,), {})

    fault = fault_of(new("later", "openai", "tiny"), "openai/tiny")
    assert type(fault) is ModelUnavailable


@pytest.mark.parametrize(
    ("said", "kind"),
    [("Bedrock doesn't support tool_choice=none", ModelFailed), ("openai does not support: ['top_k']", ModelRefused)],
)
def test_an_option_that_can_be_left_out_is_no_reason_to_end_a_rung(litellm: Any, said: str, kind: type[Exception]):
    error = litellm.exceptions.UnsupportedParamsError(message=said, llm_provider="bedrock", model="m", status_code=400)

    fault = fault_of(error, "bedrock/m")
    assert type(fault) is kind
    assert said[:20] in str(fault)


# --- what it would do by itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["openai", "hosted_vllm"])
@pytest.mark.parametrize("act", [failing(429), failing(500), failing(503)], ids=["429", "500", "503"])
def test_it_does_not_ask_again_by_itself(loop: LoopThread, provider: str, act: Act):
    with Loopback(lambda _: act) as server:
        with pytest.raises(ModelUnavailable):
            ask(loop, model(f"{provider}/tiny"), server)
        assert len(server.requests) == 1


def test_tools_need_no_further_package(loop: LoopThread):
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    with Loopback() as server:
        reply = ask(loop, model("openai/tiny"), server, tools=[tool])
    assert reply.tool_calls[0]["name"] == "f"


def test_a_second_loop_after_the_first_was_closed_works_and_is_quiet(capfd: pytest.CaptureFixture[str]):
    for _ in range(2):
        own = LoopThread()
        with Loopback() as server:
            asked = model("openai/tiny")
            assert ask(own, asked, server).text == "answer 5"
            asked.close()
        own.close()
    assert capfd.readouterr().err == ""


def test_the_seed_goes_along_only_where_the_provider_takes_one():
    assert model("openai/gpt-4.1-mini")._seeded
    assert not model("anthropic/claude-sonnet-4-5")._seeded


def test_its_own_set_up_is_not_the_time_of_an_answer(loop: LoopThread, monkeypatch: pytest.MonkeyPatch):
    asked, ask_it = model("openai/tiny"), library().acompletion

    async def slow_to_begin(**arguments: Any) -> Any:
        await asyncio.sleep(1.0)
        return await ask_it(**arguments)

    monkeypatch.setattr(asked, "_lib", SimpleNamespace(acompletion=slow_to_begin))
    with Loopback(lambda _: Act(wait_s=0.05)) as server:
        reply = ask(loop, asked, server)

    assert 0.05 <= reply.latency_s < 0.9


@pytest.mark.parametrize("provider", ["openai", "hosted_vllm"])
@pytest.mark.parametrize("switched_off", [False, True], ids=["aiohttp", "httpx"])
def test_its_answers_are_looked_at_by_whatever_it_sends(
    loop: LoopThread, litellm: Any, monkeypatch: pytest.MonkeyPatch, provider: str, switched_off: bool
):
    monkeypatch.setattr(litellm, "disable_aiohttp_transport", switched_off)
    asked = model(f"{provider}/tiny")
    acts = (Act(307, b"", {"Location": "/v1/chat/completions"}), saying("x", choices=[{"message": {}}]), OK)
    with Loopback(in_turn(*acts)) as server:
        with pytest.raises(ModelRefused, match="the provider answered 307"):
            ask(loop, asked, server)
        with pytest.raises(ModelFailed, match="the answer is no chat completion"):
            ask(loop, asked, server)
        assert ask(loop, asked, server).text == "answer 5"
        assert len(server.requests) == 3
        asked.close()


def test_what_others_send_with_it_passes_as_before(loop: LoopThread):
    with Loopback(in_turn(Act(307, b"", {"Location": "/v1/chat/completions"}))) as server:
        messages = [{"role": "user", "content": "what is 5"}]
        work = library().acompletion(model="openai/tiny", api_base=server.url, api_key="x", messages=messages)

        assert loop.run(work).choices[0].message.content == "answer 5"
        assert len(server.requests) == 2


# --- prices -----------------------------------------------------------------------------------------------------------


def test_prices_come_from_litellms_own_list(loop: LoopThread, litellm: Any):
    asked = model("openai/gpt-4.1-mini", price=None)
    listed = litellm.model_cost["gpt-4.1-mini"]
    with Loopback(lambda _: saying("yes", model="gpt-4.1-mini-2025-04-14")) as server:
        reply = ask(loop, asked, server)

    expected = reply.prompt_tokens * listed["input_cost_per_token"]
    expected += reply.completion_tokens * listed["output_cost_per_token"]
    assert reply.cost_usd == pytest.approx(expected)
    assert reply.cost_usd > 0
    assert asked.price.input == pytest.approx(listed["input_cost_per_token"] * 1e6)


def test_cached_tokens_are_priced_as_such(loop: LoopThread):
    usage = {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010}
    cached = {**usage, "prompt_tokens_details": {"cached_tokens": 800}}
    costs = []
    for used in (usage, cached):
        with Loopback(lambda _, used=used: saying("yes", usage=used)) as server:  # type: ignore[misc]
            costs.append(ask(loop, model("openai/gpt-4.1-mini", price=None), server).cost_usd)

    assert 0 < costs[1] < costs[0]


def test_a_declared_price_goes_before_the_list(loop: LoopThread):
    with Loopback() as server:
        reply = ask(loop, model("openai/gpt-4.1-mini", Price(1e6, 1e6)), server)
    assert reply.cost_usd == pytest.approx(reply.prompt_tokens + reply.completion_tokens)


@pytest.mark.parametrize("name", ["openai/tiny", "hosted_vllm/qwen"])
def test_an_unknown_price_is_an_error_never_nothing(name: str):
    with pytest.raises(InvalidRequest, match=rf'no price is known.*Declare \[prices\."{name}"\]'):
        model(name, price=None)


@pytest.mark.parametrize("name", ["nosuch/model", "modle", "models.py"])
def test_a_name_that_no_provider_has_is_told_before_anything_is_asked(name: str):
    with pytest.raises(InvalidRequest, match=r"no provider of this name is known; expected `PROVIDER/MODEL`"):
        model(name)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "mistral", "groq", "xai", "deepseek"])
def test_what_its_list_alone_tells_is_what_it_says_itself(litellm: Any, provider: str):
    listed = [name for name, entry in litellm.model_cost.items() if entry.get("litellm_provider") == provider]
    chats = [name for name in listed if litellm.model_cost[name].get("mode") == "chat" and not name.startswith("ft:")]
    names = [form for name in chats for form in {name, f"{provider}/{name.removeprefix(f'{provider}/')}"}]
    told = [name for name in names if served(name, priced=False)]

    assert len(told) >= len(chats) / 2
    assert [name for name in told if model(name, None).name != name] == []
    assert not any(served(name, priced=False) for name in ("of-nobody-9", f"{provider}/of-nobody-9"))
    assert served(f"{provider}/of-nobody-9", priced=True)
    assert model(f"{provider}/of-nobody-9").price == FREE


def test_the_name_that_the_model_gives_itself_is_kept(loop: LoopThread):
    with Loopback(lambda _: OK) as server:
        assert ask(loop, model("openai/tiny"), server).model_returned == MODEL


# --- its import -------------------------------------------------------------------------------------------------------

WATCHED = """
import json, os, sys

seen = []
sys.addaudithook(lambda event, args: seen.append([event, str(args[:2])])
                 if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname") else None)
before = dict(os.environ)
from pytest_ladder.backends.litellm_list import served
from pytest_ladder.backends.litellm_lm import LiteLLM, library
from pytest_ladder.backends.hosted import Terms
lib = library()
model = LiteLLM("openai/gpt-4.1-mini", lambda price: Terms(price))
print(json.dumps({"network": seen, "telemetry": lib.telemetry, "price": model.price.input,
                  "new": sorted(set(os.environ) - set(before))}))
"""


@pytest.mark.slow
def test_its_import_asks_no_network_loads_no_dotenv_and_warns_of_nothing(tmp_path: Path):
    for name in (".env", ".env.local"):
        (tmp_path / name).write_text("LADDER_FROM_DOTENV=1\nOPENAI_API_KEY=from-dotenv\n", encoding="utf-8")
    ran = subprocess.run([sys.executable, "-W", "error::DeprecationWarning:pytest_ladder", "-c", WATCHED], cwd=tmp_path,
                         capture_output=True, text=True, check=False, timeout=120)  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told == {"network": [], "telemetry": False, "price": pytest.approx(0.4), "new": []}
    assert ran.stderr == ""


def test_a_key_that_is_missing_is_told_where_the_caller_was_handling_a_refused_connection(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    model = LiteLLM("openai/tiny", Terms, FREE)

    async def in_a_handler() -> None:
        try:
            raise ConnectionRefusedError("elsewhere")
        except ConnectionRefusedError:
            await model.complete(Request("openai/tiny", ({"role": "user", "content": "5"},)))

    with pytest.raises(ModelRefused):
        asyncio.run(in_a_handler())
