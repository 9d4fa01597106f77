"""A rung's output schema on its way to a provider, over real HTTP."""

from __future__ import annotations

import json

import pytest

from tests.extras import needs
from tests.loopback import OK, Act, Loopback, Seen, failing, saying
from tests.plugin.bench import Bench

pytestmark = pytest.mark.slow

SCHEMA = {
    "type": "object", "additionalProperties": False, "required": ["answer"],
    "properties": {"answer": {"type": "string", "pattern": "^answer [0-9]+$"}},
}  # fmt: skip
CASES = 4
UNSUPPORTED = "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."


@pytest.fixture(params=["direct", "litellm"])
def kind(request: pytest.FixtureRequest) -> str:
    needs(*{"direct": ("aiohttp", "http"), "litellm": ("litellm", "llm")}[request.param])
    return str(request.param)


def make(pytester: pytest.Pytester, kind: str, server: Loopback, keys: str = "") -> Bench:
    bench = Bench(pytester).make({})
    model = server.model if kind == "direct" else "openai/tiny"
    api_base = "" if kind == "direct" else f', api_base = "{server.url}"'
    bench.write("note.schema.json", json.dumps(SCHEMA))
    bench.write("answer.md", "{{ input }}")
    bench.cases([{"id": f"c{n}", "input": f"what is {n}"} for n in range(CASES)])
    bench.write("ladder.toml", "\n".join([
        "schema = 1", 'name = "support"', 'evalset = "cases.jsonl"', f'model = "{model}"',
        f'model_options = {{ api_key_env = "LOOPBACK_KEY"{api_base} }}',
        '[metrics.note]\nscorer = "json_schema"\noptions = { schema = "note.schema.json" }',
        "[thresholds]\nnote = { all = 1.0 }", f'[prices."{model}"]\ninput = 2.0\noutput = 10.0',
        f'[rungs.prompt]\nprompt = "answer.md"\noutput = "note.schema.json"\n{keys}', "",
    ]))  # fmt: skip
    return bench


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOOPBACK_KEY", "sk-not-a-real-key-4711")


def test_the_provider_gets_the_schema(pytester: pytest.Pytester, kind: str):
    with Loopback() as server:
        bench = make(pytester, kind, server)
        ran = bench.spawn()
        assert ran.returncode == 0, ran.stdout
        named = {"name": "answer", "schema": SCHEMA, "strict": True}
        sent = [request.body["response_format"] for request in server.requests]
        assert sent == [{"type": "json_schema", "json_schema": named}] * CASES
        assert bench.spawn("--ladder-record=none").returncode == 0
        assert len(server.requests) == CASES


def refusing(seen: Seen) -> Act:
    if "response_format" in seen.body:
        return failing(400, text=UNSUPPORTED)
    return saying('{"answer": "answer 1"}') if "JSON Schema" in seen.asked else OK


def test_where_it_refuses_the_schema_the_prompt_shows_it(pytester: pytest.Pytester, kind: str):
    with Loopback(refusing) as server:
        bench = make(pytester, kind, server)
        ran = bench.spawn("--ladder-concurrency=1", "-v")
        assert ran.returncode == 0, ran.stdout
        asked = ["response_format" in request.body for request in server.requests]
        assert asked == [True, *[False] * CASES]
        assert "fallback" in ran.stdout
        assert bench.log[0]["usage"]["calls"] == CASES


def test_a_mode_that_is_set_is_an_error_of_the_cases(pytester: pytest.Pytester, kind: str):
    with Loopback(refusing) as server:
        ran = make(pytester, kind, server, 'output_mode = "provider"').spawn()
        assert ran.returncode == 1
        assert "response_format" in " ".join(ran.stdout.split())


def test_repairs_are_paid_for(pytester: pytest.Pytester, kind: str):
    def wrong_first(seen: Seen) -> Act:
        return saying('{"answer": "answer 1"}' if len(seen.body["messages"]) == 3 else '{"answer": 1}')

    with Loopback(wrong_first) as server:
        bench = make(pytester, kind, server)
        ran = bench.spawn("-v")
        assert ran.returncode == 0, ran.stdout
        usage = bench.log[0]["usage"]
        assert (usage["calls"], len(server.requests)) == (2 * CASES, 2 * CASES)
        assert usage["cost_usd"] > 0
        assert "repaired" in ran.stdout
