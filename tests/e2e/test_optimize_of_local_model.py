"""A search on the example's real model: the house style is a task of form, and demonstrations are what it lacks."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from examples.house_style import make_data

from pytest_ladder.core.searched import Searched
from pytest_ladder.store.corpus import comparable
from pytest_ladder.store.prompt_file import read_prompt

pytestmark = [
    pytest.mark.real_model,
    pytest.mark.slow,
    pytest.mark.skipif(not (find_spec("torch") and find_spec("transformers")), reason="needs the extra `local`"),
]

EXAMPLES = Path(__file__).parents[2] / "examples"
LADDER = """\
schema = 1
name = "house-style"
evalset = "cases.jsonl"
dev = "dev.jsonl"
model = "local:checkpoint"
model_options = { temperature = 0.0, max_tokens = 24, threads = 1 }
seed = 17

[metrics.note]
scorer = "exact_match"
[metrics.layout]
scorer = "regex"
options = { mode = "full", pattern = "# [a-z]+ / [A-Z][a-z]+ [a-z]+ / (desk|team|line|log) !" }

[thresholds]
note = { all = 0.95 }
layout = { all = 0.95 }

[rungs.few_shot]
prompt = "prompts/note_v1.md"
examples = "notes.jsonl"
k = 2
[rungs.optimize]
prompt = "prompts/note_v1.md"
instructions = ["prompts/note_v2.md"]
examples = "notes.jsonl"
demos = 8
candidates = 12
max_calls = 170
"""
CASES, DEV, NOTES = 32, 24, 40


def write(folder: Path, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's messages and notes, in an order that nobody chose, and a dev set made by another seed."""
    root = tmp_path_factory.mktemp("house")
    folder = root / "evals"
    folder.mkdir()
    (root / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    ours, others = make_data.build(), make_data.build(seed=1)
    cases, notes = list(ours["cases.jsonl"]), list(ours["notes.jsonl"])
    known = {comparable(row["input"]) for row in (*cases, *notes)}
    write(folder, "cases.jsonl", cases[:CASES])
    write(folder, "notes.jsonl", notes[100 : 100 + NOTES])
    write(folder, "dev.jsonl", [row for row in others["cases.jsonl"] if comparable(row["input"]) not in known][:DEV])
    (folder / "ladder.toml").write_text(LADDER, encoding="utf-8")
    (folder / "test_house.py").write_text(
        "import pytest\n\n\n@pytest.mark.ladder\ndef test_house(rung):\n    rung.check()\n", encoding="utf-8"
    )
    shutil.copytree(EXAMPLES / "model/checkpoint", folder / "checkpoint")
    shutil.copytree(EXAMPLES / "house_style/prompts", folder / "prompts")
    return root


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "--ladder", "-p", "no:randomly", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=root, text=True, encoding="utf-8", capture_output=True, timeout=300, check=False)


def found(root: Path) -> tuple[Path, Searched]:
    (path,) = (root / "evals/optimized/optimize").glob("*.md")
    told = read_prompt(path).searched
    assert told is not None
    return path, told


@pytest.fixture(scope="module")
def climbed(folder: Path) -> tuple[Path, str]:
    """The folder after its first climb, and what that printed."""
    return folder, run(folder, "--ladder-report=report.json").stdout


def test_the_search_finds_demonstrations_that_do_better_than_the_first_two_examples(climbed: tuple[Path, str]):
    folder, printed = climbed
    path, told = found(folder)
    assert told.start.mean == 0.0
    assert told.found.low > 0.4  # the layout alone is worth half
    assert told.demonstrations >= 1
    assert told.used.calls <= 170
    assert re.search(r"(?m)^# [a-z]+ / [A-Z][a-z]+ [a-z]+ / (desk|team|line|log) !$", path.read_text(encoding="utf-8"))

    rungs = json.loads((folder / "report.json").read_text(encoding="utf-8"))["ladders"][0]["rungs"]
    scores = {rung["id"]: {m: s["all"]["mean"] for m, s in rung["entry"]["scores"].items()} for rung in rungs}
    assert scores["optimize"]["layout"] >= 0.85, printed
    assert sum(scores["optimize"].values()) > sum(scores["few_shot"].values()) + 0.05


def test_the_same_search_comes_to_the_same_prompt_and_a_second_run_asks_nothing(climbed: tuple[Path, str]):
    folder, _ = climbed
    path, _ = found(folder)
    before = path.read_bytes()
    calls = (folder / "evals/recordings/optimize/calls.jsonl").read_bytes()
    path.unlink()
    run(folder)
    assert found(folder)[0].read_bytes() == before
    assert (folder / "evals/recordings/optimize/calls.jsonl").read_bytes() == calls
    assert "log out of date" not in run(folder, "--ladder-record=none").stdout
