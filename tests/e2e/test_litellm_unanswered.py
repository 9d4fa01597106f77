"""LiteLLM before there is an answer: a server that is not there, a connection that breaks, a login that it starts."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pytest_ladder.backends.hosted import Terms
from pytest_ladder.backends.litellm_list import LOGGED_IN
from pytest_ladder.backends.litellm_lm import LiteLLM, library
from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.core.prices import Price
from pytest_ladder.engine.loop import LoopThread
from pytest_ladder.errors import InvalidRequest, ModelRefused, ModelUnavailable
from tests.extras import needs
from tests.loopback import Loopback

needs("litellm", "llm", module=True)


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    made = LoopThread()
    yield made
    made.close()


@pytest.fixture(scope="module")
def litellm() -> Any:
    return library()


def model(name: str) -> LiteLLM:
    return LiteLLM(name, lambda price: Terms(price, 20.0, "sk-not-real-4711"), Price(0.0, 0.0))


def ask(loop: LoopThread, asked: LiteLLM, url: str, **options: Any) -> Reply:
    messages = ({"role": "user", "content": "what is 5"},)
    return loop.run(asked.complete(Request(asked.name, messages, {"api_base": url, **options})))


# --- nobody there -----------------------------------------------------------------------------------------------------

FORMS = ["openai", "openrouter", "hosted_vllm", "anthropic", "azure", "gemini", "ollama", "huggingface/together"]
"""Providers that LiteLLM raises differently for."""


@pytest.mark.parametrize("provider", FORMS)
@pytest.mark.parametrize("switched_off", [False, True], ids=["aiohttp", "httpx"])
def test_a_server_that_is_down_is_told_as_such_by_each_provider(
    loop: LoopThread, litellm: Any, monkeypatch: pytest.MonkeyPatch, provider: str, switched_off: bool
):
    monkeypatch.setattr(litellm, "disable_aiohttp_transport", switched_off)
    asked = model(f"{provider}/tiny")
    with Loopback() as server:
        server.stop()
        with pytest.raises(ModelUnavailable, match="the server cannot be reached") as caught:
            ask(loop, asked, server.url, **({"api_version": "2024-10-21"} if provider == "azure" else {}))
        asked.close()

    assert caught.value.unsent
    assert "answered 500" not in str(caught.value)
    assert "ssl" not in str(caught.value)


@pytest.mark.parametrize("provider", ["openai", "openrouter", "hosted_vllm"])
def test_a_connection_that_breaks_under_a_call_may_have_carried_it(loop: LoopThread, provider: str):
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=reset_all, args=(server,), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        with pytest.raises(ModelUnavailable) as caught:
            ask(loop, model(f"{provider}/tiny"), url)
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)  # else the thread goes on waiting

    assert not caught.value.unsent
    assert "answered" not in str(caught.value)


def reset_all(server: socket.socket) -> None:
    """Reset each connection once something has arrived: LiteLLM may open a second one by itself."""
    with suppress(OSError):
        while True:
            taken, _ = server.accept()
            taken.recv(10)
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            taken.close()


# --- providers that it logs in to -------------------------------------------------------------------------------------


def test_these_are_all_that_it_logs_in_to(litellm: Any):
    assert set(LOGGED_IN) == litellm.constants.PROVIDERS_THAT_AUTHENTICATE_ON_PROVIDER_INFO


def test_to_look_a_name_up_asks_nothing_of_any_provider(litellm: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("GITHUB_COPILOT_TOKEN_DIR", str(tmp_path))
    monkeypatch.setenv("CHATGPT_TOKEN_DIR", str(tmp_path))
    asked: list[Any] = []

    def refused(*arguments: Any, **_: Any) -> None:
        asked.append(arguments)
        raise OSError("no network here")

    for owner, name in ((socket, "getaddrinfo"), (socket.socket, "connect"), (socket.socket, "connect_ex")):
        monkeypatch.setattr(owner, name, refused)
    providers = {str(getattr(provider, "value", provider)) for provider in litellm.provider_list}
    for provider in sorted({*providers, *LOGGED_IN}):
        with suppress(InvalidRequest):
            model(f"{provider}/of-nobody-9")

    assert len(providers) > 50
    assert asked == []
    assert list(tmp_path.iterdir()) == []


def test_a_login_that_fails_ends_the_rung_at_the_first_call(
    loop: LoopThread, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    with Loopback() as server:
        for name in ("DEVICE_CODE", "ACCESS_TOKEN", "API_KEY"):
            monkeypatch.setenv(f"GITHUB_COPILOT_{name}_URL", f"{server.url}/login")
        monkeypatch.setenv("GITHUB_COPILOT_TOKEN_DIR", str(tmp_path))
        asked = model("github_copilot/of-nobody-9")
        assert server.requests == []
        with pytest.raises(ModelRefused, match="Failed to get access token"):
            ask(loop, asked, server.url)
        assert {seen.path for seen in server.requests} == {"/v1/login"}
