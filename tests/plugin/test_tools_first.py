"""The run says where a corpus looks like records, which a tool serves better than retrieval."""

from __future__ import annotations

import json

import pytest

from tests.plugin.bench import Bench

ORDERS = [f"order: {n}\nstate: sent\ndays: {n}" for n in range(10)]
PROSE = [f"Order {n} was sent on the third day of the month." for n in range(10)]
NOTE = (
    "rag, again: evals/support/kb.jsonl looks like records, not prose (100% of its documents, most of them key: value "
    'lines): a tool may serve it better, as `strategy = "tool_agent"` of [rungs.decompose] calls it'
)
AGENT = """
[rungs.decompose]
strategy = "tool_agent"
prompt = "answer.md"
tools = ["models.py:look"]
"""


def make(bench: Bench, texts: list[str], more: str = "") -> Bench:
    bench.make({}, cases=4)
    bench.write(
        "models.py",
        'def reply(messages):\n    return "answer " + messages[-1]["content"].split()[-1]\n\n\n'
        'def look(order: str) -> str:\n    """Look an order up."""\n    return order\n',
    )
    bench.write("answer.md", "{{ context }} {{ input }}")
    bench.write("kb.jsonl", "".join(json.dumps({"id": f"kb-{n}", "text": text}) + "\n" for n, text in enumerate(texts)))
    rag = 'prompt = "answer.md"\ncorpus = "kb.jsonl"\n'
    text = bench.toml.read_text(encoding="utf-8").replace("[metrics", 'model = "models.py:reply"\n[metrics', 1)
    bench.write("ladder.toml", f'{text}\n[rungs.rag]\n{rag}[rungs.again]\nkind = "rag"\n{rag}{more}')
    return bench


@pytest.mark.parametrize("record", ["new", "none"])
def test_a_corpus_of_records_is_told_in_every_run(bench: Bench, record: str):
    make(bench, ORDERS)
    assert bench.run().status == 0

    ran = bench.run(f"--ladder-record={record}")

    assert ran.status == 0
    assert ran.flat.count(NOTE) == 1


def test_a_corpus_of_prose_is_not(bench: Bench):
    assert "looks like records" not in make(bench, PROSE).run().flat


def test_nor_is_one_beside_an_agent_with_tools(bench: Bench):
    assert "looks like records" not in make(bench, ORDERS, AGENT).run().flat
