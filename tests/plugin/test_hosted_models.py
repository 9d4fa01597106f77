"""A ladder whose model is behind an address: priced, bounded, told before it costs, and silent about its key."""

from __future__ import annotations

import gc
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ladder.engine.garbage import YOUNG, YOUNG_TEXTS
from tests.extras import needs
from tests.loopback import OK, Act, Loopback, Script, failing
from tests.plugin.bench import Bench

needs("aiohttp", "http", module=True)

import aiohttp  # noqa: E402, F401  loaded here, once: an inner run forgets what it was the first to import

KEY = "plain-words-as-a-key"
"""Nothing in its form says that it is a secret."""

PRICE = '[prices."{model}"]\ninput = {price}\noutput = {price}\n'
EACH = 4 * 1000 / 1e6
"""USD a call at 1,000 USD a million tokens: two tokens asked, two answered."""


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(lambda _: Act(wait_s=0.01)) as made:
        yield made


@pytest.fixture
def hosted(bench: Bench, server: Loopback, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Two rungs on the server at 1,000 USD a million tokens: the first is wrong, the second right."""
    monkeypatch.setenv("LOOPBACK_AUTH", KEY)
    return make(bench, server.model, 1000)


def make(bench: Bench, model: str, price: float | None) -> Bench:
    bench.make(
        {}, cases=20, tables="" if price is None else PRICE.format(model=model, price=price),
        head=f'model = "{model}"\nmodel_options = {{ max_tokens = 4, api_key_env = "LOOPBACK_AUTH" }}',
    )  # fmt: skip
    text = bench.toml.read_text(encoding="utf-8")
    rungs = '[rungs.prompt]\nprompt = "wrong.md"\n[rungs.better]\nkind = "prompt"\nprompt = "right.md"\n'
    bench.write("ladder.toml", text + rungs)
    bench.write("wrong.md", "user:\nseven 7 {{ input }} 7\n")
    bench.write("right.md", "user:\n{{ input }}\n")
    return bench


def everything(bench: Bench) -> str:
    """All that a run left on disk."""
    files = [path for path in bench.pytester.path.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)


def test_the_ladder_is_climbed(hosted: Bench, server: Loopback):
    ran = hosted.run("-v")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SHORT", "better": "SELECTED"}
    assert len(server.requests) == 40
    assert server.peak > 1
    entry = next(entry for entry in hosted.log if entry["rung"] == "better")
    assert entry["model_returned"] == ["loop-1"]
    assert entry["usage"]["cost_usd"] == pytest.approx(20 * EACH)
    assert 0.005 < entry["latency"]["p50"] < 5


def test_what_is_on_record_is_not_asked_again_nor_its_price_told(hosted: Bench, server: Loopback):
    hosted.run()
    before = len(server.requests)

    ran = hosted.run()

    assert ran.status == 0
    assert len(server.requests) == before
    assert "to ask" not in ran.text


def test_ci_verifies_without_a_key_and_without_the_server(hosted: Bench, server: Loopback, monkeypatch):
    hosted.run()
    server.stop()
    monkeypatch.delenv("LOOPBACK_AUTH")

    assert hosted.run("--ladder-record=none").status == 0


def test_each_rung_is_priced_before_it_is_asked(hosted: Bench):
    ran = hosted.run()

    first, second = (line for line in ran.lines if " answers to ask, about " in line)
    assert first.startswith("support prompt: 20 answers to ask, about ")
    assert first.endswith("USD by the length of its prompt and `max_tokens`; 5.00 USD of the budget are left")
    assert second.startswith("support better: 20 answers to ask, about ")
    assert "USD by what " in second or "by the length" in second
    assert ran.text.index(first) < ran.text.index("ladders")


def test_a_rung_that_the_budget_will_not_hold_out_is_told_of(hosted: Bench):
    ran = hosted.run("--ladder-max-cost=0.02", "--ladder-rung=better")

    assert "; 0.02 USD of the budget are left; it will not last to the end" in ran.flat


@pytest.mark.parametrize("args", [("-q",), ("-n", "1")])
def test_quiet_runs_and_workers_tell_no_price(hosted: Bench, args: tuple[str, ...]):
    ran = hosted.run(*args)

    assert ran.status == 0
    assert "to ask" not in ran.text


def test_tokens_are_put_aside_before_a_call_so_that_a_bound_is_passed_by_calls_in_flight_alone(
    hosted: Bench, server: Loopback
):
    ran = hosted.run("--ladder-rung=better", "--ladder-max-tokens=20")

    assert ran.status == 1
    assert "of 20 tokens are spent" in ran.flat
    assert 5 <= len(server.requests) <= 6  # four tokens each


def test_nobody_waits_for_a_provider_beyond_the_time_of_the_run(hosted: Bench, server: Loopback):
    server.script = lambda _: failing(429, retry_after="300")
    start = time.monotonic()

    ran = hosted.run("--ladder-max-time=30", "--ladder-rung=better")

    assert ran.status == 1
    assert time.monotonic() - start < 150
    assert "longer than the answer, or the run, may take" in ran.flat
    assert 1 <= len(server.requests) < 20


def test_on_a_budget_of_zero_a_priced_model_is_not_asked(hosted: Bench, server: Loopback):
    hosted.edit("ladder.toml", "[prices", "[budget]\ncost_usd = 0\n\n[prices")

    ran = hosted.run()

    assert ran.status == 1
    assert "0.00 of 0.00 USD are spent" in ran.flat
    assert server.requests == []


def test_a_model_that_is_free_has_no_price_to_tell(bench: Bench, server: Loopback, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOOPBACK_AUTH", KEY)

    ran = make(bench, server.model, 0).run()

    assert ran.status == 0
    assert "to ask" not in ran.text


def test_without_a_price_nothing_is_asked(bench: Bench, server: Loopback):
    ran = make(bench, server.model, None).run()

    assert ran.status == 4
    assert f'no price is known, so that no budget can hold. Declare [prices."{server.model}"]' in ran.flat
    assert server.requests == []


def test_another_price_asks_nothing_again(hosted: Bench, server: Loopback):
    hosted.run()
    log, asked = hosted.log, len(server.requests)
    hosted.edit("ladder.toml", "input = 1000", "input = 5")

    assert hosted.run().status == 0
    assert (hosted.log, len(server.requests)) == (log, asked)


def test_another_address_is_another_version(hosted: Bench, server: Loopback):
    hosted.run()
    asked = len(server.requests)
    with Loopback() as other:
        text = hosted.toml.read_text(encoding="utf-8").replace(server.model, other.model)
        hosted.write("ladder.toml", text)
        assert hosted.run().status == 0

        assert len(other.requests) == 40
        assert len(server.requests) == asked
    assert len({entry["fingerprint"] for entry in hosted.log if entry.get("rung") == "better"}) == 2


def test_another_time_out_asks_nothing_again(hosted: Bench, server: Loopback):
    hosted.run()
    asked = len(server.requests)
    hosted.edit("ladder.toml", "max_tokens = 4,", "max_tokens = 4, timeout = 7,")

    assert hosted.run().status == 0
    assert len(server.requests) == asked


REFUSALS: dict[str, Script] = {
    "fatal": lambda _: failing(401, text=f"Incorrect key provided: {KEY}"),
    "of the case": lambda _: failing(400, text=f"bad request with {KEY}"),
    "garbage": lambda _: Act(body=f"not json {KEY}".encode()),
    "in an answer": lambda seen: OK if "right" in seen.path else Act(body=json.dumps({
        "model": "loop-1", "choices": [{"message": {"content": f"your key is {KEY}"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 2, "completion_tokens": 2}}).encode()),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSALS)
def test_the_key_is_nowhere_whatever_the_provider_says(hosted: Bench, server: Loopback, kind: str):
    server.script = REFUSALS[kind]

    ran = hosted.run("-vv", "--junitxml=junit.xml", "--ladder-report=report.md", "--ladder-report=report.json",
                     "--ladder-timeout=3", "--showlocals")  # fmt: skip

    assert ran.status == 1
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert (hosted.pytester.path / "junit.xml").exists()
    assert KEY not in ran.text
    assert KEY not in everything(hosted)
    assert "[secret]" in ran.text + everything(hosted)


def test_a_key_in_the_file_is_refused(hosted: Bench, server: Loopback):
    hosted.edit("ladder.toml", 'api_key_env = "LOOPBACK_AUTH"', f'api_key = "{KEY}"')

    ran = hosted.run()

    assert ran.status == 4
    assert "name the environment variable that holds it in `api_key_env`" in ran.text.lower()
    assert server.requests == []
    assert KEY not in ran.text


def test_a_fault_of_the_account_ends_the_rung_at_the_first_call(hosted: Bench, server: Loopback):
    server.script = lambda _: failing(404, text="the model `tiny` does not exist")

    ran = hosted.run("--ladder-concurrency=1")

    assert ran.status == 1
    assert "the provider answered 404 (the model `tiny` does not exist). Check the model's name" in ran.flat
    assert len(server.requests) == 2  # one a rung


@pytest.mark.parametrize("status", [401, 404])
def test_whoever_waits_for_a_place_sends_nothing_after_the_refusal(hosted: Bench, server: Loopback, status: int):
    server.script = lambda _: replace(failing(status), wait_s=0.05)

    ran = hosted.run("--ladder-concurrency=16", "--ladder-rung=better")

    assert ran.status == 1
    assert f"the provider answered {status}" in ran.flat
    assert len(server.requests) == server.peak == 4  # of 16 that would ask, a quarter is let through at the start


@pytest.mark.parametrize("bound", ["--ladder-max-tokens=40", "--ladder-max-cost=0.04", "--ladder-max-calls=10"])
def test_past_a_bound_the_run_stops_and_the_next_one_goes_on(hosted: Bench, server: Loopback, bound: str):
    ran = hosted.run(bound, "--ladder-rung=better", "--ladder-concurrency=1")

    assert ran.status == 1
    assert len(server.requests) == len(hosted.recorded("better")) == 10
    assert f"Run again to go on from what is recorded, or raise `{bound.partition('=')[0]}`" in ran.text
    again = hosted.run(bound, "--ladder-rung=better", "--ladder-concurrency=1")
    assert again.status == 0
    assert (len(server.requests), len(hosted.recorded("better"))) == (20, 20)


def test_tiny_money_is_shown_as_what_it_is(bench: Bench, server: Loopback, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOOPBACK_AUTH", KEY)
    make(bench, server.model, 0.1)

    ran = bench.run("--ladder-rung=better", "--ladder-concurrency=1", "--ladder-max-cost=0.000004", "-v",
                    "--ladder-report=r.md", "--ladder-report=r.html")  # fmt: skip

    assert ran.status == 1
    assert "; 0.000004 USD of the budget are left; it will not last to the end" in ran.flat
    assert "0.000004 of 0.000004 USD are spent" in ran.flat
    shown = [ran.text, *((bench.pytester.path / name).read_text(encoding="utf-8") for name in ("r.md", "r.html"))]
    assert all("$0.00000040" in text for text in shown)
    assert not any(re.search(r"\$0\.0+(?!\d)|\b0\.00 USD", text) for text in shown)


def test_when_the_time_of_the_run_is_over_no_answer_is_begun(hosted: Bench, server: Loopback):
    server.script = lambda _: Act(wait_s=0.3)

    ran = hosted.run("--ladder-max-time=0.8", "--ladder-rung=better", "--ladder-concurrency=1")

    assert ran.status == 1
    assert "the 0.8 s of the run are over. Run again to go on from what is recorded" in ran.text
    assert len(server.requests) == len(hosted.recorded("better")) < 10


def test_workers_keep_a_budget_of_tokens_together(hosted: Bench, server: Loopback):
    other = Bench(hosted.pytester, "other")
    make(other, server.model, 1000)

    ran = hosted.run("--ladder-max-tokens=60", "-n", "2", "--ladder-concurrency=1")

    assert ran.status == 1
    assert 60 <= 7 * sum(server.answered.values()) <= 60 + 2 * 7


def test_the_fixture_llm_asks_it_too(hosted: Bench, server: Loopback):
    hosted.write(
        "test_support.py",
        "import pytest\n\n\n@pytest.mark.ladder\ndef test_support(rung, llm):\n"
        "    assert llm.chat('what is 9').text == 'answer 9'\n    rung.check()\n",
    )

    assert hosted.run().status == 0
    assert any(seen.asked == "what is 9" for seen in server.requests)
    assert Path(hosted.folder / "recordings").exists()


def test_the_keys_of_deployments_are_nowhere_either(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOOPBACK_AUTH", KEY)
    with Loopback(lambda _: failing(400, text=f"bad request with {KEY}")) as one, Loopback(lambda _: OK) as other:
        make(bench, one.model, 0)
        places = ", ".join(f'{{ model = "{place.model}", api_key_env = "LOOPBACK_AUTH" }}' for place in (one, other))
        bench.edit("ladder.toml", 'api_key_env = "LOOPBACK_AUTH"', f"deployments = [{places}]")

        ran = bench.run("-vv", "--ladder-rung=better")

        assert ran.status == 1
        assert one.requests
        assert other.requests
        assert one.requests[0].headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in ran.text + everything(bench)
        assert "bad request with [secret]" in ran.flat


def test_the_garbage_collector_looks_seldom_where_nothing_but_texts_is_made(hosted: Bench):
    text = hosted.toml.read_text(encoding="utf-8")
    own = '[rungs.own]\nkind = "decompose"\nsystem = "own.py:answer"\n'
    hosted.write("ladder.toml", f'{text}{own}[privacy]\nredact = ["watch.py:note"]\n')
    hosted.write("own.py", "def answer(question):\n    return 'by own code'\n")
    hosted.write(
        "watch.py",
        "import gc\nfrom pathlib import Path\n\n\ndef note(text):\n"
        "    if text.startswith(('by own code', 'answer ')):\n"
        "        with (Path(__file__).parent / 'seen.txt').open('a') as file:\n"
        "            file.write(f'{text[:2]} {gc.get_threshold()[0]}\\n')\n"
        "    return text\n",
    )
    before = gc.get_threshold()
    ours = {"an": max(before[0], YOUNG_TEXTS), "by": max(before[0], YOUNG)}

    hosted.run()
    hosted.run("--ladder-rung=own")

    seen = (hosted.toml.parent / "seen.txt").read_text(encoding="utf-8").splitlines()
    assert set(seen) == {f"{word} {young}" for word, young in ours.items()}
    assert gc.get_threshold() == before
