"""The README's own ladder, done as it says."""

from __future__ import annotations

import re
import shlex
import sys

import pytest

from tests.e2e import tutorial


def commands() -> list[list[str]]:
    """The runs of pytest that the page asks for after its files, without the word itself."""
    page = tutorial.README.read_text(encoding="utf-8").partition("test_faq.py")[2]
    return [shlex.split(line)[1:] for line in re.findall(r"(?m)^\$ (pytest .*)$", page)]


def test_it_goes_as_the_readme_says(pytester: pytest.Pytester):
    folder = tutorial.write(pytester, tutorial.README)
    climb, again, request = commands()

    pytester.runpytest_subprocess(*climb).stdout.fnmatch_lines(["*1 short, 1 selected*"])
    log = (folder / "escalation.jsonl").read_bytes()
    assert pytester.runpytest_subprocess(*again).ret == 0
    assert pytester.run(sys.executable, "-m", "pytest_ladder", "verify").ret == 0
    assert (folder / "escalation.jsonl").read_bytes() == log
    refused = pytester.runpytest_subprocess(*request)
    assert refused.ret == 1
    refused.stdout.fnmatch_lines(["*met: rag already meets the target*"])


def test_the_contract_takes_ten_lines():
    assert len(tutorial.files(tutorial.README)["evals/faq/ladder.toml"].splitlines()) <= 10
