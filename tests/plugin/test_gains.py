"""What a run tells of the gain of each rung over the best cheaper one."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from pytest_ladder.report.json_schema import report_json_schema
from tests.project import LADDER, Project, jsonl

EFFECT = LADDER.replace("[limits]", "[decision]\nmin_effect = 0.2\n\n[limits]")


def flat(text: str) -> str:
    return " ".join(text.split())


def reported(project: Project) -> dict[str, Any]:
    project.run("--ladder-report=report.json")
    found: dict[str, Any] = json.loads((project.root / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(found, report_json_schema())
    return {rung["id"]: rung["gain"] for rung in found["ladders"][0]["rungs"]}


def test_a_rung_is_compared_with_the_best_cheaper_one(pytester: pytest.Pytester):
    project = Project.make(pytester.path, inner=pytester)

    told = flat(project.run().text)

    assert "few_shot better than prompt: answer +0.100 [+0.02, +0.19]" in told
    assert "c24, c25" not in told


def test_flipped_cases_are_listed_with_v(pytester: pytest.Pytester):
    told = flat(Project.make(pytester.path, inner=pytester).run("-v").text)

    assert "few_shot against prompt answer won 6 c24, c25, c26, c27, c28, c29" in told


def test_a_slice_that_got_worse_and_where_losses_gather_are_told(pytester: pytest.Pytester):
    project = Project.make(pytester.path, skills=(50, 30, 60), inner=pytester)
    lines = [json.loads(line) for line in project.read("cases.jsonl").splitlines()]
    late = [{**line, "slices": ["odd"] if number >= 36 else []} for number, line in enumerate(lines)]
    project.write("cases.jsonl", jsonl(late))

    told = flat(project.run("-v").text)

    assert "worse than prompt: answer -0.333 [-0.45, -0.22]; worse in answer[odd]" in told
    assert "losses gather in odd (p 0.001)" in told


def test_reports_hold_the_whole_comparison(pytester: pytest.Pytester):
    project = Project.make(pytester.path, inner=pytester)

    gains = reported(project)

    assert gains["prompt"] is None
    assert gains["fine_tune"] is None
    gain = gains["few_shot"]
    assert (gain["over"], gain["plateau"]) == ("prompt", False)
    answer = gain["metrics"]["answer"]
    assert answer["won"] == ["c24", "c25", "c26", "c27", "c28", "c29"]
    assert (answer["slices"]["all"]["difference"], answer["slices"]["all"]["effect_size"]) == (0.1, 0.5)

    project.run("--ladder-report=report.md")
    text = (project.root / "report.md").read_text(encoding="utf-8")
    assert "few\\_shot: better than prompt: answer +0.100 \\[+0.02, +0.19\\]" in text
    assert "<summary>few\\_shot against prompt</summary>" in text
    assert "- won 6: c24, c25, c26, c27, c28, c29" in text


def test_a_gain_that_has_levelled_off_is_a_plateau(pytester: pytest.Pytester):
    project = Project.make(pytester.path, skills=(24, 24, 60), ladder=EFFECT, inner=pytester)

    assert "plateau over prompt: answer 0.000 [-0.05, +0.05]" in flat(project.run().text)
    assert reported(project)["few_shot"]["plateau"] is True


def test_without_a_least_effect_nothing_is_a_plateau(pytester: pytest.Pytester):
    project = Project.make(pytester.path, skills=(24, 24, 60), inner=pytester)

    assert "no difference from prompt shown: answer 0.000" in flat(project.run().text)
    assert reported(project)["few_shot"]["plateau"] is False


def test_the_next_step_names_the_plateau_of_prompting_where_form_is_what_fails(pytester: pytest.Pytester):
    project = Project.make(pytester.path, skills=(24, 24, 60), ladder=EFFECT, inner=pytester)
    row = {"rung": "prompt", "kind": "form", "by": "j", "at": "2026-01-01T00:00:00Z"}
    project.write("labels.jsonl", jsonl([{"case": f"c{number}", **row} for number in range(24, 60)]))

    told = flat(project.run().text)

    assert "declare [rungs.optimize]" in told
    assert "most failures are of kind form, and few_shot brought no more than prompt" in told


def test_a_smoke_run_compares_nothing(pytester: pytest.Pytester):
    project = Project.make(pytester.path, inner=pytester)
    project.run()

    assert "better than prompt" not in flat(project.run("--ladder-limit=5").text)


def test_status_tells_the_gains(pytester: pytest.Pytester):
    project = Project.make(pytester.path, inner=pytester)
    project.run()

    assert "better than prompt: answer +0.100" in flat(project.command("status").text)


def test_a_rung_that_is_the_only_one_measured_has_no_gain(pytester: pytest.Pytester):
    project = Project.make(pytester.path, inner=pytester)

    assert "than prompt" not in flat(project.run("--ladder-rung=few_shot").text)


def test_workers_change_nothing(pytester: pytest.Pytester):
    project = Project.make(pytester.path, inner=pytester)

    assert "few_shot better than prompt: answer +0.100" in flat(project.spawn("-n", "2").text)
