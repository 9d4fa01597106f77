"""The direct backend against a server that is not ours: `transformers serve` with the example's real model."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ladder.backends.models import build_model
from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.core.prices import Price
from pytest_ladder.engine.loop import LoopThread
from tests.extras import needs

for package, extra in (("torch", "local"), ("transformers", "local"), ("fastapi", "dev"), ("aiohttp", "http")):
    needs(package, extra, module=True)

pytestmark = [pytest.mark.real_model, pytest.mark.slow]

CHECKPOINT = Path(__file__).parents[2] / "examples/model/checkpoint"
QUESTIONS = ("Is the lamp red?", "How do I send the oven back?", "What is the price?", "Hello")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    (home / "hub").mkdir()
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(CHECKPOINT), "--device", "cpu",
               "--host", "127.0.0.1", "--port", str(port)]  # fmt: skip
    environment = {**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    with (home / "log.txt").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=home)
        try:
            _wait_for(f"http://127.0.0.1:{port}/health", server, home / "log.txt")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            server.wait(30)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"the server did not come up:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")


def replies(name: str, **settings: object) -> list[Reply]:
    loop = LoopThread()
    model = build_model(name, load_function=lambda _: len, folder=CHECKPOINT.parent, **settings)  # type: ignore[arg-type]
    try:
        found = []
        for question in QUESTIONS:
            messages = ({"role": "system", "content": "Answer."}, {"role": "user", "content": question})
            found.append(loop.run(model.complete(Request(name, messages, {"max_tokens": 16, "temperature": 0.0}))))
        return found
    finally:
        model.close()
        loop.close()


def test_it_answers_what_the_model_answers_in_this_process(url: str):
    served = replies(f"openai_compatible:{url}#{CHECKPOINT}", price=Price(0, 0))
    here = replies("local:checkpoint", device="cpu", dtype="float32")

    assert [reply.text.strip() for reply in served] == [reply.text.strip() for reply in here]
    assert [reply.prompt_tokens for reply in served] == [reply.prompt_tokens for reply in here]
    assert all(reply.completion_tokens > 0 and reply.latency_s > 0 for reply in served)
    assert {reply.finish_reason for reply in served} <= {"stop", "length"}
