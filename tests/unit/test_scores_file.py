"""Scores without texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ladder.core.answers import Answer, Call, Record, Reply, Usage
from pytest_ladder.core.canonical import digest
from pytest_ladder.core.scores import Outcome, Score, Unscored
from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.guard import guard_local, guard_shared
from pytest_ladder.store.scores_file import (
    ScoredAnswer,
    answer_digest,
    local_key,
    read_scores,
    scores_path,
    scores_versions,
    write_scores,
)

FINGERPRINT = digest("version")
KEY = b"k" * 32


def row(case: str = "c1", text: str = "a private answer", repeat: int = 0) -> tuple[Record, dict[str, Outcome]]:
    call = Call("r", "m", Reply("private too", "m-1", "stop", 10, 2, 0.5, 0.2))
    record = Record(case, f"in {case}", repeat, FINGERPRINT, Answer(text), (call,), 0.25)
    return record, {"b": Unscored("private reason"), "a": Score(2 / 3, "private note")}


def write(folder: Path, *rows: tuple[Record, dict[str, Outcome]], key: bytes = KEY) -> Path:
    return write_scores(folder, "rag", FINGERPRINT, rows, key)


def read(folder: Path) -> tuple[ScoredAnswer, ...]:
    return read_scores(folder, "rag", FINGERPRINT, folder)


def test_scores_and_costs_are_read_back(tmp_path: Path):
    write(tmp_path, row())

    found = read(tmp_path)[0]

    assert (found.case, found.input_digest, found.repeat) == ("c1", "in c1", 0)
    assert found.outcomes == {"a": Score(0.666667), "b": Unscored("not scored when it was answered")}
    assert (found.latency_s, found.usage, found.model_returned) == (0.25, Usage(1, 10, 2, 0.5), ("m-1",))
    assert found.answer == answer_digest(row()[0].answer, KEY)


def test_no_text_is_written(tmp_path: Path):
    assert "private" not in write(tmp_path, row()).read_text(encoding="utf-8")


def test_the_digest_of_an_answer_depends_on_the_key():
    assert answer_digest(Answer("x"), KEY) != answer_digest(Answer("x"), b"j" * 32) != answer_digest(Answer("y"), KEY)


def test_the_file_does_not_depend_on_the_order_of_the_rows(tmp_path: Path):
    before = write(tmp_path, row("c1"), row("c2", repeat=1), row("c2")).read_bytes()

    assert write(tmp_path, row("c2"), row("c1"), row("c2", repeat=1)).read_bytes() == before


def test_the_lines_of_another_set_of_cases_stay_and_no_others(tmp_path: Path):
    path = write(tmp_path, row("c1"), row("c2"), row("c3"))
    path.write_bytes(path.read_bytes() + b"no line\n")

    write_scores(tmp_path, "rag", FINGERPRINT, [row("c1", "new")], KEY, keep={"in c1", "in c2"})

    found = {scored.case: scored.answer for scored in read(tmp_path)}
    assert found == {"c1": answer_digest(Answer("new"), KEY), "c2": answer_digest(Answer("a private answer"), KEY)}


def test_equal_scores_leave_the_file_untouched(tmp_path: Path):
    path = write(tmp_path, row())
    before = path.stat()

    write(tmp_path, row())

    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_scores_are_replaced_whole(tmp_path: Path):
    write(tmp_path, row("c1"), row("c2"))
    write(tmp_path, row("c2"))

    assert [one.case for one in read(tmp_path)] == ["c2"]


def test_no_file_is_no_score(tmp_path: Path):
    assert read(tmp_path) == ()


def test_versions_are_listed(tmp_path: Path):
    write(tmp_path, row())

    assert scores_versions(tmp_path) == [("rag", FINGERPRINT[7:19])]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"score": 1.5}, "wrong 'score', got 1.5"),
        ({"score": True}, "wrong 'score'"),
        ({"score": None}, "wrong 'score'"),
        ({"unscored": True}, "wrong 'score'"),
        ({"schema": 2}, "wrong line"),
        ({"case": "c9"}, "a score that belongs to no answer"),
        ({"answer": "hmac-sha256:0"}, "a score that belongs to no answer"),
        ({"text": "x"}, "unknown key, got 'text'"),
    ],
)
def test_a_bad_score_is_named_by_line(tmp_path: Path, change: dict[str, object], fault: str):
    path = write(tmp_path, row())
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lines[1].update(change)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    with pytest.raises(InvalidFile, match=rf"^scores/rag/{FINGERPRINT[7:19]}\.jsonl:2: {fault}"):
        read(tmp_path)


@pytest.mark.parametrize("change", [{"usage": 1}, {"usage": {"calls": 1}}, {"latency_s": "x"}, {"model_returned": [1]}])
def test_a_bad_answer_line_is_named(tmp_path: Path, change: dict[str, object]):
    path = write(tmp_path, row())
    first, *rest = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(json.dumps({**json.loads(first), **change}) + "\n" + "".join(rest), encoding="utf-8")

    with pytest.raises(InvalidFile, match=r":1: "):
        read(tmp_path)


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path):
    key = local_key(tmp_path)

    assert len(key) == 32
    assert local_key(tmp_path) == key
    assert (tmp_path / "recordings/.key").stat().st_mode & 0o077 == 0
    assert local_key(tmp_path / "other") != key


@pytest.mark.parametrize("content", ["", "xyz", "00"])
def test_a_file_that_holds_no_key_is_an_error(tmp_path: Path, content: str):
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings/.key").write_text(content, encoding="utf-8")

    with pytest.raises(InvalidFile, match=r"recordings/\.key: the file holds no key"):
        local_key(tmp_path)


def test_local_recordings_are_kept_out_of_git(tmp_path: Path):
    guard_local(tmp_path)
    guard_shared(tmp_path)
    guard_local(tmp_path)

    assert (tmp_path / "recordings/.gitignore").read_text(encoding="utf-8") == "*\n"


def test_scores_of_the_same_file_that_is_not_there_have_a_path(tmp_path: Path):
    assert scores_path(tmp_path, "rag", FINGERPRINT) == scores_path(tmp_path, "rag", FINGERPRINT[7:19])
