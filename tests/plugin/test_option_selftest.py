"""`--ladder-selftest`: the gate itself is judged on what is on record."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from pytest_ladder.report.json_report import report_json_schema
from tests.plugin.bench import Bench, case

CHANCY = """\
from pathlib import Path


def answer(case):
    path = Path(__file__).with_name(f"times-{case.id}")
    times = int(path.read_text()) if path.exists() else 0
    path.write_text(str(times + 1))
    number = int(case.input.split()[-1])
    return f"answer {number}" if number < (36, 34, 38)[times % 3] else "no idea"
"""


def found(bench: Bench, *args: str) -> dict[str, Any]:
    path = bench.pytester.path / "report.json"
    bench.run("--ladder-selftest", f"--ladder-report={path}", *args)
    report = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(report, report_json_schema())
    return report["ladders"][0]["selftest"]


def test_it_tells_how_often_each_verdict_would_flip(bench: Bench):
    bench.make({"prompt": 4, "few_shot": 37}, cases=40)
    rungs = {rung["id"]: rung for rung in found(bench)["rungs"]}

    assert (rungs["prompt"]["verdict"], rungs["prompt"]["flips"]) == ("short", 0.0)
    assert rungs["few_shot"]["verdict"] == "met"
    assert 0.1 < rungs["few_shot"]["flips"] < 0.4  # 37 of 40 against 0.90: a binomial tail of about a quarter
    assert 0.0 < rungs["prompt"]["checks"][0]["detectable"] < 0.9
    assert rungs["few_shot"]["checks"][0]["detectable"] is None, "nothing gains as much over 0.925"


def test_it_is_shown_in_the_terminal_and_in_markdown(bench: Bench):
    bench.make({"prompt": 4, "few_shot": 37}, cases=40, thresholds="answer = { all = 0.9, odd = 0.8 }")
    ran = bench.run("--ladder-selftest", "--ladder-report=report.md")
    markdown = (bench.pytester.path / "report.md").read_text(encoding="utf-8")

    ran.has("*self-test: how far these verdicts can be trusted*", "*few_shot*met*%*answer?all? * 0.90*40*")
    assert "on another eval set of this size the verdict of few_shot would differ in" in ran.flat
    assert "40 cases are few" in ran.flat
    assert max(map(len, ran.lines[ran.lines.index("  self-test: how far these verdicts can be trusted") :])) <= 80
    assert "| few\\_shot | met |" in markdown
    assert "40 cases are few" in markdown


def test_it_asks_nothing_and_writes_nothing(bench: Bench):
    bench.make({"prompt": 4, "few_shot": 37}, cases=40)
    bench.run()
    bench.asked()
    log = bench.log_path.read_bytes()

    ran = bench.run("--ladder-selftest", "--ladder-record=none")
    assert ran.status == 0
    assert "self-test" in ran.text
    assert bench.asked() == []
    assert bench.log_path.read_bytes() == log


def test_without_the_option_nothing_is_judged(bench: Bench):
    bench.make()
    bench.run("--ladder-report=report.json")
    report = json.loads((bench.pytester.path / "report.json").read_text(encoding="utf-8"))

    assert report["ladders"][0]["selftest"] is None


def test_the_exit_status_is_that_of_the_run(bench: Bench):
    bench.make({"prompt": 4})

    assert bench.run("--ladder-selftest").status == 1


def test_repeats_that_get_different_verdicts_are_counted(bench: Bench):
    bench.make({"prompt": 0}, cases=40, head="repeats = 3")
    bench.write("prompt.py", CHANCY)
    rung = found(bench, "--ladder-concurrency=1")["rungs"][0]  # so that a case's repeats are asked in turn

    assert (rung["repeats"], rung["aa_pairs"], rung["aa_flips"]) == (3, 3, 2)  # 36, 34 and 38 of 40 against 0.90


def test_a_rung_that_is_not_on_record_in_full_is_named(bench: Bench):
    bench.make({"prompt": 10, "few_shot": 10})
    ran = bench.run("--ladder-selftest")

    assert "few_shot left out: not every answer of it is on record" in ran.flat


def test_a_rung_that_ended_early_is_left_out(bench: Bench):
    bench.make({"prompt": 4, "few_shot": 37}, cases=40, tables='[decision]\nstop = "certain"')

    assert found(bench)["left_out"]["prompt"].startswith("it ended early")


def test_without_any_recorded_rung_it_says_so(bench: Bench):
    bench.make({"prompt": 10})
    ran = bench.run("--ladder-selftest", "--ladder-record=none")

    assert ran.status == 1
    assert "no rung has an answer to every case on record" in ran.flat


def test_doubts_about_the_eval_set_are_told(bench: Bench):
    bench.make({"prompt": 10})
    bench.cases([case(0), case(1), case(0, id="again", expected="another")])
    notes = {note["trait"]: note for note in found(bench)["evalset"]}

    assert notes["label_conflict"]["cases"] == ["c0", "again"]
    assert notes["few_cases"]["warns"]


def test_scores_are_enough_where_answers_are_not_committed(bench: Bench):
    bench.make({"prompt": 4, "few_shot": 37}, cases=40, tables='[recordings]\nstore = "local"')
    before = found(bench)["rungs"]
    for path in (bench.folder / "recordings").rglob("*.jsonl"):
        path.unlink()

    assert found(bench, "--ladder-record=none")["rungs"] == before


@pytest.mark.usefixtures("bench")
def test_it_works_on_workers(bench: Bench):
    pytest.importorskip("xdist")
    bench.make({"prompt": 4, "few_shot": 37}, cases=40)
    ran = bench.run("--ladder-selftest", "-n2")

    assert ran.status == 0
    assert "the verdict of few_shot would differ in" in ran.flat
