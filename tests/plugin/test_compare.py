"""What `ladder compare` says of two rungs, from what a run has recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.project import LADDER, Project, case, jsonl, prompt


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """`few_shot` answers the first 30 of 60 questions, `prompt` the first 24."""
    made = Project.make(pytester.path, inner=pytester)
    made.run()
    return made


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def told(project: Project, *arguments: str) -> dict[str, Any]:
    ran = project.command("compare", *arguments, "--json")
    assert ran.status == 0, ran.text
    found: dict[str, Any] = json.loads(ran.text)
    return found


def test_a_gain_is_told_with_its_figures_and_cases(project: Project):
    ran = project.command("compare", "prompt", "few_shot")

    found = lines(ran.text)
    assert ran.status == 0
    assert found[0].startswith("-- ladder support: few_shot against prompt --")
    assert "all better 60 0.400 0.500 +0.100 6 54 0 0.016 0.109" in found
    assert found[found.index("odd too few pairs: 30 0.400 0.500 +0.100 3 27 0 - 0.214") + 1] == (
        "no conclusion [-0.02, +0.24]"
    )
    assert "won 6 c24, c25, c26, c27, c28, c29" in found


def test_the_other_way_round_it_is_a_loss(project: Project):
    found = lines(project.command("compare", "few_shot", "prompt", "--cases=2").text)

    assert "all worse 60 0.500 0.400 -0.100 0 54 6 0.016 0.109" in found
    assert "lost 6 c24, c25 and 4 more" in found


def test_json_has_every_figure(project: Project):
    found = told(project, "prompt", "few_shot")

    assert (found["kind"], found["ladder"], found["before"], found["after"]) == (
        "comparison", "support", "prompt", "few_shot",
    )  # fmt: skip
    answer = found["metrics"]["answer"]
    assert answer["won"] == ["c24", "c25", "c26", "c27", "c28", "c29"]
    whole = answer["slices"]["all"]
    assert (whole["n"], whole["wins"], whole["ties"], whole["losses"]) == (60, 6, 54, 0)
    assert (whole["before"], whole["after"], whole["difference"]) == (0.4, 0.5, 0.1)
    assert (whole["verdict"], whole["p_gain"], whole["adjusted_gain"]) == ("better", 0.015625, 0.015625)
    assert answer["slices"]["odd"]["verdict"] == "too_few"


def test_nothing_is_asked_or_written(project: Project):
    before = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}

    project.command("compare", "prompt", "few_shot", "evals/support")

    assert {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()} == before


def test_cases_without_privacy_are_named_by_id_alone(project: Project):
    text = project.command("compare", "prompt", "few_shot").text

    assert "question 24" not in text


def test_a_change_of_the_expected_answers_is_graded_anew(project: Project):
    project.write("cases.jsonl", jsonl([case(n, expected="A0" if n == 29 else f"A{n}") for n in range(60)]))

    assert told(project, "prompt", "few_shot")["metrics"]["answer"]["won"] == ["c24", "c25", "c26", "c27", "c28"]


def test_clusters_count_once(pytester: pytest.Pytester):
    ladder = LADDER.replace("[limits]", '[decision]\ncluster = "document"\n\n[limits]')
    made = Project.make(pytester.path, ladder=ladder, inner=pytester)
    made.write("cases.jsonl", jsonl([case(n, metadata={"document": n // 3}) for n in range(60)]))
    made.run()

    found = told(made, "prompt", "few_shot")

    whole = found["metrics"]["answer"]["slices"]["all"]
    assert found["cluster"] == "document"
    assert (whole["n"], whole["units"], whole["wins"], whole["verdict"]) == (60, 20, 6, "too_few")
    assert "count as one cluster" in " ".join(lines(made.command("compare", "prompt", "few_shot").text))


def test_a_rung_that_ended_early_is_compared_on_the_cases_it_answered(pytester: pytest.Pytester):
    ladder = LADDER.replace("[limits]\ncost_per_case = 0.01", '[decision]\nrule = "confident"\nstop = "certain"')
    ladder = ladder.replace('all = 0.95, "odd" = 0.90', "all = 0.9")
    made = Project.make(pytester.path, skills=(10, 58, 60), ladder=ladder, inner=pytester)
    made.run()
    asked = len(made.answers("prompt"))

    found = told(made, "prompt", "few_shot")

    assert asked < 60
    assert found["metrics"]["answer"]["slices"]["all"]["n"] == asked
    assert found["notes"] == [f"answer: {60 - asked} cases with a score by few_shot alone left out"]


def test_losses_that_gather_in_a_slice_are_told(pytester: pytest.Pytester):
    made = Project.make(pytester.path, skills=(50, 30, 60), inner=pytester)
    late = [{**case(n), "slices": ["late"] if n >= 36 else []} for n in range(60)]
    made.write("cases.jsonl", jsonl(late))
    made.edit("ladder.toml", '"odd"', '"late"')
    made.run()

    assert any(
        line.startswith("losses gather in late (p 0.001)")
        for line in lines(made.command("compare", "prompt", "few_shot").text)
    )


@pytest.mark.parametrize(
    ("arguments", "status", "fault"),
    [
        (("prompt", "prompt"), 4, "a rung cannot be compared with itself, got 'prompt'; expected another one"),
        (("prompt", "few_shots"), 4, "unknown rung, got 'few_shots'; expected one of prompt, few_shot, fine_tune. Did"
                                     " you mean 'few_shot'?"),
        (("prompt", "few_shot", "nowhere"), 4, "nowhere: no ladder.toml here"),
        (("prompt", "fine_tune"), 1, "rung fine_tune: 60 of 60 answers to today's eval set are not on record for"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(project: Project, arguments: tuple[str, ...], status: int, fault: str):
    ran = project.command("compare", *arguments)

    assert ran.status == status
    assert ran.text.startswith("error: ")
    assert fault in ran.text


def test_a_rung_that_was_changed_since_is_not_on_record(project: Project):
    project.write("prompt.md", prompt(25))

    ran = project.command("compare", "prompt", "few_shot")

    assert ran.status == 1
    assert "rung prompt: 60 of 60 answers" in ran.text
    assert "`pytest --ladder --ladder-rung=prompt`" in ran.text


def test_one_of_several_ladders_has_to_be_named(project: Project):
    other = Project.make(project.root, inner=project.inner)
    other.name = "evals/other"
    for path in sorted(project.folder.glob("*.*")):
        other.write(path.name, path.read_bytes())

    ran = project.command("compare", "prompt", "few_shot")

    assert ran.status == 4
    assert "there are 2 ladders here; expected one" in ran.text
    assert project.command("compare", "prompt", "few_shot", "evals/support/ladder.toml").status == 0


def test_altered_answers_are_told(project: Project):
    answers = project.answers("prompt")
    answers[59]["answer"]["text"] = "A59"
    project.record("prompt", answers)

    assert "what is on record was changed" in " ".join(lines(project.command("compare", "prompt", "few_shot").text))


COMPARING = """\
import pytest


@pytest.mark.ladder
def test_support(rung):
    rung.evaluate()
    if rung.id == "few_shot":
        found = rung.compare("prompt")["answer"]
        assert found.slices["all"].won == ("c24", "c25", "c26", "c27", "c28", "c29")
        assert found.slices["all"].verdict == "better"
        assert found.regressions == ()
        print("compared")
"""


def test_a_test_compares_its_rung_with_another(project: Project):
    project.write("test_support.py", COMPARING)

    assert "compared" in project.run("-s").text
    assert "compared" in project.none("-s", "--ladder-rung=few_shot").text


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('compare("prompt")', 'compare("promt")', "Did you mean 'prompt'?"),
        ('compare("prompt")', 'compare("few_shot")', "a rung cannot be compared with itself"),
        ("    rung.evaluate()\n", "", "rung 'few_shot': it is not evaluated yet. Call `rung.check()`"),
    ],
)
def test_a_test_that_compares_wrongly_is_told(project: Project, old: str, new: str, fault: str):
    project.write("test_support.py", COMPARING.replace(old, new))

    told = project.run()

    assert told.status == 1
    assert fault in told.text
