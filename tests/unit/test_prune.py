"""What prune removes, and what it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ladder.core.canonical import digest, short
from pytest_ladder.core.entries import DecisionEntry, RungEntry, Verdict
from pytest_ladder.core.rungs import Kind
from pytest_ladder.store.judge_calls import judge_path
from pytest_ladder.store.prune import prune
from tests.builders import ladder

LOGGED, CURRENT, OLD, FOREIGN = (digest(name) for name in ("logged", "current", "old", "foreign"))


def entry(fingerprint: str, ladder_name: str = "support") -> RungEntry:
    return RungEntry(ladder_name, "rag", Kind.RAG, "e", "c", fingerprint, "a", 1, 1, {}, Verdict.MET)


LOG = [entry(LOGGED), entry(FOREIGN, "other"), DecisionEntry("support", None, (), "", "")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = [f"recordings/rag/{short(one)}.jsonl" for one in (LOGGED, CURRENT, OLD, FOREIGN)]
    names += [
        f"recordings/gone/{short(OLD)}.jsonl",
        f"recordings/rag/{short(OLD)}.pending",
        "recordings/rag/calls.jsonl",
    ]
    names += [f"scores/rag/{short(OLD)}.jsonl", f"scores/rag/{short(LOGGED)}.jsonl", "recordings/rag/notes.txt"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


GOES = {
    f"recordings/rag/{short(OLD)}.jsonl", f"recordings/rag/{short(FOREIGN)}.jsonl",
    f"recordings/gone/{short(OLD)}.jsonl", f"scores/rag/{short(OLD)}.jsonl",
}  # fmt: skip


def test_versions_that_nothing_rests_on_go(folder: Path):
    before = files(folder)

    found = prune(folder, LOG, ladder(), {"rag": CURRENT}, dry_run=False, judges={})

    assert {path.relative_to(folder).as_posix() for path in found} == GOES
    assert files(folder) == before - GOES - {f"recordings/rag/{short(OLD)}.pending"}
    assert not (folder / "recordings/gone").exists()


def test_a_dry_run_removes_nothing(folder: Path):
    before = files(folder)

    assert len(prune(folder, LOG, ladder(), {"rag": CURRENT}, dry_run=True, judges={})) == len(GOES)
    assert files(folder) == before


def test_nothing_to_remove(tmp_path: Path):
    assert prune(tmp_path, [], ladder(), {}, dry_run=False, judges={}) == []


def test_what_earlier_judges_said_goes_and_what_todays_said_stays(tmp_path: Path):
    old, new = (judge_path(tmp_path, "quality", f"sha256:{digit * 64}") for digit in "ab")
    for path in (old, new, judge_path(tmp_path, "gone", f"sha256:{'a' * 64}")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")

    removed = prune(tmp_path, [], ladder(), {}, dry_run=False, judges={"quality": f"sha256:{'b' * 64}"})

    assert [path.parent.name for path in removed] == ["gone", "quality"]
    assert (new.exists(), old.exists()) == (True, False)
    assert not (tmp_path / "recordings" / "_judges" / "gone").exists()
