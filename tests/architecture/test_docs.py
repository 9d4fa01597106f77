"""The pages say what the code does: every option, key and code is told of, and no page leads nowhere."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytest_ladder.core.entries import Verdict
from pytest_ladder.core.gate import WAIVES, Code
from pytest_ladder.core.summary import State
from pytest_ladder.store.schema import TABLES, LadderFile
from pytest_ladder.store.schema_rungs import RUNG_TABLES

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "changelog.d/*.md", "benchmarks/*.md", "examples/**/*.md")
    for page in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|Users|opt|work|usr|tmp|var)/\w|[A-Z]:\\\w")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def terms(page: Path) -> set[str]:
    """Everything that a page shows as code, in the text or in a block."""
    text = page.read_text(encoding="utf-8")
    return set(re.findall(r"`([^`\n]+)`", text)) | set(re.findall(r"(?m)^\s*\[?([\w.]+)\]?(?=\s*=|\s*$)", text))


@cache
def help_text() -> str:
    command = [sys.executable, "-m", "pytest", "--help", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True)
    return done.stdout


def options() -> set[str]:
    return set(re.findall(r"(?m)^\s+(--ladder[\w-]*)", help_text()))


def ini_names() -> set[str]:
    return set(re.findall(r"(?m)^\s+(ladder_\w+) \(", help_text()))


def test_every_option_of_the_help_is_on_its_page():
    told = {re.split(r"[=\s]", term)[0] for term in terms(REFERENCE / "options.md")}

    assert options() > {"--ladder", "--ladder-record"}
    assert options() - told == set()


def test_the_page_tells_of_no_option_that_is_not_there():
    headings = re.findall(r"(?m)^#+ `(--ladder[\w-]*)", (REFERENCE / "options.md").read_text(encoding="utf-8"))

    assert headings
    assert set(headings) - options() == set()


def test_every_ini_name_is_on_the_page_of_options():
    assert ini_names() >= {"ladder_record"}
    assert ini_names() - terms(REFERENCE / "options.md") == set()


def test_every_command_has_a_heading_and_no_heading_lacks_a_command():
    text = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest_ladder", "--help"], capture_output=True, text=True, encoding="utf-8", check=True
    )

    commands = set(re.findall(r"(?m)^    (\w+) ", done.stdout))
    assert "verify" in commands
    assert set(re.findall(r"(?m)^## `ladder (\w+)", text)) == commands


@pytest.mark.parametrize("table", [LadderFile, *TABLES.values(), *RUNG_TABLES.values()], ids=lambda t: t.__name__)
def test_every_key_of_a_table_is_on_its_page(table: Any):
    page = REFERENCE / ("files.md" if table is TABLES["waiver"] else "ladder-toml.md")
    told = {part for term in terms(page) for part in re.findall(r"\w+", term)}

    assert set(table.keys()) - told == set()


@pytest.mark.parametrize("kind", [Code, State, Verdict], ids=lambda kind: kind.__name__)
def test_every_word_of_an_outcome_is_told_of(kind: type[Code] | type[State] | type[Verdict]):
    assert {str(word) for word in kind} - terms(REFERENCE / "outcomes.md") == set()


def test_every_kind_of_waiver_is_told_of():
    assert set(WAIVES) - terms(REFERENCE / "files.md") == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_to_a_file_leads_to_one(page: Path):
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_path_of_one_machine(page: Path):
    assert MACHINE_PATH.findall(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_toml_block_can_be_read(page: Path):
    for block in re.findall(r"(?ms)^```toml\n(.*?)^```", page.read_text(encoding="utf-8")):
        tomllib.loads(block)


def test_every_page_of_the_docs_is_reached_from_the_index():
    index = ROOT / "docs" / "README.md"
    reached, todo = {index}, [index]
    while todo:
        page = todo.pop()
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / link).resolve()
            if target.suffix == ".md" and target.exists() and target not in reached:
                reached.add(target)
                todo.append(target)

    assert {name_of(page) for page in (ROOT / "docs").rglob("*.md")} - {name_of(page) for page in reached} == set()
