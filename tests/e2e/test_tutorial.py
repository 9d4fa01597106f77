"""The tutorial, done as it says."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.e2e import tutorial


def commands() -> list[list[str]]:
    """The runs of pytest that the page asks for, without the word itself."""
    page = tutorial.PAGE.read_text(encoding="utf-8")
    return [shlex.split(line)[1:] for line in re.findall(r"(?m)^\$ (pytest .*)$", page)]


def test_it_goes_as_the_page_says(pytester: pytest.Pytester):
    assert len(tutorial.files()) == 7
    folder = tutorial.write(pytester)
    climb, again, request = commands()

    first = pytester.runpytest_subprocess(*climb)
    assert first.ret == 0
    first.stdout.fnmatch_lines(["*1 short, 1 selected*"])
    log = (folder / "escalation.jsonl").read_bytes()
    assert [entry.get("selected") for entry in tutorial.entries(folder) if entry["kind"] == "decision"] == ["rag"]
    assert {path.parent.name for path in (folder / "recordings").glob("*/*.jsonl")} == {"prompt", "rag"}

    second = pytester.runpytest_subprocess(*again)
    assert second.ret == 0
    assert (folder / "escalation.jsonl").read_bytes() == log

    refused = pytester.runpytest_subprocess(*request)
    assert refused.ret == 1
    refused.stdout.fnmatch_lines(["*met: rag already meets the target*"])
