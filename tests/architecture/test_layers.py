"""The direction of the imports, as pyproject.toml declares it."""

from __future__ import annotations

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


def test_no_module_imports_upwards_or_sideways():
    done = lint(ROOT, "no_cache=True, no_logo=True")

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contract_notices_an_arrow_that_runs_upwards(tmp_path: Path):
    package = tmp_path / "src" / "pytest_ladder"
    for layer in ("plugin", "cli", "session", "rungs", "engine", "backends", "store", "report", "core"):
        (package / layer).mkdir(parents=True)
        (package / layer / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "errors.py").touch()
    (package / "core" / "wrong.py").write_text("from pytest_ladder.store import nothing\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())

    done = lint(tmp_path, "no_cache=True, no_logo=True")

    assert done.returncode == 1
    assert "pytest_ladder.core.wrong -> pytest_ladder.store" in done.stdout
