"""The page on the output knows every letter and word, and what pages show is what is printed."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from pytest_ladder.plugin.outcomes import WORDS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "read-the-output.md"
SHOWN = ("README.md", "examples/support/README.md")


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return import_module("show")


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_every_letter_and_word_is_in_the_table():
    rows = re.findall(r"(?m)^\| (`.+?`) \| (`.+?`) \|", text(PAGE))
    told = {(letter.strip("`"), word) for letter, words in rows for word in re.findall(r"`([^`]+)`", words)}

    assert {(letter, category.upper()) for category, letter, _ in WORDS.values()} - told == set()
    assert {letter for _, letter, _ in WORDS.values()} <= {letter for letter, _ in told}


def test_the_letters_are_in_the_readme_too():
    letters = {letter for _, letter, _ in WORDS.values()} - {"."}

    assert letters - set(re.findall(r"`(\w)`", text(ROOT / "README.md"))) == set()


def test_what_the_page_shows_of_the_table_is_what_the_examples_print(show: ModuleType):
    printed = {line for name in SHOWN for line in show.timeless(text(ROOT / name))}
    blocks = re.findall(r"(?ms)^```text\n(.*?)^```", text(PAGE))
    tables = [block for block in blocks if block.startswith(("──", "  rung", "  worst"))]

    assert len(tables) == 3
    assert [line for block in tables for line in show.timeless(block) if line not in printed | {"...", ""}] == []


@pytest.mark.slow
@pytest.mark.real_model
def test_the_pages_show_what_the_support_ladder_prints(show: ModuleType, capsys: pytest.CaptureFixture[str]):
    assert show.main(["--check", "support"]) == 0, capsys.readouterr().out
