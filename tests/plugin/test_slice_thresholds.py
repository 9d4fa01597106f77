"""A threshold on a slice asks nothing of the cases outside it."""

from __future__ import annotations

import json

import pytest

from tests.plugin.bench import Bench, case

LADDER = """\
schema = 1
name = "mixed"
evalset = "cases.jsonl"
[metrics.found]
scorer = "recall_at_k"
[thresholds]
found = { facts = 0.4 }
[rungs.rag]
system = "system.py:answer"
"""
SYSTEM = """\
def answer(case):
    return {"text": "x", "retrieved": ["kb-1"]}
"""


@pytest.fixture
def mixed(bench: Bench) -> Bench:
    """Ten cases of which only those of the slice `facts` name evidence, as small talk has none."""
    bench.make({})
    facts = [case(n, evidence=["kb-1"], slices=["facts"]) for n in range(5)]
    bench.cases([*facts, *(case(n, slices=["small-talk"]) for n in range(5, 10))])
    bench.write("system.py", SYSTEM)
    bench.write("ladder.toml", LADDER)
    return bench


def test_a_metric_of_retrieval_gates_where_evidence_is_named(mixed: Bench):
    ran = mixed.run("--ladder-report=report.json", "--ladder-report=report.html")

    assert ran.status == 0, ran.text
    (rung,) = json.loads((mixed.pytester.path / "report.json").read_text(encoding="utf-8"))["ladders"][0]["rungs"]
    assert (rung["entry"]["verdict"], rung["entry"]["errors"]) == ("met", 0)
    assert rung["entry"]["scores"]["found"]["small-talk"]["unscored"] == 5
    assert rung["entry"]["scores"]["found"]["facts"]["n"] == 5
    assert mixed.run("--ladder-record=none").status == 0


def test_a_case_of_the_slice_that_cannot_be_scored_is_an_error(mixed: Bench):
    lines = (mixed.folder / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    mixed.write("cases.jsonl", "\n".join([*lines[:-1], lines[-1].replace('"small-talk"', '"facts"')]) + "\n")
    ran = mixed.run("-v", "--ladder-report=report.html")

    assert ran.status == 1, ran.text
    assert "1 of 10 cases in error" in ran.text
    assert "unscored by found" in ran.flat
    assert "1 case got no score" in (mixed.pytester.path / "report.html").read_text(encoding="utf-8")
