"""`ladder report`: files to show, from what is on record."""

from __future__ import annotations

import json

import pytest

from tests.pages import Page
from tests.project import Project


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
