"""Links among a ladder's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.links import check_links


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project" / "evals" / "support"
    made.mkdir(parents=True)
    return made


def link(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.mkdir() if "." not in target.name else target.write_text("")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def check(folder: Path) -> None:
    check_links(folder, folder.parents[1])


def test_plain_files_are_right(folder: Path):
    for name in ("waivers.toml", "escalation.jsonl", "labels.jsonl"):
        (folder / name).write_text("")

    check(folder)


@pytest.mark.parametrize(
    "name", ["escalation.jsonl", "labels.jsonl", "recordings", "recordings/rag", "scores/rag", "optimized/x"]
)
def test_evidence_may_be_a_link_inside_the_rootdir_but_not_out_of_it(folder: Path, name: str):
    link(folder / name, folder.parents[1] / "elsewhere" / Path(name).name)
    check(folder)
    (folder / name).unlink()

    link(folder / name, folder.parents[2] / "outside" / Path(name).name)
    with pytest.raises(InvalidFile, match=rf"^evals/support/{name}: this symbolic link leaves the rootdir"):
        check(folder)


def test_one_file_of_recordings_may_not_lead_out_either(folder: Path):
    link(folder / "recordings" / "rag" / "abc.jsonl", folder.parents[2] / "outside" / "abc.jsonl")

    with pytest.raises(InvalidFile, match=r"recordings/rag/abc\.jsonl: this symbolic link"):
        check(folder)


def test_waivers_are_a_file_of_their_own(folder: Path):
    link(folder / "waivers.toml", folder.parents[1] / "ours.toml")

    with pytest.raises(InvalidFile, match=r"^evals/support/waivers\.toml: this is a symbolic link"):
        check(folder)


def test_a_rootdir_that_is_a_link_itself_is_right(folder: Path, tmp_path: Path):
    (folder / "labels.jsonl").symlink_to(folder / "mine.jsonl")
    (tmp_path / "way").symlink_to(folder.parents[1])

    check_links(tmp_path / "way" / "evals" / "support", tmp_path / "way")
