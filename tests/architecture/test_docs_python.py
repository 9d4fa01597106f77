"""The page on Python tells of every public name, and of every member of what users get and give."""

from __future__ import annotations

import re
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import pytest

import pytest_ladder
from pytest_ladder.core.answers import Answer, CaseError, Reply, Usage
from pytest_ladder.core.cases import Case, EvalSet, Question
from pytest_ladder.core.differences import Comparison, SliceComparison
from pytest_ladder.core.entries import Figure, Verdict
from pytest_ladder.core.evaluation import Evaluation
from pytest_ladder.core.results import CaseResult
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.scores import Score, Scored, Unscored
from pytest_ladder.core.thresholds import Check
from pytest_ladder.plugin import hooks
from pytest_ladder.plugin.handles import LadderHandle, LlmHandle, RungHandle

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "python.md"
TEXT = PAGE.read_text(encoding="utf-8")
INNER = {"result", "state", "conclude", "as_dict", "from_dict", "cases", "index", "count"}
"""What is the plugin's own affair."""
PLACES = [
    ("rung", RungHandle), ("Evaluation", Evaluation), ("Evaluation", Usage), ("Figure", Figure), ("Check", Check),
    ("CaseResult", CaseResult), ("CaseResult", CaseError), ("ladder", LadderHandle), ("evalset", EvalSet),
    ("evalset", Case), ("Systems", Question), ("Answer", Answer), ("llm", LlmHandle), ("Reply", Reply),
    ("Scorers", Score), ("Scorers", Unscored), ("Scorers", Scored), ("Comparison", Comparison),
    ("SliceComparison", SliceComparison),
]  # fmt: skip


def section(title: str) -> str:
    found = re.search(rf"(?ms)^##+ `?{title}`?\n(.*?)(?=^##|\Z)", TEXT)
    assert found is not None, title
    return found[1]


def members(kind: type[Any]) -> set[str]:
    named = {name for name in dir(kind) if not name.startswith("_")}
    return (named | set(getattr(kind, "__dataclass_fields__", ()))) - (INNER if kind is not Evaluation else set())


@pytest.mark.parametrize(("title", "kind"), PLACES, ids=[kind.__name__ for _, kind in PLACES])
def test_every_member_stands_in_its_section(title: str, kind: type[Any]):
    told = {word for code in re.findall(r"`([^`\n]+)`", section(title)) for word in re.findall(r"\w+", code)}

    assert members(kind)
    assert members(kind) - told == set()


@pytest.mark.parametrize(("title", "kind"), [("Answer", Answer), ("Reply", Reply)])
def test_the_defaults_of_what_users_make_are_told(title: str, kind: type[Any]):
    told = dict(re.findall(r"(?m)^\| `(\w+)` \| ([^|]+) \|", section(title)))

    assert told == {field.name: default(field) for field in fields(kind)}


def default(field: Field[Any]) -> str:
    if field.default is MISSING:
        return "needed"
    return f"`{field.default!r}`".replace("'", '"')


def test_every_public_name_is_told_of():
    assert set(pytest_ladder.__all__) - set(re.findall(r"\w+", TEXT)) == set()


def test_every_fixture_is_in_the_table():
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", section("Fixtures"))) == set(hooks.__all__)


@pytest.mark.parametrize("words", [Verdict, Kind])
def test_every_word_is_told_of(words: type[Verdict] | type[Kind]):
    assert {f"`{word}`" for word in words} - set(re.findall(r"`[^`\n]+`", TEXT)) == set()


def test_every_anchor_on_the_page_leads_to_a_heading():
    headings = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in re.findall(r"(?m)^#+ (.+)$", TEXT)}

    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) - headings == set()
