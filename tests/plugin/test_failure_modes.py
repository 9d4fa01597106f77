"""The warnings of a rung that was tried out of turn: when they speak, and when they do not."""

from __future__ import annotations

import json
import sys

import pytest

from tests.plugin.bench import Bench
from tests.plugin.test_causes import built_in, declare

NAIVE = "warning naive RAG first: rag measured with no prompt or few-shot rung on record"
WRONG = "wrong lever"
CASES = 80


def labelled(bench: Bench, count: int, kind: str = "form", rung: str = "prompt") -> None:
    """The first failures of a rung, labelled."""
    given = {"rung": rung, "kind": kind, "by": "ada", "at": "2026-01-02"}
    bench.write("labels.jsonl", "".join(json.dumps(given | {"case": f"c{n}"}) + "\n" for n in range(10, 10 + count)))


@pytest.fixture
def idle(bench: Bench) -> Bench:
    """Ten right answers of eighty, and a retrieval that brings none."""
    return bench.make({"prompt": 10, "rag": 10}, cases=CASES)


def test_retrieval_measured_alone_is_told_in_every_report_until_a_prompt_is_on_record(bench: Bench):
    bench.make({"prompt": 4, "rag": 10})
    reports = [bench.pytester.path / f"out.{kind}" for kind in ("md", "json", "html")]

    ran = bench.run("--ladder-rung=rag", *(f"--ladder-report={path.name}" for path in reports))

    assert ran.status == 0
    assert NAIVE in ran.flat
    assert "brings cannot be told: run `pytest --ladder --ladder-rung=prompt`" in ran.flat
    for path in reports:
        assert "naive RAG first: rag measured with no prompt or few-shot rung on record" in path.read_text("utf-8")
    assert "naive RAG first" not in bench.run().flat


def test_the_command_tells_it_too(bench: Bench):
    bench.make({"prompt": 4, "rag": 10})
    bench.run("--ladder-rung=rag")

    told = bench.pytester.run(sys.executable, "-m", "pytest_ladder", "status").stdout.str()

    assert "naive RAG first" in told


def test_advanced_retrieval_without_naive_is_told(bench: Bench):
    bench.make({"prompt": 4, "rag": 6, "advanced_rag": 10})

    told = bench.run("--ladder-rung=prompt", "--ladder-rung=advanced_rag").flat

    assert "advanced retrieval first: advanced_rag measured before naive RAG has stalled" in told
    assert "advanced retrieval first" not in bench.run().flat


def test_retrieval_for_form_is_told_once_enough_failures_are_labelled(idle: Bench):
    assert WRONG not in idle.run().flat

    labelled(idle, 58)
    assert WRONG not in idle.run().flat

    labelled(idle, 60)
    told = idle.run().flat
    assert "wrong lever: rag tried for failures that it does not mend and brought nothing" in told
    assert "60 of the 60 diagnosed failures of prompt are of kind form, which calls for prompt, few_shot," in told


def test_retrieval_for_facts_is_not(idle: Bench):
    idle.run()
    labelled(idle, 70, "facts")

    assert WRONG not in idle.run().flat


def test_nor_retrieval_that_helped(bench: Bench):
    bench.make({"prompt": 10, "rag": 40}, cases=CASES)
    bench.run()
    labelled(bench, 70)

    assert WRONG not in bench.run().flat


def test_steps_for_what_was_not_retrieved_are_told_from_the_record_alone(bench: Bench):
    bench.make({"decompose": 0}, cases=CASES)
    text = bench.toml.read_text(encoding="utf-8")
    built_in(bench, "prompt", "rag", cases=CASES)
    bench.write("ladder.toml", bench.toml.read_text(encoding="utf-8") + text[text.index("[rungs.decompose]") :])
    bench.write(
        "models.py", "def reply(messages):\n    return 'answer 7' if 'question question' in str(messages) else ''"
    )

    told = bench.run().flat

    assert "rag failures: retrieval 79" in told
    assert "wrong lever: decompose tried for failures that it does not mend" in told
    assert "79 of the 79 diagnosed failures of rag are of kind retrieval, which calls for advanced_rag" in told


def test_prompt_after_prompt_for_missing_facts_is_told_until_something_is_retrieved(bench: Bench):
    built_in(bench, "prompt", cases=CASES)
    for number in range(2):
        assert "prompts for facts" not in bench.run().flat
        bench.write("models.py", f"def reply(messages):\n    return 'I do not know, {number}.'\n")

    assert "prompts for facts: versions were measured, 3 of prompt, and 80 of the 80 diagnosed" in bench.run().flat

    declare(bench, "rag")
    assert "prompts for facts" not in bench.run().flat


def test_a_small_set_in_one_heap_is_told_as_a_demonstration(bench: Bench):
    bench.make({"prompt": 10})
    rows = [{"id": f"c{n}", "input": f"question {n}", "expected": f"answer {n}"} for n in range(10)]
    command = (sys.executable, "-m", "pytest_ladder", "status")

    bench.cases(rows)
    assert "demo-to-production cliff: few cases, no slices" in bench.pytester.run(*command).stdout.str()

    bench.cases([row | {"metadata": {"source": "production"}} for row in rows])
    assert "demo-to-production cliff" not in bench.pytester.run(*command).stdout.str()
