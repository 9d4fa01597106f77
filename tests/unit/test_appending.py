"""Lines put at the end of a file, all at once or one by one to a file that stays open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_ladder.store import appending
from pytest_ladder.store.appending import Appender, append_lines

ONE, TWO, THREE = b'{"a":1}', b'{"b":2}', b'{"c":3}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evals/a.jsonl"


def written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_appending_makes_folders_and_keeps_what_is_there(path: Path):
    append_lines(path, [b'{"a":1}'])
    append_lines(path, [b'{"b":1}', b'{"c":1}'])

    assert path.read_bytes() == b'{"a":1}\n{"b":1}\n{"c":1}\n'


@pytest.mark.parametrize(
    ("tail", "kept"),
    [(b'{"b":1}', b'{"b":1}\n'), (b'{"b":', b""), (b'{"b":"' + b"x" * 200_000, b""), (b"junk", b"junk\n")],
)
def test_appending_ends_a_whole_last_line_and_removes_one_that_was_cut(path: Path, tail: bytes, kept: bytes):
    written(path, b'{"a":1}\n' + tail)

    append_lines(path, [b'{"c":1}'])

    assert path.read_bytes() == b'{"a":1}\n' + kept + b'{"c":1}\n'


def test_a_write_that_falls_short_is_continued(path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: whole(fd, bytes(data[:3])))

    append_lines(path, [b'{"a":"some text"}'])

    assert path.read_bytes() == b'{"a":"some text"}\n'


def test_lines_that_come_together_are_one_write(path: Path, monkeypatch: pytest.MonkeyPatch):
    whole, sizes = os.write, []
    monkeypatch.setattr(os, "write", lambda fd, data: sizes.append(len(data)) or whole(fd, data))

    append_lines(path, [b'{"a":"' + b"x" * 100_000 + b'"}', b"{}"])

    assert sizes == [100_012]
    assert path.read_bytes().count(b"\n") == 2


# --- a file that stays open -------------------------------------------------------------------------------------------


@pytest.fixture
def file(path: Path) -> Appender:
    """A file with one line of ours."""
    made = Appender(path)
    made.append(ONE)
    return made


def test_each_line_is_there_at_once_and_the_file_is_opened_once(file: Appender, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "open", None)
    for line in (TWO, THREE):
        file.append(line)
        assert file.path.read_bytes().endswith(line + b"\n")

    assert file.path.read_bytes() == b"\n".join([ONE, TWO, THREE, b""])


@pytest.mark.parametrize(("other", "kept"), [(TWO + b"\n", TWO + b"\n"), (TWO, TWO + b"\n"), (b'{"b":', b"")])
def test_what_another_writer_leaves_between_two_lines_is_kept_if_it_is_whole(file: Appender, other: bytes, kept: bytes):
    with file.path.open("ab") as others:
        others.write(other)

    file.append(THREE)
    file.append(ONE)

    assert file.path.read_bytes() == ONE + b"\n" + kept + THREE + b"\n" + ONE + b"\n"


def test_of_lines_that_could_not_be_written_together_the_whole_ones_stay(
    file: Appender, monkeypatch: pytest.MonkeyPatch
):
    def full(fd: int, data: bytes) -> None:
        os.write(fd, data[: len(TWO) + 4])
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(appending, "write_whole", full)
        with pytest.raises(OSError, match="no space left"):
            file.append(TWO, THREE)

    file.append(ONE)
    assert file.path.read_bytes() == b"\n".join([ONE, TWO, ONE, b""])


def test_no_line_makes_no_file(path: Path):
    Appender(path).append()

    assert not path.exists()


def test_a_line_that_could_not_be_written_whole_is_taken_back_by_the_next(
    file: Appender, monkeypatch: pytest.MonkeyPatch
):
    def full(fd: int, data: bytes) -> None:
        os.write(fd, data[:4])
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(appending, "write_whole", full)
        with pytest.raises(OSError, match="no space left"):
            file.append(TWO)

    file.append(THREE)
    assert file.path.read_bytes() == ONE + b"\n" + THREE + b"\n"


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed there")
def test_a_file_that_was_removed_or_replaced_meanwhile_is_not_written_to(file: Appender):
    file.path.unlink()
    file.append(TWO)
    assert file.path.read_bytes() == TWO + b"\n"

    other = written(file.path.with_name("b.jsonl"), ONE + b"\n")
    other.replace(file.path)
    file.append(THREE)
    assert file.path.read_bytes() == ONE + b"\n" + THREE + b"\n"


def test_a_closed_file_is_opened_by_the_next_line(file: Appender):
    file.close()
    file.close()
    file.append(TWO)

    assert file.path.read_bytes() == ONE + b"\n" + TWO + b"\n"


def test_two_may_have_the_same_file_open(file: Appender):
    other = Appender(file.path)
    for line in (TWO, THREE):
        other.append(line)
        file.append(ONE)

    assert file.path.read_bytes().split(b"\n") == [ONE, TWO, ONE, THREE, ONE, b""]
