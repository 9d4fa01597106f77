"""What is changed by hand under a look at the hold-out set is found, and no look talks the gate round."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.project import LADDER, Lines, Project, case, jsonl, prompt, sealed

CONFIRMED = LADDER.replace(
    "[thresholds]", '[decision]\nconfirm = "holdout"\n\n[thresholds]'
).replace('evalset = "cases.jsonl"', 'evalset = "cases.jsonl"\nholdout = "holdout.jsonl"')  # fmt: skip
HOLDOUT = jsonl([case(number) for number in range(60, 120)])
LABELS = jsonl([
    {"case": f"c{n:02}", "rung": "few_shot", "kind": "form", "by": "ada", "at": "2026-01-01"} for n in (58, 59)
])  # fmt: skip


def made(root: Path, few_shot: int) -> Path:
    """A project whose few-shot rung answers the questions below a number, of 60 in the eval set, 60 in the hold-out."""
    skills = (24, few_shot, 120)
    project = Project.make(root, skills=skills, ladder=CONFIRMED, holdout__jsonl=HOLDOUT, labels__jsonl=LABELS)
    project.spawn()
    project.write("prompt.md", prompt(30))
    project.spawn("--ladder-fine-tune")
    return project.root


@pytest.fixture(scope="module")
def holding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("holding"), 118)


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("failing"), 58)


@pytest.fixture
def held(pytester: pytest.Pytester, holding: Path) -> Project:
    """The lever is `few_shot`, which holds on the hold-out set."""
    shutil.copytree(holding, pytester.path, dirs_exist_ok=True)
    return Project(pytester.path, inner=pytester)


@pytest.fixture
def unheld(pytester: pytest.Pytester, failing: Path) -> Project:
    """`few_shot` meets the target on the eval set alone; fine-tuning was justified and holds."""
    shutil.copytree(failing, pytester.path, dirs_exist_ok=True)
    return Project(pytester.path, inner=pytester)


def looks(project: Project) -> Lines:
    return [entry for entry in project.log if entry.get("reason", "").startswith("hold-out")]


def test_what_nobody_touched_stands(held: Project, unheld: Project):
    assert held.decisions()[-1]["selected"] == "fine_tune" or unheld.decisions()[-1]["selected"] == "fine_tune"
    assert unheld.none().status == 0
    assert unheld.command("verify").status == 0


def test_a_lever_that_holds_refuses_fine_tuning(held: Project):
    ran = held.none("--ladder-rung=fine_tune")

    assert ran.status == 1
    assert "met: few_shot already meets the target" in ran.text


def test_a_rung_that_clearly_does_not_hold_does_not_refuse_and_is_told(unheld: Project):
    ran = unheld.none("--ladder-rung=fine_tune")

    assert ran.status == 0
    reason = unheld.decisions()[-1]["reason"]
    assert "fine_tune is the lowest rung that meets every threshold and holds on the hold-out set" in reason
    assert "few_shot met on the eval set, not on the hold-out set: answer[all] 0.00 < 0.95 (n = 60)" in reason
    assert [look["rung"] for look in looks(unheld)] == ["few_shot", "fine_tune"]


# --- what is found ---------------------------------------------------------------------------------------------------


def answers(project: Project, change: Callable[[Lines], Lines], rung: str = "few_shot") -> None:
    project.record(rung, change(project.answers(rung)))


def spoilt(lines: Lines) -> Lines:
    for line in lines:
        if int(line["case"][1:]) >= 60:
            line["answer"]["text"] = "wrong"
    return lines


def mended(lines: Lines) -> Lines:
    for line in lines:
        line["answer"]["text"] = f"A{int(line['case'][1:])}"
    return lines


def without(lines: Lines) -> Lines:
    return [line for line in lines if int(line["case"][1:]) < 60]


def rewrite(project: Project, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Change entries, and let whatever names them name the new ids."""
    names: dict[str, str] = {}
    changed = []
    for entry in project.log:
        after = change(dict(entry))
        if after is None:
            continue
        for key in ("after", "rests_on"):
            if key in after:
                after[key] = [names.get(id_, id_) for id_ in after[key]]
        after = sealed(after)
        names[entry["id"]] = after["id"]
        changed.append(after)
    project.log = changed


