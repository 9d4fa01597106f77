"""Corpora and examples on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.ports import Document, Example
from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.corpus import read_documents, read_examples

EVALSET = EvalSet((Case("c1", "How long is  the Warranty?", line=3), Case("c2", {"question": "Where?"}, line=4)))


def written(tmp_path: Path, *lines: object) -> Path:
    path = tmp_path / "kb.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_documents_are_read_in_file_order(tmp_path: Path):
    lines = {"id": "b", "text": "é", "title": "T", "metadata": {"year": 1}}, {"id": "a", "text": "x"}

    found = read_documents(written(tmp_path, *lines), tmp_path)
    assert found == (Document("b", "é", "T", {"year": 1}), Document("a", "x"))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ({"id": "a", "text": "again"}, "the id is taken by line 1, got 'a'"),
        ({"id": "b"}, "the key 'text' is missing"),
        ({"id": "b", "text": " "}, "wrong 'text'"),
        ({"id": 1, "text": "x"}, "wrong 'id', got 1"),
        ({"id": "b", "text": "x", "title": 1}, "wrong 'title'"),
        ({"id": "b", "text": "x", "metadata": 1}, "wrong 'metadata'"),
        ({"id": "b", "text": "x", "titel": "x"}, "unknown key, got 'titel'.*'title'"),
    ],
)
def test_a_bad_document_is_named_by_line(tmp_path: Path, line: object, fault: str):
    with pytest.raises(InvalidFile, match=rf"^kb\.jsonl:2: {fault}"):
        read_documents(written(tmp_path, {"id": "a", "text": "x"}, line), tmp_path)


def test_an_empty_corpus_is_an_error(tmp_path: Path):
    with pytest.raises(InvalidFile, match=r"^kb\.jsonl: no documents"):
        read_documents(written(tmp_path), tmp_path)


def test_examples_are_read_in_file_order(tmp_path: Path):
    path = written(tmp_path, {"id": "e1", "input": "a", "expected": {"x": 1}}, {"input": {"q": "b"}, "expected": None})

    assert read_examples(path, tmp_path, EVALSET) == (Example("a", {"x": 1}), Example({"q": "b"}, None))


@pytest.mark.parametrize("asked", ["how long is the warranty?", " How long\nis the WARRANTY? "])
def test_an_example_that_is_a_case_is_an_error_that_names_both(tmp_path: Path, asked: str):
    path = written(tmp_path, {"id": "e1", "input": asked, "expected": "x"})

    with pytest.raises(InvalidFile, match=r"^kb\.jsonl:1: the example 'e1' is the case 'c1' \(cases\.jsonl:3\)"):
        read_examples(path, tmp_path, EVALSET)


def test_an_example_that_is_a_case_with_an_object_is_an_error_too(tmp_path: Path):
    path = written(tmp_path, {"input": {"question": "where? "}, "expected": "x"})

    with pytest.raises(InvalidFile, match="the example is the case 'c2'"):
        read_examples(path, tmp_path, EVALSET)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ({"input": "x"}, "the key 'expected'"),
        ({"input": [], "expected": 1}, "wrong 'input'"),
        ({"inptu": 1}, "'input'"),
    ],
)
def test_a_bad_example_is_named_by_line(tmp_path: Path, line: object, fault: str):
    with pytest.raises(InvalidFile, match=rf"^kb\.jsonl:1: .*{fault}"):
        read_examples(written(tmp_path, line), tmp_path, EVALSET)


def test_no_examples_is_an_error(tmp_path: Path):
    with pytest.raises(InvalidFile, match="no examples"):
        read_examples(written(tmp_path), tmp_path, EVALSET)
