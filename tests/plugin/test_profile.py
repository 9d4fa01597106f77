"""What `[profile]` declares of the task, in the recommendation."""

from __future__ import annotations

import pytest

from tests.plugin.bench import MODEL, Bench

TUNED = '[gate]\nrequired = ["prompt"]\nmin_form_share = 0\n[gate.effort]\nprompt = 1\n'


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("narrow = false", "next narrow the task, then fine-tune: it is declared broad"),
        ("stable = false", "next keep the behaviour in the prompt until it is stable"),
        ("training_examples = 12", "next improve the prompt and collect examples: 12 are declared"),
        ('knowledge_changes = "daily"', "leave what it must know to retrieval, for that changes daily"),
    ],
)
def test_a_fine_tuning_that_the_gate_allows_is_recommended_as_the_task_allows_it(
    bench: Bench, declared: str, told: str
):
    bench.make({"prompt": 2}, cases=40, tables=f"{TUNED}[profile]\n{declared}")
    bench.write("ladder.toml", bench.toml.read_text("utf-8") + '[rungs.fine_tune]\nbase = "m.py:f"\nprompt = "p.md"\n')
    bench.write("p.md", "{{ input }}")

    assert told in bench.run().flat


def test_a_missed_ceiling_of_cost_is_told_with_what_the_declared_volume_costs(bench: Bench):
    tables = "[limits]\ncost_per_case = 0.0001\n[profile]\nquery_volume = 100000\n"
    bench.make({"prompt": 0}, head='model = "models.py:reply"', tables=tables)
    bench.write("models.py", MODEL)
    bench.write(
        "prompt.py", "def answer(case, llm):\n    return llm.chat([{'role': 'user', 'content': case.input}]).text\n"
    )

    told = bench.run().flat

    assert "next distil the answers into a smaller model: quality is there, only cost or latency is missed" in told
    assert "100,000 queries a month cost $100.00 now" in told
