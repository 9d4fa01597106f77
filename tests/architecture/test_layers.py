"""The direction of the imports, as pyproject.toml declares it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("importlinter", reason="import-linter comes with the extra `dev`")

ROOT = Path(__file__).parents[2]
RUN = "import sys; from importlinter.cli import lint_imports; sys.path.insert(0, 'src'); sys.exit(lint_imports({}))"


def lint(folder: Path, arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN.format(arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its contracts, to be spoiled."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_no_module_imports_upwards_or_sideways():
    done = lint(ROOT, "no_cache=True, no_logo=True")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("core.wrong", "store.schema"),
        ("rungs.wrong", "rungs.prompt"),
        ("rungs.retrieval.wrong", "rungs.tools.agent"),
        ("session.setup.wrong", "session.measuring.results"),
    ],
)
def test_the_contracts_notice_an_arrow_that_runs_upwards(copy: Path, module: str, imported: str):
    wrong = copy / "src" / "pytest_ladder" / f"{module.replace('.', '/')}.py"
    wrong.write_text(f"from pytest_ladder.{imported} import nothing\n", encoding="utf-8")

    done = lint(copy, "no_cache=True, no_logo=True")

    assert done.returncode == 1
    assert module in done.stdout


def test_the_contracts_notice_a_circle_that_is_for_typing_alone(copy: Path):
    core = copy / "src" / "pytest_ladder" / "core"
    core.joinpath("one.py").write_text("from pytest_ladder.core.other import Other\n", encoding="utf-8")
    core.joinpath("other.py").write_text(
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from pytest_ladder.core.one import One\n",
        encoding="utf-8",
    )

    done = lint(copy, "no_cache=True, no_logo=True")

    assert done.returncode == 1
    assert "No cycles are allowed in pytest_ladder.core" in done.stdout
