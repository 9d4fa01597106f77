"""Which corpora look like records: real prose, real records, and the examples' own."""

from __future__ import annotations

import json
from importlib.metadata import distributions
from pathlib import Path
from pydoc_data import topics

import pytest

from pytest_ladder.backends.splitter import chunk
from pytest_ladder.core.ports import Document
from pytest_ladder.core.structure import STRUCTURED, form_of, structure

ROOT = Path(__file__).parents[2]
CORPORA = sorted(ROOT.glob("examples/*/kb.jsonl"))
PAGES = [page.read_text(encoding="utf-8") for page in sorted(ROOT.glob("docs/**/*.md"))]


def pieces(texts: list[str], size: int) -> list[str]:
    return [part.text for part in chunk([Document(str(n), text) for n, text in enumerate(texts)], size, 0)]


@pytest.mark.parametrize("path", CORPORA, ids=lambda path: path.parent.name)
def test_the_facts_of_the_examples_are_prose(path: Path):
    texts = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]

    assert structure(texts).share == 0.0


@pytest.mark.parametrize("size", [200, 500, 100_000])
def test_pages_on_software_are_prose_though_they_hold_tables_and_code(size: int):
    for texts in (PAGES, list(topics.topics.values())):
        found = structure(pieces(texts, size))
        assert found.share < 0.05
        assert not found.structured


def test_the_headers_of_installed_packages_are_records():
    heads = [str(one.read_text("METADATA") or "").partition("\n\n")[0] for one in distributions()]
    heads = [head for head in heads if head.count("\n") > 2]

    found = structure(heads)

    assert len(heads) > 20
    assert (found.share > 0.9, found.form) == (True, "key: value lines")


@pytest.mark.parametrize("example", sorted(ROOT.glob("examples/*/cases.jsonl")), ids=lambda path: path.parent.name)
def test_lines_of_json_are_records(example: Path):
    assert structure(example.read_text(encoding="utf-8").splitlines()).share == 1.0


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('{"order": 7}', "JSON"),
        ("[1, 2]", "JSON"),
        ("[KB-1] The warranty is two years", ""),
        ("{{ input }} is put here", ""),
        ("order: 7\nstate: sent\ndays: 3\ncustomer: Ada L.", "key: value lines"),
        ("- order = 7\n- state = sent", "key: value lines"),
        ("Depends: a, b,\n c, d,\n e\nPriority: low\nSize: 3", "key: value lines"),
        ("order: 7", ""),
        ("Q: How long does a delivery take?\nA: Two to four days, as the carrier says.", ""),
        ("Note: read this first.\nIt tells how the oven is cleaned.\nWarning: it is hot.", ""),
        ("id,name,price\n7,lamp,12.50\n8,oven,99.00", "table rows"),
        ("| id | name | price |\n|---|---|---|\n| 7 | lamp | 12.50 |", "table rows"),
        ("7\tlamp\tsent", "table rows"),
        ("7;lamp;sent;2026-01-03", "table rows"),
        ("red, green, blue and black are the colours", ""),
        ("The lamp, which is red, is new.\nThe oven, which is old, is black.", ""),
        ("12.5 13 14.25 2026-01-03", "numbers"),
        ("The price of the Velvet vacuum is 24 euros [KB-1382]", ""),
        ("", ""),
        ("  \n ", ""),
    ],
)
def test_the_form_of_a_document(text: str, form: str):
    assert form_of(text) == form


def test_a_corpus_is_structured_from_half_of_its_documents():
    record, prose = '{"order": 7}', "An order is sent within a day."

    assert structure([record, prose]).structured
    assert not structure([record, prose, prose]).structured
    assert not structure([]).structured
    assert STRUCTURED == 0.5
