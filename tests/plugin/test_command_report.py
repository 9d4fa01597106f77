"""`ladder report`: files to show, from what is on record."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.pages import Page
from tests.project import Project

RUNGS = ("prompt", "few_shot")
AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    made = Project.make(pytester.path, cases=8, skills=(2, 8, 8), inner=pytester)
    assert made.run().status == 0
    return made


def files(project: Project) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in project.root.rglob("*") if p.is_file() and "__pycache__" not in p.parts}


def test_one_of_each_kind_is_written_and_nothing_else_is_touched(project: Project):
    before = files(project)

    ran = project.command("report", "--output=out/r.html", "--output=out/r.md", "--output=out/r.json")

    assert ran.status == 0
    assert ran.text.splitlines() == ["wrote out/r.html", "wrote out/r.md", "wrote out/r.json"]
    read = Page((project.root / "out/r.html").read_text(encoding="utf-8"))
    assert "Decision few_shot" in read.text
    assert len(read.data()["cases"]) == 6
    assert "few\\_shot" in (project.root / "out/r.md").read_text(encoding="utf-8")
    (ladder,) = json.loads((project.root / "out/r.json").read_text(encoding="utf-8"))["ladders"]
    assert [len(row["worst_cases"]) for row in ladder["rungs"][:2]] == [5, 0]
    left = files(project)
    assert {path: left[path] for path in before} == before


def test_it_says_what_a_run_says(project: Project):
    assert project.run("--ladder-record=none", "--ladder-report=run.html").status == 0
    assert project.command("report", "--output=command.html").status == 0

    one, other = (Page((project.root / f"{n}.html").read_text(encoding="utf-8")).data() for n in ("run", "command"))
    assert one == other


def test_without_a_file_the_markdown_is_printed(project: Project):
    before = files(project)

    ran = project.command("report")

    assert ran.status == 0
    assert project.command("report", "--output=r.md").status == 0
    assert AT.sub("", ran.text) == AT.sub("", (project.root / "r.md").read_text(encoding="utf-8"))
    left = files(project)
    assert {path: left[path] for path in before} == before


def rows(project: Project, name: str) -> list[dict[str, Any]]:
    (ladder,) = json.loads((project.root / name).read_text(encoding="utf-8"))["ladders"]
    return list(ladder["rungs"])


def test_the_figures_of_model_calls_are_those_of_the_run(project: Project):
    assert project.run("--ladder-record=none", "--ladder-report=run.json").status == 0
    assert project.command("report", "--output=command.json").status == 0

    run, command = ([row["requests"] for row in rows(project, name)] for name in ("run.json", "command.json"))
    assert command == run
    assert run[0]["calls"] == 8


def test_the_entries_of_a_run_are_those_of_the_log_with_their_ids(project: Project):
    for arguments in ((), ("--ladder-record=none",), ("--ladder-rung=few_shot",)):
        assert project.run("--ladder-report=again.json", *arguments).status == 0
        assert [row["entry"] for row in rows(project, "again.json")[:2]] == [project.entries(r)[-1] for r in RUNGS]

    project.edit("ladder.toml", "schema = 1", "schema = 1\ntask = 'another contract'")
    before = len(project.log)
    assert project.run("--ladder-report=fresh.json").status == 0

    fresh = [row["entry"] for row in rows(project, "fresh.json")[:2]]
    assert fresh == [entry for entry in project.log[before:] if entry["kind"] == "rung"]
    assert all(entry["id"].startswith("sha256:") for entry in fresh)


@pytest.mark.parametrize("arguments", [("--output=r.docx",), ("nowhere", "--output=r.html")])
def test_what_cannot_be_written_or_found_is_an_error(project: Project, arguments: tuple[str, ...]):
    ran = project.command("report", *arguments)

    assert ran.status == 4
    assert "error: " in ran.text
    assert not list(project.root.glob("r.*"))


def test_a_refused_extension_is_named_by_the_commands_own_option(project: Project):
    told = project.command("report", "--output=r.docx").text

    assert "--output=r.docx: unknown extension, got '.docx'; expected one of .html, .json, .md" in told


def test_a_ladder_that_never_ran_is_reported_too(pytester: pytest.Pytester):
    project = Project.make(pytester.path, cases=4, skills=(2, 4, 4), inner=pytester)

    assert project.command("report", "--output=r.html").status == 0
    assert "No rung has evidence yet." in Page((project.root / "r.html").read_text(encoding="utf-8")).text
