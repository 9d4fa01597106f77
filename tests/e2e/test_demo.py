"""`make demo`, from nothing, with the real model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.real_model
def test_every_step_of_the_demo_is_as_expected(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "demo.py")],
        cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("-> exit status") == done.stdout.count(", as expected; ") == 5
    assert "met: " in done.stdout
    assert "not_recorded: " in done.stdout
    assert list(tmp_path.iterdir()) == []
