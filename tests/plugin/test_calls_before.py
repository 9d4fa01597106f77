"""Calls before the first question have the bounds of answers: `--ladder-concurrency` and `--ladder-timeout`."""

from __future__ import annotations

import json

import pytest

from tests.plugin.bench import Bench, case

MODEL = """\
import asyncio
from pathlib import Path

now = most = 0


async def reply(messages):
    global now, most
    text = messages[-1]["content"]
    if text.startswith("LINE"):
        now += 1
        most = max(most, now)
        await asyncio.sleep({seconds})
        now -= 1
        Path(__file__).with_name("most.txt").write_text(str(most))
    return "a line"
"""
LADDER = """\
schema = 1
name = "support"
evalset = "cases.jsonl"
model = "models.py:reply"
[metrics.answer]
scorer = "exact_match"
[thresholds]
answer = { all = 1.0 }
[rungs.advanced_rag]
prompt = "answer.md"
corpus = "kb.jsonl"
contextual = true
context_prompt = "line.md"
top_k = 1
"""


@pytest.fixture
def ladder(bench: Bench) -> Bench:
    """A ladder whose six chunks get a line each before the first question."""
    bench.make({})
    bench.cases([case(0, expected="a line")])
    bench.write("answer.md", "ANSWER {{ input }} {{ context }}")
    bench.write("line.md", "LINE {{ chunk }}")
    bench.write("kb.jsonl", "".join(json.dumps({"id": f"kb-{n}", "text": f"fact {n}"}) + "\n" for n in range(6)))
    bench.write("ladder.toml", LADDER)
    return bench


@pytest.mark.parametrize("concurrency", [1, 2])
def test_no_more_are_made_at_a_time_than_answers(ladder: Bench, concurrency: int):
    ladder.write("models.py", MODEL.format(seconds=0.02))
    ran = ladder.run(f"--ladder-concurrency={concurrency}")

    assert ran.status == 0, ran.text
    assert (ladder.folder / "most.txt").read_text() == str(concurrency)


def test_one_that_gets_no_reply_ends_and_says_so(ladder: Bench):
    ladder.write("models.py", MODEL.format(seconds=3600))
    ran = ladder.run("--ladder-timeout=0.2")

    assert ran.status == 1, ran.text
    assert "before the first question" in ran.flat
    assert "models.py:reply gave no reply within 0.2 s. Raise `--ladder-timeout`" in ran.flat
