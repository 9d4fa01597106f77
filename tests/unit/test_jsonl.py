"""JSON Lines: strict reading, replacing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.jsonl import each_line, read_lines, replace_file

BAD = {
    "syntax": (b'{"a": }', "not JSON"),
    "extra": (b'{"a":1} x', "not JSON: Extra data"),
    "nan": (b'{"a": NaN}', "NaN is not a JSON number"),
    "infinity": (b'{"a": -Infinity}', "-Infinity is not"),
    "overflow": (b'{"a": 1e999}', "too large"),
    "large": (b'{"a": 9007199254740993}', r"beyond 2\*\*53"),
    "twice": (b'{"a": {"b": 1, "b": 2}}', "the key 'b' stands twice"),
    "list": (b"[1]", r"not a JSON object, got \[1\]"),
    "surrogate": (b'{"a": "\\ud800"}', "surrogate"),
    "latin": (b'{"a": "\xe9"}', "not UTF-8"),
    "nul": (b'{"a": "\0"}', "binary"),
    "deep": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    "ours": (b"<<<<<<< HEAD", "conflict marker of git.*Keep both sides"),
    "theirs": (b">>>>>>> branch", "conflict marker"),
    "middle": (b"=======", "conflict marker"),
    "base": (b"||||||| base", "conflict marker"),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evals/a.jsonl"


def written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def values(path: Path, *, torn_ok: bool = True) -> list[object]:
    return [value for _, value in read_lines(path, path.parents[1], torn_ok=torn_ok)]


def test_a_line_can_be_had_before_the_next_one_is_looked_at(path: Path):
    lines = each_line(written(path, b'{"a":1}\n{"a":}\n'), path.parents[1], torn_ok=False)

    assert next(lines) == (1, {"a": 1})
    with pytest.raises(InvalidFile, match=r"a\.jsonl:2: not JSON: Expecting value at column 6"):
        next(lines)


@pytest.mark.parametrize("torn_ok", [True, False])
@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_is_named_by_path_and_line(path: Path, name: str, torn_ok: bool):
    line, fault = BAD[name]
    written(path, b'{"ok":1}\n\n' + line + b"\n")

    with pytest.raises(InvalidFile, match=rf"^evals/a\.jsonl:3: .*{fault}"):
        read_lines(path, path.parents[1], torn_ok=torn_ok)


def test_blank_lines_byte_order_marks_and_windows_line_ends_are_no_fault(path: Path):
    written(path, b'\xef\xbb\xbf{"a":1}\r\n\r\n  \r\n{"b":"\xe2\x80\xa8"}')

    assert read_lines(path, path.parents[1], torn_ok=False) == [(1, {"a": 1}), (4, {"b": "\u2028"})]


@pytest.mark.parametrize(
    "tail", [b'{"b', b'{"b":tr', b'{"b":-', b'{"b":1.', b'{"b":1e', b'{"b":"\xc3', b'{"b":"\\u1', b"\0\0"]
)
def test_a_last_line_that_was_cut_short_is_left_out_where_that_is_allowed(path: Path, tail: bytes):
    written(path, b'{"a":1}\n' + tail)

    assert values(path) == [{"a": 1}]
    with pytest.raises(InvalidFile, match=r":2: "):
        values(path, torn_ok=False)


@pytest.mark.parametrize(
    "tail", [b"x", b'{"b":1}x', b'{"b":1}t', b'{"b":1}-', b'{"b":x1', b'{"b":"\\x', b'{"b":NaN}', b'{"b":1}}']
)
def test_a_last_line_that_no_cut_explains_is_a_fault(path: Path, tail: bytes):
    written(path, b'{"a":1}\n' + tail)

    with pytest.raises(InvalidFile, match=r":2: "):
        values(path)


def test_a_cut_line_with_a_line_end_is_a_fault(path: Path):
    written(path, b'{"a":1}\n{"b"\n')

    with pytest.raises(InvalidFile, match=r":2: "):
        values(path)


def test_an_integer_that_only_a_float_writes_is_that_float(path: Path):
    written(path, b'{"a":9007199254740992,"b":-100000000000000000000,"c":9007199254740991}\n')

    assert values(path) == [{"a": 2.0**53, "b": -1e20, "c": 2**53 - 1}]


def test_a_missing_file_is_named(path: Path):
    with pytest.raises(InvalidFile, match=r"^evals/a\.jsonl: the file is missing"):
        values(path)


def test_replacing_keeps_the_mode_and_leaves_no_other_file(path: Path):
    written(path, b"old").chmod(0o640)

    replace_file(path, b"new")

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in path.parent.iterdir()] == ["a.jsonl"]


def test_replacing_follows_a_link(path: Path):
    written(path.with_name("real"), b"old")
    path.symlink_to("real")

    replace_file(path, b"new")

    assert path.is_symlink()
    assert path.with_name("real").read_bytes() == b"new"


def test_a_failed_replacement_leaves_the_old_content_alone(path: Path, monkeypatch: pytest.MonkeyPatch):
    written(path, b"old")

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")

    assert path.read_bytes() == b"old"
    assert len(list(path.parent.iterdir())) == 1
