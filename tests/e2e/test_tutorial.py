"""The tutorial, done as it says."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-ladder.md"
LADDER = Path("evals/capitals")


def files(page: str) -> Iterator[tuple[str, str]]:
    """The files that the page shows: a line that begins with a path, then a block."""
    return ((path, body) for path, body in re.findall(r"(?ms)^`([^`\n]+)`[^\n]*:\n\n```\w+\n(.*?)^```", page))


def commands(page: str) -> list[list[str]]:
    """The runs of pytest that the page asks for, without the word itself."""
    return [shlex.split(line)[1:] for line in re.findall(r"(?m)^\$ (pytest .*)$", page)]


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    written = dict(files(PAGE.read_text(encoding="utf-8")))
    assert len(written) == 7
    for name, body in written.items():
        path = pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    pytester.makeini("[pytest]\n")
    return pytester


def test_it_goes_as_the_page_says(project: pytest.Pytester):
    climb, again, request = commands(PAGE.read_text(encoding="utf-8"))

    first = project.runpytest_subprocess(*climb)
    assert first.ret == 0
    first.stdout.fnmatch_lines(["*1 short, 1 selected*"])
    log = (project.path / LADDER / "escalation.jsonl").read_bytes()
    decision = next(entry for line in log.splitlines() if (entry := json.loads(line))["kind"] == "decision")
    assert decision["selected"] == "rag"
    recordings = (project.path / LADDER / "recordings").glob("*/*.jsonl")
    assert {path.parent.name for path in recordings} == {"prompt", "rag"}

    second = project.runpytest_subprocess(*again)
    assert second.ret == 0
    assert (project.path / LADDER / "escalation.jsonl").read_bytes() == log

    refused = project.runpytest_subprocess(*request)
    assert refused.ret == 1
    refused.stdout.fnmatch_lines(["*met: rag already meets the target*"])