def of_few_shot(**parts: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(entry: dict[str, Any]) -> dict[str, Any]:
        look = entry.get("rung") == "few_shot" and entry["reason"].startswith("hold-out")
        return {**entry, **parts} if look else entry

    return change


def no_look(entry: dict[str, Any]) -> dict[str, Any] | None:
    return None if entry.get("rung") == "few_shot" and entry["reason"].startswith("hold-out") else entry


def no_look_named(project: Project) -> None:
    """Take the looks out, and out of what decisions rest on."""
    gone = {entry["id"] for entry in looks(project) if entry["rung"] == "few_shot"}

    def change(entry: dict[str, Any]) -> dict[str, Any] | None:
        if "rests_on" in entry:
            entry["rests_on"] = [id_ for id_ in entry["rests_on"] if id_ not in gone]
        return no_look(entry)

    rewrite(project, change)


def selected(rung: str) -> Callable[[Project], None]:
    def act(project: Project) -> None:
        rewrite(project, lambda entry: {**entry, "selected": rung} if "selected" in entry else entry)

    return act


HELD = {
    "answers to the hold-out set made wrong": (lambda p: answers(p, spoilt), "altered: the recorded answers"),
    "answers to the hold-out set taken out": (lambda p: answers(p, without), "to the hold-out set are not"),
    "the look taken out": (lambda p: p.relog(no_look), "which the log lacks"),
    "the look taken out of all that names it": (no_look_named, "rests on no look at the hold-out set"),
    "the look made short": (lambda p: rewrite(p, of_few_shot(verdict="short")), "is not what its entries say"),
    "the look under another reason": (lambda p: rewrite(p, of_few_shot(reason="x")), "is not what its entries say"),
    "the look of another set": (lambda p: rewrite(p, of_few_shot(evalset="sha256:0")), "log out of date"),
    "the look of other answers": (lambda p: rewrite(p, of_few_shot(answers="sha256:0")), "altered: the recorded"),
}  # fmt: skip


@pytest.mark.parametrize("name", HELD)
@pytest.mark.parametrize("how", ["none", "verify"])
def test_under_a_lever_that_holds(held: Project, name: str, how: str):
    act, told = HELD[name]
    act(held)

    ran = held.none("--ladder-rung=prompt", "--ladder-rung=few_shot") if how == "none" else held.command("verify")

    assert ran.status == 1, ran.text
    assert re.search(told, " ".join(ran.text.split())), ran.text


UNHELD = {
    "answers to the hold-out set made right": (lambda p: answers(p, mended), "altered: the recorded answers"),
    "the look made met": (lambda p: rewrite(p, of_few_shot(verdict="met")), "is not what its entries say"),
    "the look made met, and selected": (
        lambda p: (rewrite(p, of_few_shot(verdict="met")), selected("few_shot")(p)),
        "is not what its entries say|log out of date",
    ),
    "selected although its look was short": (selected("few_shot"), "is not what its entries say"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNHELD)
@pytest.mark.parametrize("how", ["none", "verify"])
def test_under_a_rung_that_does_not_hold(unheld: Project, name: str, how: str):
    act, told = UNHELD[name]
    act(unheld)

    ran = unheld.none() if how == "none" else unheld.command("verify")

    assert ran.status == 1, ran.text
    assert re.search(told, " ".join(ran.text.split())), ran.text


# --- nothing gets through the gate -----------------------------------------------------------------------------------


def nothing(project: Project) -> None:
    """Change nothing."""


def no_hold_out_evidence(project: Project) -> None:
    answers(project, without)
    no_look_named(project)


GATE = {
    "nothing": (nothing, "met: few_shot already meets"),
    "no answers to the hold-out set": (lambda p: answers(p, without), "met: few_shot meets the target on the eval set"),
    "neither answers nor look": (no_hold_out_evidence, "met: few_shot meets the target on the eval set"),
    "answers made wrong": (lambda p: answers(p, spoilt), "altered: "),
    "answers made wrong, with no look to tell": (
        lambda p: (answers(p, spoilt), no_look_named(p)), "met: few_shot meets the target on the eval set",
    ),
    "undecided allowed and no look": (
        lambda p: (p.edit("ladder.toml", 'confirm = "holdout"', 'confirm = "holdout"\nundecided = "allow"'),
                   answers(p, without)),
        "stale: |met: ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GATE)
def test_a_missing_or_spoilt_look_does_not_open_the_gate(held: Project, name: str):
    act, told = GATE[name]
    act(held)

    ran = held.none("--ladder-rung=fine_tune")

    assert ran.status == 1, ran.text
    assert "fine-tuning allowed" not in ran.text
    assert re.search(told, " ".join(ran.text.split())), ran.text
