"""The examples' committed evidence: what CI sees of it, without a model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
from examples.support_hard import ablations

ROOT = Path(__file__).parents[2]


@cache
def ladder_run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`pytest --ladder` on the committed files, read-only: the same question has the same answer."""
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider", "--ladder",
               "--ladder-record=none", *arguments]  # fmt: skip
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", env=os.environ | {"COLUMNS": "100"}
    )


def test_retrieval_is_the_lever_of_support():
    ran = ladder_run("examples/support")

    assert ran.returncode == 0, ran.stdout
    assert "2 short, 1 selected, 1 not needed" in ran.stdout
    assert "rag is the lowest rung that meets every threshold" in ran.stdout


@pytest.mark.parametrize(("ladder", "lever"), [("support", "rag"), ("support_hard", "decompose")])
def test_a_request_for_fine_tuning_support_is_refused_with_met(ladder: str, lever: str):
    ran = ladder_run("--ladder-fine-tune", f"examples/{ladder}")

    assert ran.returncode == 1
    assert f"met: {lever} already meets the target" in ran.stdout


def test_steps_are_the_lever_of_the_hard_questions():
    ran = ladder_run("examples/support_hard")

    assert ran.returncode == 0, ran.stdout
    assert "4 short, 1 selected, 1 not needed" in ran.stdout
    assert "decompose is the lowest rung that meets every threshold" in ran.stdout


@pytest.mark.parametrize(
    ("below", "next_", "failures"),
    [("rag", "rag", "facts"), ("advanced_rag", "advanced_rag", "retrieval"), ("decompose", "decompose", "reasoning")],
)
def test_each_rung_of_the_hard_questions_is_called_for_by_the_failures_below_it(
    below: str, next_: str, failures: str, tmp_path: Path
):
    """The ladder as it stood before a rung was declared; its answers are on record, so nothing is asked."""
    here = tmp_path / "support_hard"
    shutil.copytree(ROOT / "examples/support_hard", here, ignore=shutil.ignore_patterns("*.log", "__pycache__"))
    shutil.copytree(ROOT / "examples/model/checkpoint", tmp_path / "model/checkpoint")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (here / "escalation.jsonl").unlink()
    text = (here / "ladder.toml").read_text(encoding="utf-8")
    (here / "ladder.toml").write_text(text[: text.index(f"[rungs.{below}]")], encoding="utf-8")

    ran = ladder_run("--ladder-record=new", "support_hard", cwd=tmp_path)

    assert f"next declare [rungs.{next_}]: most failures are of kind {failures}" in " ".join(ran.stdout.split())


@pytest.mark.parametrize("ladder", ["support", "support_hard", "house_style", "plugin"])
def test_no_rung_of_the_examples_was_tried_out_of_turn(ladder: str):
    told = ladder_run(f"examples/{ladder}").stdout

    for mode in ("naive RAG first", "advanced retrieval first", "wrong lever", "prompts for facts"):
        assert mode not in told


def test_the_readme_of_the_hard_questions_has_the_figures_of_the_log():
    folder = ROOT / "examples/support_hard"
    page = (folder / "README.md").read_text(encoding="utf-8")
    log = [json.loads(line) for line in (folder / "escalation.jsonl").read_text(encoding="utf-8").splitlines()]

    last = {entry["rung"]: entry for entry in log if entry["kind"] == "rung"}
    assert list(last) == ["prompt", "few_shot", "rag", "advanced_rag", "decompose"]
    for entry in last.values():
        slices = [entry["scores"]["answer"][name]["mean"] for name in ("plain", "paraphrased", "two-step", "unknown")]
        means = (*slices, entry["scores"]["found"]["all"]["mean"])
        figures = ["-" if mean is None else f"{mean:.2f}" if mean else "0" for mean in means]
        row = next(line for line in page.splitlines() if line.startswith(f"| `{entry['rung']}`"))
        assert row.split(" | ", 1)[1] == " | ".join(figures) + " |"


def test_the_ablations_are_a_ladder_that_pytest_collects(tmp_path: Path):
    found = ablations.settings(None)
    ablations.ladder(tmp_path, 1, found, None)

    ran = ladder_run("--collect-only", "-q", cwd=tmp_path)

    assert ran.returncode == 0, ran.stdout
    assert len(found) >= 12
    for setting in found:
        assert f"test_ablations[{setting.id}]" in ran.stdout


