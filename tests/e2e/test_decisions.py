"""What the pages under docs/decisions hold dear, on the ladder of the tutorial."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import tutorial

TIMES = ("at", "id", "after", "latency", "environment", "rests_on")


@pytest.fixture
def folder(pytester: pytest.Pytester) -> Path:
    return tutorial.write(pytester)


def timeless(folder: Path) -> list[dict[str, Any]]:
    return [{key: value for key, value in entry.items() if key not in TIMES} for entry in tutorial.entries(folder)]


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("--ladder", *arguments, str(tutorial.LADDER))


def edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8", newline="\n")


def recording(folder: Path, rung: str) -> Path:
    (path,) = (folder / "recordings" / rung).glob("*.jsonl")
    return path


def break_model(folder: Path) -> None:
    """Make every call of the model fail, without a change to the rungs' fingerprints."""
    (folder / "conftest.py").write_text(
        "import pytest_ladder.backends.callable_model as m\n\n\n"
        "def fail(*_):\n    raise RuntimeError('the model was asked')\n\n\n"
        "m.CallableModel.complete = fail\n",
        encoding="utf-8",
    )


def test_with_workers_the_log_is_what_it_is_without(pytester: pytest.Pytester, folder: Path):
    assert run(pytester, "-p", "no:xdist").ret == 0
    alone = timeless(folder)
    (folder / "escalation.jsonl").unlink()

    assert run(pytester, "-n", "2").ret == 0

    assert timeless(folder) == alone
    assert [entry["kind"] for entry in alone] == ["rung", "rung", "decision"]


def test_a_moved_threshold_is_judged_on_recorded_answers(pytester: pytest.Pytester, folder: Path):
    assert run(pytester).ret == 0
    break_model(folder)
    edit(folder / "ladder.toml", lambda text: text.replace("all = 0.9", "all = 0.0"))

    assert run(pytester).ret == 0

    assert [e["selected"] for e in tutorial.entries(folder) if e["kind"] == "decision"] == ["rag", "prompt"]


def test_an_edited_answer_is_found(pytester: pytest.Pytester, folder: Path):
    assert run(pytester).ret == 0
    edit(recording(folder, "prompt"), lambda text: text.replace("I do not know.", "Paris"))

    result = run(pytester, "--ladder-record=none")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*prompt: altered*"])


def test_an_edited_figure_is_found(pytester: pytest.Pytester, folder: Path):
    assert run(pytester).ret == 0
    edit(folder / "escalation.jsonl", lambda text: text.replace('"mean":0,', '"mean":0.5,'))

    result = run(pytester, "--ladder-record=none")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*altered*"])


def test_a_missing_answer_is_named_and_not_asked_for(pytester: pytest.Pytester, folder: Path):
    assert run(pytester).ret == 0
    break_model(folder)
    path = recording(folder, "rag")
    edit(path, lambda text: "".join(line for line in text.splitlines(True) if '"case":"ke"' not in line))

    result = run(pytester, "--ladder-record=none")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*1 answer is not on record (ke)*"])
