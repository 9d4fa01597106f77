"""`[limits]`: ceilings are thresholds too."""

from __future__ import annotations

import pytest

from tests.plugin.bench import Bench

ASKING = "def answer(case, llm):\n    return llm.chat([{{'role': 'user', 'content': '{word} ' + case.input}}]).text\n"
MODEL = """\
def reply(messages):
    text = messages[-1]["content"]
    cost = 0.05 if text.startswith("dear") else 0.001
    return {"text": "answer " + text.split()[-1], "model": "arith-1", "cost_usd": cost}
"""
SLEEPS = (
    "import time\n\n\ndef answer(case):\n    time.sleep({s})\n    return case.input.replace('question', 'answer')\n"
)


@pytest.fixture
def priced(bench: Bench) -> Bench:
    bench.make(head='model = "models.py:reply"', tables="[limits]\ncost_per_case = 0.01")
    bench.write("models.py", MODEL)
    bench.write("prompt.py", ASKING.format(word="dear"))
    bench.write("few_shot.py", ASKING.format(word="cheap"))
    return bench


def test_a_rung_that_costs_too_much_is_short(priced: Bench):
    ran = priced.run("-v", "-rs")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}
    assert "cost_per_case $0.0500 > $0.01" in ran.text
    assert priced.log[0]["limits"]["cost_per_case"] == pytest.approx(0.05)


def test_the_last_rung_over_its_limit_fails_with_the_figure(priced: Bench):
    ran = priced.run("--ladder-rung=prompt")

    assert ran.status == 1
    assert "cost_per_case $0.0500 > $0.01" in ran.text


def test_a_moved_limit_is_judged_on_what_is_recorded(priced: Bench):
    priced.run()
    priced.edit("ladder.toml", "cost_per_case = 0.01", "cost_per_case = 0.1")

    ran = priced.run("-v", "--ladder-max-calls=1")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SELECTED", "few_shot": "NOT NEEDED"}
    assert priced.run("--ladder-record=none").status == 0


def test_costs_replayed_are_costs(priced: Bench):
    priced.run()

    assert priced.run("-v", "--ladder-record=none").outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}


def test_latency_needs_sixty_answers(bench: Bench):
    ran = bench.make(cases=59, tables="[limits]\nlatency_p95 = 2.0").run()

    assert ran.status == 4
    assert "59 cases x 1 repeats are too few" in ran.text
    assert "at least 60 answers" in ran.text


def test_a_slow_rung_is_short(bench: Bench):
    bench.make({"prompt": 60, "few_shot": 60}, cases=60, tables="[limits]\nlatency_p95 = 2.0")
    bench.write("prompt.py", SLEEPS.format(s=3.0))

    ran = bench.run("-v", "--ladder-concurrency=60")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}
    assert bench.log[0]["limits"]["latency_p95"] >= 3.0


def test_waiting_for_a_place_is_not_latency(bench: Bench):
    bench.make({"prompt": 60}, cases=60, tables="[limits]\nlatency_p95 = 1.0")
    bench.write("prompt.py", SLEEPS.format(s=0.02))

    assert bench.run("--ladder-concurrency=1").status == 0


def test_where_only_a_limit_is_missed_the_gate_does_not_ask_for_a_diagnosis(priced: Bench):
    priced.write("few_shot.py", ASKING.format(word="dear"))
    priced.write("ladder.toml", priced.toml.read_text() + '[rungs.fine_tune]\nsystem = "few_shot.py:answer"\n'
                 '[gate]\nrequired = ["prompt", "few_shot"]\n[gate.effort]\nprompt = 1\n')  # fmt: skip

    ran = priced.run("--ladder-fine-tune")

    assert "diagnosis:" not in ran.text
