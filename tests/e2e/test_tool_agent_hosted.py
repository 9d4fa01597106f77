"""An agent's tools and their results on their way to a provider, over real HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.extras import needs
from tests.loopback import Act, Loopback, Seen, failing, saying
from tests.plugin.bench import Bench

pytestmark = pytest.mark.slow

TOOLS = '''\
from pathlib import Path


def look_up(order: str) -> dict:
    """Look an order up.

    Args:
        order: Its number.
    """
    with Path(__file__).with_name("called.txt").open("a", encoding="utf-8") as file:
        file.write(order + "\\n")
    return {"order": order, "state": "sent"}


def cancel(order: str) -> str:
    """Cancel an order."""
    raise AssertionError("never to be called")
'''
CASES = 4
LIMIT = "[rungs.decompose.tool_rules.cancel]\nafter = ['look_up']\nat_most = 1\narguments = { maxProperties = 0 }"


@pytest.fixture(params=["direct", "litellm"])
def kind(request: pytest.FixtureRequest) -> str:
    needs(*{"direct": ("aiohttp", "http"), "litellm": ("litellm", "llm")}[request.param])
    return str(request.param)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOOPBACK_KEY", "sk-not-a-real-key-4711")


def make(pytester: pytest.Pytester, kind: str, server: Loopback, keys: str = "") -> Bench:
    bench = Bench(pytester).make({})
    model = server.model if kind == "direct" else "openai/tiny"
    api_base = "" if kind == "direct" else f', api_base = "{server.url}"'
    bench.write("tools.py", TOOLS)
    bench.write("agent.md", "system:\nBe brief.\nuser:\n{{ input }}")
    bench.cases([{"id": f"c{n}", "input": f"where is {n}", "expected": f"order {n} is sent"} for n in range(CASES)])
    bench.write("ladder.toml", "\n".join([
        "schema = 1", 'name = "support"', 'evalset = "cases.jsonl"', f'model = "{model}"',
        f'model_options = {{ api_key_env = "LOOPBACK_KEY"{api_base} }}',
        '[metrics.answer]\nscorer = "exact_match"', "[thresholds]\nanswer = { all = 1.0 }",
        f'[prices."{model}"]\ninput = 2.0\noutput = 10.0',
        '[rungs.decompose]\nstrategy = "tool_agent"\nprompt = "agent.md"',
        f'tools = ["tools.py:look_up", "tools.py:cancel"]\n{keys}', "",
    ]))  # fmt: skip
    return bench


def called(bench: Bench) -> list[str]:
    path = bench.folder / "called.txt"
    return sorted(path.read_text(encoding="utf-8").split()) if path.exists() else []


def calling(*calls: tuple[str, str, str]) -> Act:
    """An answer that asks for calls: id, name, arguments as JSON."""
    made = [{"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id_, name, arguments in calls]  # fmt: skip
    message = {"role": "assistant", "content": None, "tool_calls": made}
    return saying(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}])


def agent(seen: Seen) -> Act:
    """Looks the order up and, in the same breath, cancels it; then answers with what it was told."""
    messages = seen.body["messages"]
    results = [
        json.loads(part["content"]) for part in messages if part["role"] == "tool" and "{" in part["content"][:1]
    ]
    if results:
        return saying(f"order {results[0]['order']} is {results[0]['state']}")
    number = str(messages[-1]["content"]).rpartition(" ")[2]
    arguments = json.dumps({"order": number})
    return calling((f"a{number}", "look_up", arguments), (f"b{number}", "cancel", arguments))


def tool_messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for part in body["messages"] if part["role"] in ("assistant", "tool")]


def test_tools_calls_results_and_refusals_go_the_whole_way(pytester: pytest.Pytester, kind: str):
    with Loopback(agent) as server:
        bench = make(pytester, kind, server, LIMIT)
        ran = bench.spawn()
        assert ran.returncode == 0, ran.stdout

        assert called(bench) == ["0", "1", "2", "3"]
        assert len(server.requests) == 2 * CASES
        for request in server.requests:
            assert [tool["function"]["name"] for tool in request.body["tools"]] == ["look_up", "cancel"]
        last = server.requests[-1].body
        made, result, refused = tool_messages(last)
        number = last["messages"][1]["content"].rpartition(" ")[2]
        assert [call["id"] for call in made["tool_calls"]] == [f"a{number}", f"b{number}"]
        assert made["tool_calls"][0]["function"] == {"name": "look_up", "arguments": json.dumps({"order": number})}
        assert (result["tool_call_id"], refused["tool_call_id"]) == (f"a{number}", f"b{number}")
        assert json.loads(result["content"]) == {"order": number, "state": "sent"}
        assert refused["content"].startswith("ERROR: cancel may not be called with these arguments")

        assert bench.log[0]["usage"]["calls"] == 2 * CASES
        assert bench.log[0]["usage"]["cost_usd"] > 0
        before = bench.log_path.read_bytes()
        assert bench.spawn("--ladder-record=none").returncode == 0
        assert bench.spawn().returncode == 0
        assert (len(called(bench)), len(server.requests)) == (CASES, 2 * CASES)
        assert bench.log_path.read_bytes() == before


def test_a_provider_that_takes_no_tools_is_spoken_to_in_text(pytester: pytest.Pytester, kind: str):
    def refusing(seen: Seen) -> Act:
        if "tools" in seen.body:
            return failing(400, text="this model does not support tools")
        last = str(seen.body["messages"][-1]["content"])
        if last.startswith("RESULT look_up: "):
            told = json.loads(last.partition(": ")[2])
            return saying(f"order {told['order']} is {told['state']}")
        return saying(f'CALL look_up {{"order": "{last.rpartition(" ")[2]}"}}')

    with Loopback(refusing) as server:
        bench = make(pytester, kind, server)
        ran = bench.spawn("--ladder-concurrency=1")
        assert ran.returncode == 0, ran.stdout

        assert called(bench) == ["0", "1", "2", "3"]
        assert ["tools" in request.body for request in server.requests] == [True, *[False] * 2 * CASES]


def test_the_last_answer_is_asked_for_with_calls_forbidden(pytester: pytest.Pytester, kind: str):
    def endless(seen: Seen) -> Act:
        number = str(seen.body["messages"][1]["content"]).rpartition(" ")[2]
        if seen.body.get("tool_choice") == "none":
            return saying(f"order {number} is sent")
        return calling((f"a{seen.number}", "look_up", json.dumps({"order": number})))

    with Loopback(endless) as server:
        bench = make(pytester, kind, server, "max_steps = 2\n")
        ran = bench.spawn()
        assert ran.returncode == 0, ran.stdout

        assert len(called(bench)) == 2 * CASES
        assert sum(request.body.get("tool_choice") == "none" for request in server.requests) == CASES


def test_a_provider_that_cannot_forbid_calls_is_asked_without(pytester: pytest.Pytester, kind: str):
    def endless(seen: Seen) -> Act:
        if "tool_choice" in seen.body:
            return failing(400, text="tool_choice is not supported by this model")
        if "No further tool" in str(seen.body["messages"][-1]["content"]):
            return saying(f"order {str(seen.body['messages'][1]['content']).rpartition(' ')[2]} is sent")
        return calling((f"a{seen.number}", "look_up", '{"order": "0"}'))

    with Loopback(endless) as server:
        bench = make(pytester, kind, server, "max_steps = 1\n")
        ran = bench.spawn("--ladder-concurrency=1")
        assert ran.returncode == 0, ran.stdout
        assert ["tool_choice" in request.body for request in server.requests] == [False, True, False, *[False] * 6]


def test_the_cost_of_an_answer_is_bounded(pytester: pytest.Pytester, kind: str):
    def endless(seen: Seen) -> Act:
        if seen.body.get("tool_choice") == "none":
            return saying("order 0 is sent")
        return calling((f"a{seen.number}", "look_up", '{"order": "0"}'))

    with Loopback(endless) as server:
        bench = make(pytester, kind, server, "max_cost = 0.00001\n")
        bench.spawn("--ladder-limit=1")

        assert len(server.requests) == 2
        assert len(called(bench)) == 1
