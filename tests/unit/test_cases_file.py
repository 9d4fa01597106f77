"""The eval set on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.cases_file import read_cases


def read(tmp_path: Path, *lines: object):
    path = tmp_path / "cases.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return read_cases(path, tmp_path)


def test_every_part_of_a_case_is_read(tmp_path: Path):
    whole = {
        "id": "c1", "input": {"question": "é?"}, "expected": ["x"], "slices": ["hard"], "evidence": ["d1"],
        "steps": [{"input": "a", "expected": "b"}], "tools": [{"name": "find", "arguments": {}}], "metadata": {"m": 1},
    }  # fmt: skip

    found = read(tmp_path, whole, {"id": "c2", "input": "two"})

    assert found[0].as_dict() == whole
    assert [(case.id, case.line) for case in found] == [("c1", 1), ("c2", 2)]
    assert found.name == "cases.jsonl"


BAD = {
    "missing id": ({"input": "x"}, "the key 'id' is missing"),
    "missing input": ({"id": "x"}, "the key 'input' is missing"),
    "unknown key": ({"id": "x", "input": "x", "expect": 1}, "unknown key, got 'expect'.*Did you mean 'expected'"),
    "id": ({"id": 7, "input": "x"}, "wrong 'id', got 7; expected a non-empty string"),
    "empty id": ({"id": " ", "input": "x"}, "wrong 'id'"),
    "input": ({"id": "x", "input": ["x"]}, "wrong 'input'"),
    "empty input": ({"id": "x", "input": ""}, "wrong 'input'"),
    "slices": ({"id": "x", "input": "x", "slices": "hard"}, "wrong 'slices'.*a list of non-empty strings"),
    "reserved": ({"id": "x", "input": "x", "slices": ["all"]}, "'all' is reserved"),
    "evidence": ({"id": "x", "input": "x", "evidence": [1]}, "wrong 'evidence'"),
    "steps": ({"id": "x", "input": "x", "steps": [{"input": "x"}]}, "wrong item in 'steps'"),
    "tools": ({"id": "x", "input": "x", "tools": {}}, "wrong 'tools'"),
    "metadata": ({"id": "x", "input": "x", "metadata": []}, "wrong 'metadata'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_case_is_named_by_line(tmp_path: Path, name: str):
    line, fault = BAD[name]

    with pytest.raises(InvalidFile, match=rf"^cases\.jsonl:2: .*{fault}"):
        read(tmp_path, {"id": "ok", "input": "x"}, line)


def test_an_id_used_twice_names_both_lines(tmp_path: Path):
    with pytest.raises(InvalidFile, match=r"^cases\.jsonl:2: the id is taken by line 1, got 'c1'"):
        read(tmp_path, {"id": "c1", "input": "x"}, {"id": "c1", "input": "y"})


def test_an_empty_file_is_an_error(tmp_path: Path):
    with pytest.raises(InvalidFile, match=r"^cases\.jsonl: no cases"):
        read(tmp_path)
