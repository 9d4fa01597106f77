"""The page of the scorers tells of each of them, and of each option with its default and its choices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case
from pytest_ladder.core.scorers import SCORERS, apply, build_scorer
from pytest_ladder.core.scorers.grounding import PHRASES
from pytest_ladder.core.scores import Scored, Unscored

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "scorers.md"
TYPES = {
    "bool": "bool",
    "str": "text",
    "str | None": "text",
    "float": "number from 0",
    "float | None": "number from 0",
    "int": "whole number from 1",
    "int | None": "whole number from 1",
    "tuple[str, ...]": "list of texts",
    "Mapping[str, Json]": "table, or text",
}
NEEDED: Mapping[str, Mapping[str, Any]] = {
    "label": {"labels": ["yes"]},
    "json_schema": {"schema": {}},
    "style": {"forbid": ["x"]},
}


def sections() -> dict[str, str]:
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"(?ms)^## `(\w+)`\n(.*?)(?=^## |\Z)", text))


def rows(scorer: str) -> dict[str, tuple[str, str]]:
    """Option -> type and default, as the page has them."""
    lines = re.findall(r"(?m)^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", sections()[scorer])
    return {option: (kind, default.strip("`")) for option, kind, default in lines}


def options(scorer: str) -> dict[str, Field[Any]]:
    return {field.name: field for field in fields(SCORERS[scorer].args[1])}


def default_of(option: Field[Any]) -> str:
    if option.default is MISSING:
        return "needed"
    if option.default == ():
        return "none"
    if option.default == PHRASES:
        return "English ones"
    words = {True: "true", False: "false", None: "none"}
    return (
        words[option.default]
        if option.default in (None, True, False) and option.type not in ("float", "int")
        else str(option.default)
    )


def test_every_scorer_has_a_section_and_no_section_lacks_a_scorer():
    assert set(sections()) == set(SCORERS)


def test_every_scorer_is_in_the_table_at_the_top():
    top = PAGE.read_text(encoding="utf-8").partition("\n## ")[0]

    assert re.findall(r"(?m)^\| \[`(\w+)`\]", top) == list(SCORERS)


@pytest.mark.parametrize("scorer", SCORERS)
def test_every_option_of_a_scorer_is_on_the_page_with_its_type_and_default(scorer: str):
    told = rows(scorer)

    assert set(told) == set(options(scorer))
    for name, option in options(scorer).items():
        choices = option.metadata.get("choices")
        kind = ", ".join(f"`{choice}`" for choice in choices) if choices else TYPES[str(option.type)]
        assert (name, *told[name]) == (name, kind, default_of(option))


def test_the_phrases_of_an_abstention_are_on_the_page():
    told = " ".join(sections()["abstention"].split())

    assert [phrase for phrase in PHRASES if f'"{phrase}"' not in told] == []


@pytest.mark.parametrize("scorer", SCORERS)
def test_who_needs_an_expected_value_is_told_in_the_table_at_the_top(scorer: str):
    told = dict(re.findall(r"(?m)^\| \[`(\w+)`\]\S+ \| [^|]+ \| ([^|]+) \|", PAGE.read_text(encoding="utf-8")))
    outcome = apply(build_scorer(scorer, NEEDED.get(scorer, {})), Scored(Case("a", "question"), Answer("yes")))

    assert isinstance(outcome, Unscored) is (told[scorer] != "no")
