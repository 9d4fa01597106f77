"""What opens the gate by the project's own policy or history: told in the decision and on the terminal."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fault.test_attacks import Act, both, cases, edited, gate, head, tail, waiver, wrote
from tests.fault.test_tampering import labels
from tests.project import SYSTEM, TEST, Project, case, jsonl, prompt, sealed


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose few-shot rung fails in form alone, as its labels say; two prompts were measured."""
    project = Project.make(
        tmp_path_factory.mktemp("base"), skills=(6, 30, 60), labels__jsonl=labels(0, 60) + labels(0, 60, rung="prompt")
    )
    project.spawn("--ladder-rung=prompt")
    project.write("prompt.md", prompt(24))
    ran = project.spawn("--ladder-rung=prompt", "--ladder-rung=few_shot")
    assert ran.status == 1, ran.text
    return project.root


@pytest.fixture
def project(pytester: pytest.Pytester, base: Path) -> Project:
    shutil.copytree(base, pytester.path, dirs_exist_ok=True)
    return Project(pytester.path, inner=pytester)


def reason(project: Project) -> str:
    return str(project.decisions()[-1]["reason"])


def measured(project: Project, *rungs: str) -> None:
    project.run(*(f"--ladder-rung={rung}" for rung in rungs))


def all_required(*rungs: str) -> Act:
    """Rungs of further kinds that are the system of few_shot under another name."""
    kinds = ", ".join(f'"{rung}"' for rung in ("prompt", "few_shot", *rungs))
    tables = [line for rung in rungs for line in (f"[rungs.{rung}]", 'system = "few.py:answer"')]
    return both(gate(f"required = [{kinds}]"), tail(*tables))


def copied_to_another_kind(project: Project) -> None:
    all_required("rag")(project)
    shutil.copytree(project.folder / "recordings" / "few_shot", project.folder / "recordings" / "rag")
    entry = project.entries("few_shot")[-1]
    project.log = [*project.log, sealed({**entry, "rung": "rag", "rung_kind": "rag"})]


def target_raised(project: Project) -> None:
    project.write("few.py", SYSTEM.replace("SKILL", "58"))
    measured(project, "few_shot")
    project.edit("ladder.toml", 'all = 0.95, "odd" = 0.90', "all = 1.0")


def worsened(project: Project) -> None:
    project.write("few.py", SYSTEM.replace("SKILL", "60"))
    measured(project, "few_shot")
    project.write("few.py", SYSTEM.replace("SKILL", "20"))


def relabelled(project: Project) -> None:
    project.write(
        "ladder.toml", project.read("ladder.toml").replace("[rungs.prompt]", '[rungs.first]\nkind = "prompt"')
    )
    tail("[rungs.second]", 'kind = "prompt"', 'system = "few.py:answer"')(project)
    gate("[gate.effort]", "prompt = 1")(project)
    measured(project, "first", "second")
    project.edit("ladder.toml", 'kind = "prompt"\nsystem', 'kind = "rag"\nsystem')


def future(project: Project) -> None:
    look = {**project.entries("few_shot")[-1], "at": "2099-01-01T00:00:00Z", "after": []}
    project.log = [*project.log, sealed({**look, "fingerprint": "sha256:" + "7" * 64})]


GIVEN = """\
    rung.check(system=None if rung.kind == "fine_tune" else bad)


def bad(case):
    return "I do not know " + case.id[1:]
"""

PRICED = """\
def answer(case, llm):
    llm.chat("skill 99: question 1")
    return f"A{int(case.input.split()[-1])}"
"""

ERRORS = SYSTEM.replace("    number", "    if case.id > 'c54':\n        raise ValueError('no')\n    number", 1)

ONE_WAY = 'router = [{ matches = "no such words", to = "prompt" }, { to = "few_shot" }]'

