"""What `ladder status` and `ladder verify` say of a ladder that has climbed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.project import LADDER, Project, sealed

RAG = """
[rungs.rag]
prompt = "prompt.md"
corpus = "kb.jsonl"
"""
KB = "".join(f'{{"id": "d{number}", "text": "question {number}"}}\n' for number in range(8))


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    made = Project.make(pytester.path, cases=8, skills=(2, 8, 8), inner=pytester)
    assert made.run().status == 0
    return made


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_verify_names_the_selected_rung(project: Project):
    assert project.command("verify").text == (
        "evals/support/ladder.toml (support): 3 entries agree with the recordings; selected: few_shot\n"
    )


def test_verify_says_where_no_rung_is_selected(pytester: pytest.Pytester):
    project = Project.make(pytester.path, cases=8, skills=(2, 2, 2), inner=pytester)
    project.run()

    assert "agree with the recordings; no rung is selected" in project.command("verify").text


def test_status_marks_no_row_as_standing_in_the_log_where_all_do(project: Project):
    told = project.command("status").text

    assert "few_shot" in told
    assert "(log)" not in told
    assert "not measured in this run" not in told


def test_status_lists_what_stands_before_fine_tuning_one_reason_a_line(project: Project):
    told = lines(project.command("status").text)

    start = told.index("support, before fine-tuning:")
    assert told[start + 1 : start + 3] == [
        "met: few_shot already meets the target",
        "effort: prompt: 1 of 2 different versions were measured on today's eval set",
    ]


def test_status_knows_the_recall_of_a_rung_that_retrieves(pytester: pytest.Pytester):
    text = "user:\n{% if context %}{% endif %}skill 8: {{ input }}\n"
    ladder = LADDER.replace('[rungs.few_shot]\nsystem = "few.py:answer"\n', RAG).replace(', "few_shot"]', ', "rag"]')
    project = Project.make(
        pytester.path, cases=8, skills=(2, 2, 8), ladder=ladder, inner=pytester, kb__jsonl=KB, grounded__md=text
    )
    project.edit("ladder.toml", 'prompt = "prompt.md"\ncorpus', 'prompt = "grounded.md"\ncorpus')
    project.write("cases.jsonl", project.read("cases.jsonl").replace('"expected"', '"evidence": ["d1"], "expected"'))
    project.run("--ladder-climb=all")

    header = next(line for line in lines(project.command("status").text) if "p95" in line)
    assert header.endswith("recall")


def test_status_tells_what_is_worth_knowing_of_the_eval_set(project: Project):
    told = lines(project.command("status").text)

    assert "support, the eval set:" in told
    assert any(" cases are few: " in line for line in told)


def test_verify_names_an_entry_with_no_recordings_behind_it(project: Project):
    forged = {**project.entries("prompt")[0], "fingerprint": "sha256:" + "ab" * 32, "answers": "sha256:" + "cd" * 32}
    project.log = [*project.log, sealed(forged)]

    ran = project.command("verify")

    assert ran.status == 0
    assert "3 of 4 entries agree with the recordings; no recorded answers stand behind prompt" in ran.text
    assert "which counts for nothing" in ran.text


def test_a_reader_that_closes_early_gets_no_traceback(project: Project):
    reader, writer = os.pipe()
    os.close(reader)

    ran = subprocess.run(
        [sys.executable, "-m", "pytest_ladder", "schema", "ladder"], stdout=writer, stderr=subprocess.PIPE, text=True,
        cwd=project.root,
    )  # fmt: skip
    os.close(writer)

    assert (ran.returncode, ran.stderr) == (1, "")
