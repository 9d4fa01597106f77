"""The page on attacks names tests that are there, says what they expect, and leaves none of them out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_ladder.core.gate import Code
from tests.fault import (
    test_attacks,
    test_attacks_around,
    test_attacks_base,
    test_attacks_judges,
    test_attacks_outside,
    test_attacks_told,
    test_attacks_tools,
    test_tampering,
)  # fmt: skip

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "attacks.md"

SUITES: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "Refused: files of the ladder": (test_attacks.FILES, test_attacks_around.AROUND),
    "Refused: how the run is made": (
        test_attacks.ARGUMENTS, test_attacks.ENVIRONMENTS, test_attacks.TESTS, test_attacks.HOOKS,
        test_attacks_around.AROUND,
    ),
    "Refused: recordings and log": (
        test_tampering.RECORDINGS, test_tampering.LOG, test_tampering.CONTRACT,
        test_attacks_base.HISTORY, test_attacks_base.RULES,
    ),
    "Refused: calls of tools": (test_attacks_tools.TOOLS_TOLD,),
    "Judges": (test_attacks_judges.JUDGES, test_attacks_judges.JUDGES_TOLD),
    "Recorded": (test_attacks_told.TOLD,),
    "Passed": (test_attacks_outside.OUTSIDE, test_attacks_judges.JUDGES_PASSED),
}  # fmt: skip
"""Section of the page -> where its attacks are tested."""
PARTLY = (test_attacks_base.RULES,)
"""Suites of which the page names examples."""


def rows(section: str) -> Iterator[tuple[str, str]]:
    """Attack and outcome, as a section of the page has them."""
    text = PAGE.read_text(encoding="utf-8").partition(f"## {section}\n")[2].partition("\n## ")[0]
    for line in re.findall(r"(?m)^\| (?!tried )(.+) \|$", text):
        tried, _, outcome = line.partition(" | ")
        for name in re.sub(r"\*\*.+?\*\* ", "", tried).split("; "):
            yield name, outcome


@pytest.mark.parametrize("section", SUITES)
def test_every_attack_of_the_page_has_a_test(section: str):
    known = {name for suite in SUITES[section] for name in suite}

    assert [name for name, _ in rows(section) if name not in known] == []


def test_every_attack_that_is_tested_is_on_the_page():
    for section, suites in SUITES.items():
        told = {name for name, _ in rows(section)}
        if test_attacks_around.AROUND in suites:
            told |= {name for other in SUITES for name, _ in rows(other)}
        whole = [suite for suite in suites if not any(suite is one for one in PARTLY)]
        assert {name for suite in whole for name in suite} - told == set(), section


def expected() -> Iterator[tuple[str, str, int, str]]:
    """Section, attack, exit status and text that its test asks for."""
    files, runs = list(SUITES)[:2]
    for name, (_, status, told) in test_attacks.FILES.items():
        yield files, name, status, told
    for suite in (test_attacks.ARGUMENTS, test_attacks.ENVIRONMENTS):
        for name, (_, status, told) in suite.items():
            yield runs, name, status, told
    for name, (_, _, status, told) in test_attacks_around.AROUND.items():
        yield files if name in dict(rows(files)) else runs, name, status, told


def test_the_page_says_the_code_and_the_exit_status_that_the_tests_ask_for():
    wrong = []
    for section, name, status, told in expected():
        outcome = dict(rows(section))[name]
        code = re.match(r"\w+(?=: )", told)
        if status in (2, 4, 5) and f"exit status {status}" not in outcome:
            wrong.append((name, outcome, status))
        elif status == 1 and ("exit status" in outcome or (code and code[0] in set(Code) and code[0] not in outcome)):
            wrong.append((name, outcome, told))
    assert wrong == []


def test_there_are_more_than_a_hundred():
    assert len({name for section in SUITES for name, _ in rows(section)}) > 150