TOLD: dict[str, tuple[Act, str]] = {
    "less required": (gate('required = ["prompt"]'), "few_shot, rag, advanced_rag, decompose not required"),
    "nothing required": (gate("required = []"), "prompt, few_shot, rag, advanced_rag, decompose not required"),
    "less effort": (gate("[gate.effort]", "prompt = 1"), "1 version of prompt enough (2 by default)"),
    "form not asked": (gate("min_form_share = 0"), "the kind of failures not asked (min_form_share = 0)"),
    "less form": (gate("min_form_share = 0.01"), "a share of form of 0.01 enough (min_form_share)"),
    "evidence of any age": (gate("max_age_days = 9999"), "evidence of up to 9999 days (max_age_days)"),
    "an unclear rung": (
        both(head("[decision]", 'undecided = "allow"'), wrote("few.py", SYSTEM.replace("SKILL", "56"))),
        'few_shot undecided, and allowed (undecided = "allow")',
    ),
    "cases in error": (
        both(head("[decision]", "max_error_rate = 0.9"), wrote("few.py", ERRORS.replace("SKILL", "30"))),
        "few_shot judged without 5 cases in error (max_error_rate)",
    ),
    "verdicts that are hardly sure": (
        both(head("[decision]", "confidence = 0.51"), wrote("few.py", SYSTEM.replace("SKILL", "54"))),
        "a confidence of 0.51 enough (0.95 by default)",
    ),
    "a ceiling that no cheaper rung keeps": (
        both(edited("ladder.toml", "cost_per_case = 0.01", "cost_per_case = 0.0001"), wrote("few.py", PRICED)),
        "the kind of failures not asked, for only [limits] are missed",
    ),
    "a waiver": (wrote("waivers.toml", waiver()), "waiver distillation of mallory until 2099-01-01"),
    "easy cases removed": (cases(lambda n: (n >= 20 and n % 2) or n > 50), "that had 60 before"),
    "the target raised": (target_raised, "few_shot that met other cases or thresholds before"),
    "a worse version after a good one": (worsened, "few_shot that met them in another version before"),
    "one system as five kinds": (
        all_required("rag", "advanced_rag", "decompose"), "decompose that answers every case as few_shot does",
    ),
    "recordings and an entry copied to another kind of the same system": (
        copied_to_another_kind, "rag that answers every case as few_shot does",
    ),
    "one rung as a router of another kind": (
        both(gate('required = ["prompt", "few_shot", "decompose"]'), tail("[rungs.decompose]", ONE_WAY)),
        "decompose that sends every case to few_shot",
    ),
    "a rung of another kind": (relabelled, "second that was of the kind prompt before"),
    "the hold-out set as eval set": (
        edited("ladder.toml", 'evalset = "cases.jsonl"', 'evalset = "cases.jsonl"\nholdout = "cases.jsonl"'),
        "a hold-out set of which 60 of 60 cases are in the eval set",
    ),
    "an entry of the future": (future, "a log of 2099-01-01 on a clock of"),
    "a bad system given by the test": (
        both(
            gate("[gate.effort]", "prompt = 1"),
            wrote("test_support.py", TEST.replace("    rung.check()\n", GIVEN)),
        ),
        "prompt, few_shot answered by a system that the test gave",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("act", "told"), TOLD.values(), ids=TOLD)
def test_what_opened_the_gate_is_told_in_the_decision_and_on_the_terminal(project: Project, act: Act, told: str):
    act(project)

    ran = project.run("--ladder-fine-tune")

    assert ran.status == 0, ran.text
    assert told in reason(project), reason(project)
    assert told in " ".join(ran.text.split())
    again = project.run("--ladder-fine-tune")
    assert again.status == 0, again.text
    assert len({entry["reason"] for entry in project.decisions()}) == len(project.decisions())


def test_an_honest_climb_is_told_without_any(project: Project):
    gate('required = ["prompt", "few_shot", "rag", "advanced_rag", "decompose"]')(project)
    for skill, rung in enumerate(("rag", "advanced_rag", "decompose"), 31):
        tail(f"[rungs.{rung}]", f'system = "{rung}.py:answer"')(project)
        project.write(f"{rung}.py", SYSTEM.replace("SKILL", str(skill)))
    project.write("labels.jsonl", labels(0, 60, rung="decompose"))

    ran = project.run("--ladder-fine-tune")

    assert ran.status == 0, ran.text
    assert "allowed with" not in reason(project)


def test_a_growing_eval_set_is_told_as_nothing(project: Project):
    project.write("cases.jsonl", jsonl([case(n) for n in range(64)]))
    project.write("labels.jsonl", labels(0, 64))
    project.write("tuned.py", SYSTEM.replace("SKILL", "64"))

    assert project.run("--ladder-fine-tune").status == 0
    assert "before" not in reason(project)


def test_another_target_or_other_cases_are_a_line_of_the_log_each(project: Project):
    for step in (edited("ladder.toml", "all = 0.95", "all = 0.99"), cases(lambda n: n < 58)):
        step(project)
        measured(project, "few_shot")

    first, second, third = project.entries("few_shot")
    assert first["contract"] != second["contract"] == third["contract"]
    assert first["evalset"] == second["evalset"] != third["evalset"]
