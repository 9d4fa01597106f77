"""`--ladder-report`: files to show, by extension."""

from __future__ import annotations

import json

import pytest

from tests.plugin.bench import Bench
from tests.project import Project


def test_markdown_and_json_are_written(bench: Bench):
    ran = bench.make().run("--ladder-report=out/report.md", "--ladder-report=out/report.json")

    assert ran.status == 0
    text = (bench.pytester.path / "out" / "report.md").read_text(encoding="utf-8")
    assert "support" in text
    assert "few\\_shot" in text
    data = json.loads((bench.pytester.path / "out" / "report.json").read_text(encoding="utf-8"))
    assert "few_shot" in json.dumps(data)
    ran.has("report: out/report.md", "report: out/report.json")


def test_the_reports_tell_the_selected_lever_and_each_rungs_state(bench: Bench):
    bench.make().run("--ladder-report=report.json")

    (ladder,) = json.loads((bench.pytester.path / "report.json").read_text(encoding="utf-8"))["ladders"]

    assert ladder["selected"] == "few_shot"
    assert [(row["id"], row["state"]) for row in ladder["rungs"]] == [("prompt", "short"), ("few_shot", "selected")]


def test_a_failing_run_is_reported_too(bench: Bench):
    bench.make({"prompt": 4})

    assert bench.run("--ladder-report=report.md").status == 1
    assert "0.400" in (bench.pytester.path / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["report.docx", "report", "report.MDX"])
def test_an_unknown_extension_is_refused_before_anything_is_asked(bench: Bench, name: str):
    ran = bench.make().run(f"--ladder-report={name}")

    assert ran.status == 4
    assert ".md" in ran.text
    assert ".json" in ran.text
    assert bench.asked() == []


def test_paths_are_relative_to_where_pytest_was_called(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    bench.make()
    monkeypatch.chdir(bench.folder)

    bench.run("--ladder-report=here.md")

    assert (bench.folder / "here.md").exists()


def test_the_ini_twin_lists_reports(bench: Bench):
    bench.make()
    bench.ini("ladder_report =", "    one.md", "    two.json")

    assert bench.run().status == 0
    assert (bench.pytester.path / "one.md").exists()
    assert (bench.pytester.path / "two.json").exists()


def test_with_workers_there_is_one_report_of_the_whole_run(bench: Bench):
    bench.make()
    Bench(bench.pytester, "other").make({"prompt": 10})

    bench.run("-n", "2", "--ladder-report=report.json")

    data = json.loads((bench.pytester.path / "report.json").read_text(encoding="utf-8"))
    assert sorted(ladder["selected"] for ladder in data["ladders"]) == ["few_shot", "prompt"]


def test_a_report_that_cannot_be_written_fails_the_run_and_keeps_the_log(bench: Bench):
    bench.make()
    (bench.pytester.path / "taken.md").mkdir()

    ran = bench.run("--ladder-report=taken.md")

    assert ran.status == 1
    assert "taken.md" in ran.text
    assert "INTERNALERROR" not in ran.text
    assert "Traceback" not in ran.text
    assert bench.verdicts[-1] == "selected few_shot"


def test_without_a_ladder_the_report_is_empty(bench: Bench):
    bench.pytester.makepyfile(test_other="def test_other(): pass")

    assert bench.run("--ladder-report=report.md").status == 0
    assert "support" not in (bench.pytester.path / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("arguments", "counted"), [((), False), (("-v",), True), (("--ladder-report=r.md",), True)])
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_figures_of_model_calls_are_made_where_they_are_shown(
    pytester: pytest.Pytester, arguments: tuple[str, ...], counted: bool, workers: tuple[str, ...]
):
    project = Project.make(pytester.path, cases=8, skills=(8, 8, 8), inner=pytester)
    pytester.makeconftest(
        "import json\n\n"
        "def pytest_runtest_logreport(report):\n"
        "    if sent := getattr(report, 'ladder_report', None):\n"
        "        with open('sent.txt', 'a') as file:\n"
        "            file.write('counted' if json.loads(sent)['requests'] else '')\n"
    )

    assert project.run(*arguments, *workers).status == 0
    assert ("counted" in (pytester.path / "sent.txt").read_text(encoding="utf-8")) is counted