def test_house_style_has_no_lever_and_waits_for_a_diagnosis():
    ran = ladder_run("--ladder-fine-tune", "examples/house_style")

    assert ran.returncode == 1
    assert "fine-tuning refused: diagnosis\n" in ran.stdout


def test_the_plugin_serves_its_ladder_and_refuses_by_its_own_rule():
    ran = ladder_run("--ladder-fine-tune", "examples/plugin")

    assert ran.returncode == 1
    assert "acme.examples: 40 training examples are declared, we ask for 100" in " ".join(ran.stdout.split())
    assert "met: rag already meets the target" in ran.stdout


def test_the_plugin_works_as_an_installed_one_would(tmp_path: Path):
    """Found by name, as an entry point names it, and not by a conftest file."""
    folder = ROOT / "examples" / "plugin"
    declared = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    (module,) = declared["project"]["entry-points"]["pytest11"].values()
    for name in ("support", "plugin"):
        shutil.copytree(
            ROOT / "examples" / name, tmp_path / name, ignore=shutil.ignore_patterns("conftest.py", "*.py[co]")
        )
    (tmp_path / "model").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / f"{module}.py").write_bytes((folder / f"{module}.py").read_bytes())
    command = [sys.executable, "-m", "pytest", "--ladder", "--ladder-record=none", "plugin"]

    without = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    loaded = subprocess.run([*command, "-p", module], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")

    assert (without.returncode, loaded.returncode) == (4, 0), without.stdout + loaded.stdout
    assert "there is no scorer of this name" in without.stdout or "acme.unit" in without.stdout


def test_the_evidence_verifies():
    command = [sys.executable, "-m", "pytest_ladder", "verify", "--conftest", "examples"]  # one of them has a plugin
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert ran.returncode == 0, ran.stderr
    assert "selected: rag" in ran.stdout


@pytest.mark.parametrize("ladder", ["support", "support_hard", "house_style"])
def test_no_text_of_an_article_stands_in_the_recordings(ladder: str):
    """Answers cite and quote values; prompts and articles themselves are not kept."""
    folder = ROOT / "examples" / ladder
    recorded = "".join(path.read_text(encoding="utf-8") for path in folder.glob("recordings/*/*.jsonl"))

    assert "Articles: The" not in recorded


def compared(*arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest_ladder", "compare", *arguments], cwd=ROOT, capture_output=True, text=True,
        encoding="utf-8", env=os.environ | {"COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return " ".join(ran.stdout.split())


def test_retrieval_is_better_than_prompting_in_support():
    told = compared("prompt", "rag", "examples/support")

    assert "all better 240 0.250 0.979 +0.729 [+0.67, +0.78]" in told
    assert "unknown too few pairs: no conclusion 60 1.000 0.967 -0.033 [-0.10, +0.02]" in told
    assert "lost 2 unknown-182, unknown-195" in told


def slices_of(before: str, after: str) -> dict[str, dict]:
    told = subprocess.run(
        [sys.executable, "-m", "pytest_ladder", "compare", before, after, "examples/support_hard", "--json"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(told.stdout)["metrics"]["answer"]["slices"]


def test_rewriting_is_better_than_retrieval_on_paraphrased_questions():
    found = slices_of("rag", "advanced_rag")

    assert found["paraphrased"]["verdict"] == "better"
    assert found["paraphrased"]["low"] > 0.7
    assert "worse" not in {one["verdict"] for one in found.values()}


@pytest.mark.parametrize("single", ["prompt", "few_shot", "rag", "advanced_rag"])
def test_steps_are_better_than_each_single_call_on_two_step_questions(single: str):
    found = slices_of(single, "decompose")

    assert found["two-step"]["verdict"] == "better"
    assert found["two-step"]["low"] > 0.9
    assert "worse" not in {one["verdict"] for one in found.values()}


def test_steps_bring_no_more_than_retrieval_in_house_style():
    told = compared("rag", "decompose", "examples/house_style", "--cases=0")

    assert "all no difference shown 200 0.455 0.460 +0.005 [-0.03, +0.04]" in told
