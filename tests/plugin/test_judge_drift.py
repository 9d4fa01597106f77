"""`--ladder-drift`: judges are asked again of the answers on record, and one that changed fails the build."""

from __future__ import annotations

import json
import shutil

import jsonschema
import pytest

from pytest_ladder.report.json_report import report_json_schema
from tests.plugin.bench import Bench
from tests.plugin.judging import asked_judge, judged, quality

MOOD = """{
    "strict": "yes" if expected == answer else "no", "kind": "yes", "named": "yes" if expected == answer else "no",
    "lost": "hm",
}[Path(__file__).with_name("mood").read_text()]"""


@pytest.fixture
def recorded(bench: Bench) -> Bench:
    """Forty cases of which a rung answers 20, judged as they are."""
    judged(bench, {"prompt": 20}, first=MOOD, repaired="hm", thresholds="answer = { all = 0.4 }", cases=40)
    name = '"judge-" + ("2" if Path(__file__).with_name("mood").read_text() == "named" else "1")'
    bench.edit("judge.py", '"judge-1"', name)
    mood(bench, "strict")
    assert bench.run().status == 0
    bench.asked()
    return bench


def mood(bench: Bench, word: str) -> None:
    """How the model behind the judge's name judges from now on; no file of the ladder changes."""
    bench.write("mood", word)


def left(bench: Bench) -> dict[str, bytes]:
    paths = [bench.log_path, *sorted((bench.folder / "recordings").rglob("*"))]
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


def test_a_judge_that_changed_fails_the_build_apart_from_the_rung(recorded: Bench):
    before = left(recorded)
    mood(recorded, "kind")

    ran = recorded.run("--ladder-drift=40", "--ladder-report=ladder.json", "--ladder-report=ladder.md")

    assert ran.status == 1
    assert "prompt, 40 cases asked again: no difference shown" in ran.flat
    changed = "the judge of quality, of prompt, 40 cases judged again: the judge has changed; quality 0.500 to 1.000"
    assert changed in ran.flat
    assert changed in recorded.pytester.path.joinpath("ladder.md").read_text(encoding="utf-8")
    assert "Remove recordings/_judges/quality and run `pytest --ladder --ladder-record=new`" in ran.flat
    report = json.loads(recorded.pytester.path.joinpath("ladder.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, report_json_schema())
    rung, judge = report["ladders"][0]["drift"]
    assert (rung["judge"], rung["finding"]) == ("", "no_difference")
    assert (judge["judge"], judge["finding"], judge["answers"], judge["texts_differ"]) == ("quality", "changed", 40, 20)
    assert left(recorded) == before
    assert len(asked_judge(recorded)) == 40


def test_what_is_told_to_do_about_it_does_it(recorded: Bench):
    mood(recorded, "kind")
    recorded.run("--ladder-drift=40")

    shutil.rmtree(recorded.folder / "recordings" / "_judges" / "quality")

    assert recorded.run().status == 0
    assert quality(recorded)["mean"] == 1
    assert recorded.run("--ladder-drift=40").status == 0
    assert recorded.run("--ladder-record=none").status == 0


def test_a_judge_that_stays_the_same_passes(recorded: Bench):
    before = left(recorded)

    ran = recorded.run("--ladder-drift=30")

    assert ran.status == 0
    assert "the judge of quality, of prompt, 30 cases judged again: no difference shown" in ran.flat
    assert "0 of 30 verdicts differ in their text" in ran.flat
    assert "tokens a verdict 21 to 21" in ran.flat
    assert left(recorded) == before


def test_another_name_of_the_judge_s_model_fails_the_build(recorded: Bench):
    mood(recorded, "named")

    ran = recorded.run("--ladder-drift=20")

    assert ran.status == 1
    assert "judge.py:verdict answers as judge-2, on record as judge-1" in ran.flat


def test_a_judge_that_gives_no_verdict_is_no_conclusion(recorded: Bench):
    mood(recorded, "lost")

    ran = recorded.run("--ladder-drift=20")

    assert ran.status == 1
    assert "the judge of quality, of prompt, 20 cases judged again: no conclusion; 20 of 20 cases got no" in ran.flat


def test_a_budget_that_is_spent_is_no_conclusion(recorded: Bench):
    ran = recorded.run("--ladder-drift=20", "--ladder-max-calls=5")

    assert ran.status == 1
    assert "15 of 20 cases got no verdict this time: budget: 5 model calls are made" in ran.flat


SKILL = """\
from pathlib import Path


def answer(case):
    number = int(case.input.split()[-1])
    right = number < int(Path(__file__).with_name("skill").read_text())
    return f"answer {number}" if right else f"no idea of {number}"
"""


def test_answers_that_are_others_now_are_judged_and_show_the_rung_s_own_drift(bench: Bench):
    judged(bench, {"prompt": 0}, thresholds="quality = { all = 0.4 }", cases=40)
    bench.write("prompt.py", SKILL)
    bench.write("skill", "20")
    bench.run()
    before = left(bench)
    bench.asked()
    bench.write("skill", "5")

    ran = bench.run("--ladder-drift=40")

    assert ran.status == 1
    assert "prompt, 40 cases asked again: the model has changed; quality 0.500 to 0.125" in ran.flat
    assert "the judge of quality, of prompt, 40 cases judged again: no difference shown" in ran.flat
    assert len(asked_judge(bench)) == 15 + 40
    assert left(bench) == before
