"""The example's real model, asked again: unchanged weights give the recorded answers to the letter."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_model,
    pytest.mark.skipif(not (find_spec("torch") and find_spec("transformers")), reason="needs the extra `local`"),
]

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_unchanged_weights_give_the_recorded_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CI", raising=False)
    for name in ("support", "model"):
        shutil.copytree(EXAMPLES / name, tmp_path / name)
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    log = (tmp_path / "support/escalation.jsonl").read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--ladder", "--ladder-drift=60", "--ladder-report=report.json", "support"],
        cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["ladders"][0]["drift"]

    assert (found["rung"], found["finding"]) == ("rag", "no_difference")
    assert (found["answers"], found["texts_differ"]) == (60, 0)
    assert (tmp_path / "support/escalation.jsonl").read_bytes() == log
