"""The examples' committed evidence: what CI sees of it, without a model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def ladder_run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`pytest --ladder` on the committed files, read-only."""
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider", "--ladder",
               "--ladder-record=none", *arguments]  # fmt: skip
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", env=os.environ | {"COLUMNS": "100"}
    )


def test_retrieval_is_the_lever_of_support():
    ran = ladder_run("examples/support")

    assert ran.returncode == 0, ran.stdout
    assert "2 short, 1 selected, 1 not needed" in ran.stdout
    assert "rag is the lowest rung that meets every threshold" in ran.stdout


def test_a_request_for_fine_tuning_support_is_refused_with_met():
    ran = ladder_run("--ladder-fine-tune", "examples/support")

    assert ran.returncode == 1
    assert "met: rag already meets the target" in ran.stdout


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


@pytest.mark.parametrize("ladder", ["support", "house_style"])
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


def test_steps_bring_no_more_than_retrieval_in_house_style():
    told = compared("rag", "decompose", "examples/house_style", "--cases=0")

    assert "all no difference shown 200 0.455 0.460 +0.005 [-0.03, +0.04]" in told
