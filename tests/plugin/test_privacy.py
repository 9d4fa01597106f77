"""`[privacy]`: what is shown of cases and answers, and what is written."""

from __future__ import annotations

import json

import pytest

from tests.plugin.bench import Bench

SECRETS = ("Mrs Pennyfeather", "the blue folder", "I would say Smith", "extra trouble")
CASE = {"id": "c0", "input": "Who is Mrs Pennyfeather?", "expected": "the blue folder"}
SYSTEM = "def answer(case):\n    return 'I would say Smith'\n"
REPORTS = ("--junitxml=junit.xml", "--ladder-report=report.md", "--ladder-report=report.json",
           "--ladder-report=report.html")  # fmt: skip


@pytest.fixture
def private(bench: Bench) -> Bench:
    bench.make({"prompt": 0, "few_shot": 0}, tables='[privacy]\nshow = "ids"')
    bench.cases([CASE, {**CASE, "id": "c1", "input": "Who is Mrs Pennyfeather, again?"}])
    bench.write("prompt.py", SYSTEM)
    bench.write("few_shot.py", SYSTEM)
    return bench


def written(bench: Bench) -> str:
    names = ["junit.xml", "report.md", "report.json", "report.html", "evals/support/escalation.jsonl"]
    return "".join((bench.pytester.path / name).read_text(encoding="utf-8") for name in names)


@pytest.mark.parametrize("verbosity", ["-q", "-v", "-vv", "-ra"])
def test_ids_alone_are_shown_and_written(private: Bench, verbosity: str):
    ran = private.run(verbosity, *REPORTS)

    assert ran.status == 1
    everything = ran.text + written(private)
    assert [secret for secret in SECRETS if secret in everything] == []
    assert "c0" in ran.text


def test_an_error_of_a_system_is_told_by_its_kind_alone(private: Bench):
    private.write("few_shot.py", "def answer(case):\n    raise ValueError(f'extra trouble with {case.input}')\n")

    ran = private.run("-vv", *REPORTS)

    assert ran.status == 1
    everything = ran.text + written(private)
    assert [secret for secret in SECRETS if secret in everything] == []
    assert "c0" in ran.text
    assert "system" in ran.text


def test_an_error_of_a_scorer_is_told_without_its_text(private: Bench):
    private.edit("ladder.toml", "exact_match", "scorers.py:score")
    private.write("scorers.py", "def score(case, answer):\n    raise ValueError(f'extra trouble: {answer.text}')\n")

    ran = private.run("-vv", *REPORTS)

    assert ran.status == 1
    everything = ran.text + written(private)
    assert [secret for secret in SECRETS if secret in everything] == []


def test_with_workers_too(private: Bench):
    ran = private.run("-n", "1", "-v", *REPORTS)

    assert [secret for secret in SECRETS if secret in ran.text + written(private)] == []


def test_by_default_the_worst_cases_are_shown_with_their_texts(private: Bench):
    private.edit("ladder.toml", 'show = "ids"', 'show = "text"')

    ran = private.run()

    for secret in SECRETS[:3]:
        assert secret in ran.text


def test_what_is_redacted_is_neither_recorded_nor_scored_nor_shown(private: Bench):
    private.edit("ladder.toml", 'show = "ids"', 'redact = ["redact.py:names"]')
    private.write("redact.py", "def names(text):\n    return text.replace('Smith', '[name]')\n")

    ran = private.run("-vv", *REPORTS)

    recorded = "".join(path.read_text() for path in (private.folder / "recordings").rglob("*.jsonl"))
    assert "I would say [name]" in recorded
    assert "Smith" not in recorded + ran.text + written(private)


def test_secrets_of_the_environment_are_never_written(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MY_API_KEY", "sk-0123456789abcdefghij")
    bench.make({"prompt": 0})
    bench.write("prompt.py", "import os\n\n\ndef answer(case):\n    return 'key ' + os.environ['MY_API_KEY']\n")

    ran = bench.run("-vv")

    recorded = "".join(path.read_text() for path in (bench.folder / "recordings").rglob("*.jsonl"))
    assert "sk-0123456789abcdefghij" not in recorded + ran.text


def test_recordings_hold_no_prompt_and_no_chunk(bench: Bench):
    bench.make({"rag": 0}, head='model = "models.py:reply"')
    bench.edit("ladder.toml", 'system = "rag.py:answer"', 'prompt = "prompt.md"\ncorpus = "kb.jsonl"\ntop_k = 1')
    bench.write("models.py", "def reply(messages):\n    return 'short'\n")
    bench.write("prompt.md", "user:\nVery special words: {{ context }} {{ input }}\n")
    bench.write("kb.jsonl", json.dumps({"id": "kb-1", "text": "A chunk on question 3 and answer 3"}) + "\n")

    bench.run()

    recorded = "".join(path.read_text() for path in (bench.folder / "recordings").rglob("*.jsonl"))
    assert "kb-1" in recorded
    assert "Very special words" not in recorded
    assert "A chunk on" not in recorded
