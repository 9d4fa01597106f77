"""Retrieval judged apart from generation: its metrics in the terminal and every report, by slice, asked for or not."""

from __future__ import annotations

import json
import re

import pytest

from tests.plugin.bench import Bench, case

METRICS = "".join(
    f'[metrics.{name}]\nscorer = "{scorer}"\n{options}'
    for name, scorer, options in [
        ("recall_2", "recall_at_k", "options = { k = 2 }\n"), ("mrr", "reciprocal_rank", ""),
        ("ndcg_2", "ndcg_at_k", "options = { k = 2 }\n"), ("context_precision", "context_precision", ""),
        ("context_recall", "context_recall", ""),
    ]
)  # fmt: skip
SYSTEM = """\
from pytest_ladder import Answer


def answer(case):
    number = int(case.input.split()[-1])
    found = {found}
    return Answer(f"answer {{number}}", retrieved=tuple(found))
"""


@pytest.fixture
def ladder(bench: Bench) -> Bench:
    """Two rungs that answer alike; the first finds the evidence second, in `odd` not at all, the other one first."""
    bench.make({"rag": 40, "advanced_rag": 40}, cases=40, tables=METRICS)
    bench.write("cases.jsonl", "".join(json.dumps(case(n, evidence=[f"kb-{n}"])) + "\n" for n in range(40)))
    for rung, found in {
        "rag": '["x"] + ([] if number % 2 else [f"kb-{number}"])', "advanced_rag": '[f"kb-{number}", "x"]',
    }.items():  # fmt: skip
        bench.write(f"{rung}_system.py", SYSTEM.format(found=found))
    text = re.sub(r'system = "[^"]*"', "", bench.toml.read_text())
    for rung in ("rag", "advanced_rag"):
        text = text.replace(f"[rungs.{rung}]", f'[rungs.{rung}]\nsystem = "{rung}_system.py:answer"')
    bench.write("ladder.toml", text)
    return bench


def test_without_a_threshold_they_stand_in_the_terminal_with_their_intervals(ladder: Bench):
    ran = ladder.run("--ladder-climb=all")
    assert ran.status == 0, ran.text
    head = next(line for line in ran.text.splitlines() if "recall_2" in line)
    assert head.split() == ["all", "recall_2", "mrr", "ndcg_2"]
    for metric in ("context_precision", "context_recall"):
        assert metric in ran.text
    rag = next(line for line in ran.text.splitlines() if line.split()[:2] == ["rag", "selected"])
    assert rag.split()[-3:] == ["0.500", "0.250", "0.315"]
    assert "[0.36, 0.64] [0.19, 0.31] [0.23, 0.40]" in ran.flat
    assert "slices without a threshold" not in ran.text


def test_the_recall_of_a_rung_that_retrieves_is_shown_without_any_metric(ladder: Bench):
    ladder.edit("ladder.toml", METRICS, "")
    lines = ladder.run("--ladder-climb=all").text.splitlines()
    usage = next(place for place, line in enumerate(lines) if line.split()[-1:] == ["recall"])
    assert [line.split()[-1] for line in lines[usage + 2 : usage + 4]] == ["0.500", "1.000"]


def test_verbosely_the_terminal_shows_their_slices_and_so_do_the_reports(ladder: Bench):
    ran = ladder.run("-v", "--ladder-climb=all", *(f"--ladder-report=r.{kind}" for kind in ("md", "html", "json")))
    shown = ran.text.partition("slices without a threshold")[2]
    assert [word for word in shown.split() if word == "odd"] == ["odd"] * 6, "one for each metric, `answer` too"
    assert "0.000 0.000 0.000 [0.86, 1.00] [0.00, 0.14] [0.00, 0.14] [0.00, 0.14]" in " ".join(shown.split())
    report = {kind: (ladder.pytester.path / f"r.{kind}").read_text() for kind in ("md", "html", "json")}
    table = report["md"].partition("<summary>slices without a threshold</summary>")[2].partition("</details>")[0]
    assert "| mrr<br>odd |" in table
    assert table.count("0.000<br>\\[0.00, 0.14\\]") == 5
    assert "mrr, odd: rag 0.000 [0.00, 0.14]; advanced_rag 1.000 [0.86, 1.00]" in report["html"]
    rung = json.loads(report["json"])["ladders"][0]["rungs"][0]
    assert rung["recall"] == 0.5
    odd = {"mean": 0.0, "n": 20, "low": 0.0, "high": 0.139108, "unscored": 0}
    assert all(rung["entry"]["scores"][metric]["odd"] == odd for metric in ("recall_2", "mrr", "context_precision"))
