"""Further ways around the gate: settings in files, versions of no effort, cases made up, evidence from elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.fault.test_attacks import (
    EFFORT,
    HOOKS,
    REFUSED,
    Act,
    assert_nothing_got_through,
    both,
    edited,
    poor,
    project,
    wrote,
)  # fmt: skip
from tests.fault.test_tampering import found
from tests.project import OURS, SYSTEM, Project, case, jsonl, prompt

__all__ = ["poor", "project"]
"""Fixtures."""


def ini(*lines: str) -> Act:
    return lambda project: project.write("../../pytest.ini", "\n".join(["[pytest]", *lines, ""])) and None


def smoke(project: Project) -> None:
    project.write("prompt.md", prompt(20))
    assert project.run("--ladder-limit=30").status in (0, 1)
    project.write("prompt.md", prompt(24))


def on_other_cases(project: Project) -> None:
    """A second prompt, measured where hardly any of today's cases are."""
    today = project.read("cases.jsonl")
    project.write("cases.jsonl", jsonl([case(n) for n in range(40, 160)]))
    project.write("prompt.md", prompt(50))
    project.run("--ladder-rung=prompt")
    project.write("cases.jsonl", today)
    project.write("prompt.md", prompt(24))


def measured_once_more(*acts: Act) -> Act:
    """Something that makes another version of the prompt, measured, with the answers of the first."""

    def act(project: Project) -> None:
        both(*acts)(project)
        project.run("--ladder-rung=prompt")

    return act


def others_recordings(project: Project) -> None:
    """The answers of the prompt as a second version of few_shot: a link inside of the project."""
    (there,) = (project.folder / "recordings" / "few_shot").glob("*.jsonl")
    there.unlink()
    there.symlink_to(project.recordings("prompt")[0])


def hard_cases_again(project: Project) -> None:
    project.write("few.py", SYSTEM.replace("SKILL", "58"))
    more = [case(59, id=f"again{n}") for n in range(40)]
    project.write("cases.jsonl", jsonl([*(case(n) for n in range(60)), *more]))


PROMPT = 'prompt = "prompt.md"\n'

AROUND: dict[str, tuple[Act, tuple[str, ...], int, str]] = {
    # the ini file
    "an ini file that finds no tests": (ini("python_files = nothing.py"), (), 5, r"no tests ran"),
    "an ini file that looks elsewhere": (ini("testpaths = elsewhere"), (), 1, REFUSED),
    "an ini file that leaves the folder out": (ini("norecursedirs = evals"), (), 5, r"no tests ran"),
    "an ini file that deselects": (ini("addopts = -k fine_tune"), (), 1, REFUSED),
    "an ini file without the controller": (ini("addopts = -p no:ladder-controller"), (), 4, r"--ladder needs"),
    "an ini file that asks for everything": (ini("ladder_record = all"), (), 1, r"record=all.*" + REFUSED),
    "an ini key of one's own": (ini("ladder_gate = off"), (), 1, REFUSED),
    "an ini file beside the ladder": (wrote("pytest.ini", "[pytest]\n"), ("evals/support",), 1, REFUSED),
    # the command line
    "--ignore": (wrote("x", ""), ("--ignore=evals",), 5, r"no tests ran"),
    "--import-mode": (wrote("x", ""), ("--import-mode=importlib",), 1, REFUSED),
    "--confcutdir": (wrote("x", ""), ("--confcutdir=evals",), 1, REFUSED),
    "-p no:junitxml": (wrote("x", ""), ("-p", "no:junitxml"), 1, REFUSED),
    "a hook in a parent folder": (wrote("../conftest.py", HOOKS["turns reports green"]), (), 1, REFUSED),
    # effort
    "another seed as a version": (measured_once_more(edited("ladder.toml", "schema = 1", "schema = 1\nseed = 18")), (),
                                  1, EFFORT),
    "another option as a version": (
        measured_once_more(edited("ladder.toml", PROMPT, f"{PROMPT}model_options = {{ x = 1 }}\n")), (), 1, EFFORT,
    ),
    "a comment in the model as a version": (
        measured_once_more(lambda project: project.write("models.py", project.read("models.py") + "# 2\n") and None),
        (), 1, EFFORT,
    ),
    "two answers a case as a version": (
        measured_once_more(edited("ladder.toml", "schema = 1", "schema = 1\nrepeats = 2")), (), 1, EFFORT,
    ),
    "a smoke run as a version": (smoke, (), 1, EFFORT),
    "a version on other cases": (on_other_cases, (), 1, EFFORT),
    # cases and evidence
    "a case twice": (wrote("cases.jsonl", jsonl([case(1), case(1)])), (), 4, r"cases\.jsonl:2: "),
    "a hard case again and again": (hard_cases_again, (), 1, EFFORT),
    "recordings that are a link to another rung's": (others_recordings, (), 1, r"an answer of another version"),
}  # fmt: skip


@pytest.mark.parametrize(("act", "arguments", "status", "told"), AROUND.values(), ids=AROUND)
def test_no_way_around_opens_the_gate(
    project: Project, act: Callable[[Project], None], arguments: tuple[str, ...], status: int, told: str
):
    act(project)

    ran = project.run("--ladder-fine-tune", *arguments)

    assert ran.status == status, ran.text
    assert found(told, ran.text), ran.text
    assert not OURS.search(ran.text), ran.text
    assert_nothing_got_through(project)


def test_another_time_zone_makes_no_evidence_fresh(project: Project):
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        ran = project.spawn("--ladder-fine-tune", env={"TZ": zone})
        assert ran.status == 1
        assert found(REFUSED, ran.text)
        assert not found("future", ran.text)
    assert os.environ.get("TZ") != zone
