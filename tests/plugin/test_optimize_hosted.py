"""A search whose model is behind an address: priced before it begins, side by side, within the budget of the run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.extras import needs
from tests.loopback import Act, Loopback, failing
from tests.plugin.bench import Bench, case

needs("aiohttp", "http", module=True)

import aiohttp  # noqa: E402, F401  loaded here, once: an inner run forgets what it was the first to import

EACH = 4 * 1000 / 1e6
"""USD a call at 1,000 USD a million tokens: two tokens asked, two answered."""


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(lambda _: Act(wait_s=0.01)) as made:
        yield made


@pytest.fixture
def hosted(bench: Bench, server: Loopback) -> Bench:
    """A search between two instructions, of which the second is right."""
    bench.make(
        {}, cases=6, tables=f'[prices."{server.model}"]\ninput = 1000\noutput = 1000\n',
        head=f'model = "{server.model}"\nmodel_options = {{ max_tokens = 4 }}\ndev = "dev.jsonl"',
    )  # fmt: skip
    bench.write("wrong.md", "user:\nseven 7 {{ input }} 7\n")
    bench.write("right.md", "user:\n{{ input }}\n")
    bench.write("dev.jsonl", "".join(json.dumps(case(number)) + "\n" for number in range(20, 36)))
    search = '[rungs.optimize]\nprompt = "wrong.md"\ninstructions = ["right.md"]\ndemos = 0\nmax_calls = 40\n'
    bench.write("ladder.toml", bench.toml.read_text(encoding="utf-8") + search)
    return bench


def test_it_is_priced_and_asked_side_by_side(hosted: Bench, server: Loopback):
    ran = hosted.run()
    assert ran.status == 0, ran.text
    assert re.search(r"searches its prompt on dev with at most 40 calls, about [\d.]+ USD by the length", ran.flat)
    assert len(server.requests) == 32 + 6
    assert server.peak > 1
    assert re.search(r"32 calls, \$0\.1\d", ran.flat)
    asked = re.search(r"6 answers to ask, about ([\d.]+) USD", ran.flat)
    assert asked is not None
    assert float(asked[1]) < 0.2  # the front matter of the prompt is not sent
    entry = hosted.log[0]
    assert entry["usage"]["cost_usd"] == pytest.approx(6 * EACH)


def test_a_budget_of_money_that_ends_in_the_search_stops_it_and_the_next_run_goes_on(hosted: Bench, server: Loopback):
    ran = hosted.run(f"--ladder-max-cost={10 * EACH}")
    assert ran.status == 1
    assert "the search is not finished" in ran.flat
    made = len(server.requests)
    assert 3 <= made <= 12

    assert hosted.run().status == 0
    assert len(server.requests) == 32 + 6


def test_a_provider_that_fails_now_and_then_is_asked_again_and_nothing_is_lost(hosted: Bench, server: Loopback):
    server.script = lambda seen: failing(503) if seen.number % 7 == 3 else Act()
    ran = hosted.run()
    assert ran.status == 0, ran.text
    assert "left out" not in ran.flat
