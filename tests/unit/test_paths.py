"""Where files may lie, and how texts are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.paths import inside, read_text, relative


def test_a_path_is_relative_to_the_folder_and_may_rise_within_the_rootdir(tmp_path: Path):
    assert inside(tmp_path, tmp_path / "evals/a", "../kb.jsonl", "x") == tmp_path / "evals/kb.jsonl"


@pytest.mark.parametrize("written", ["../../kb.jsonl", "/etc/hosts", "C:\\kb.jsonl", "\\\\host\\kb", "", " ", "a\0b"])
def test_a_path_that_leaves_the_rootdir_or_is_none_is_refused(tmp_path: Path, written: str):
    with pytest.raises(InvalidFile, match=r"^here: "):
        inside(tmp_path / "root", tmp_path / "root/evals", written, "here")


def test_a_link_that_leaves_the_rootdir_is_refused(tmp_path: Path):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("x", encoding="utf-8")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")

    with pytest.raises(InvalidFile, match="leaves the rootdir"):
        inside(root, root, "link.txt", "here")


def test_a_rootdir_that_is_a_link_keeps_its_name(tmp_path: Path):
    (tmp_path / "real/evals").mkdir(parents=True)
    (tmp_path / "root").symlink_to(tmp_path / "real")

    found = inside(tmp_path / "root", tmp_path / "root/evals", "kb.jsonl", "here")

    assert found == tmp_path / "root/evals/kb.jsonl"
    assert relative(tmp_path / "real/evals/kb.jsonl", tmp_path / "root") == "evals/kb.jsonl"


def test_a_text_is_read_with_lf_and_without_a_byte_order_mark(tmp_path: Path):
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbfa\r\n\xc3\xa9\rb\n")

    assert read_text(tmp_path / "a.md", "a.md") == "a\né\nb\n"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, ": the file is missing"),
        (b"", ": the file is empty"),
        (b" \n", ": the file is empty"),
        (b"a\0b", ": the file is binary"),
        (b"a\nb\xff", ":2: not UTF-8"),
    ],
)
def test_what_is_no_text_is_refused_by_name(tmp_path: Path, content: bytes | None, fault: str):
    if content is not None:
        (tmp_path / "a.md").write_bytes(content)

    with pytest.raises(InvalidFile, match=rf"^evals/a\.md{fault}"):
        read_text(tmp_path / "a.md", "evals/a.md")


def test_a_folder_is_no_text(tmp_path: Path):
    with pytest.raises(InvalidFile, match="folder"):
        read_text(tmp_path, "evals")


def test_an_empty_text_may_be_allowed(tmp_path: Path):
    (tmp_path / "a.md").touch()

    assert read_text(tmp_path / "a.md", "a.md", empty_ok=True) == ""


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("case.jsonl", "Did you mean 'cases.jsonl'"),
        ("dev.jsonl", "Create dev.jsonl"),
        ("case.toml", "Create case.toml"),
        ("suport/ladder.toml", "Did you mean 'support/ladder.toml'"),
        ("gone/away/ladder.toml", "Create ladder.toml"),
    ],
)
def test_a_missing_file_is_told_with_the_nearest_one_beside_it(tmp_path: Path, missing: str, told: str):
    for name in ("cases.jsonl", "kb.jsonl", "recordings/case.jsonl", ".case.jsonl", "support/ladder.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}", encoding="utf-8")

    with pytest.raises(InvalidFile, match=rf"^{missing}: the file is missing\. {told}"):
        read_text(tmp_path / missing, missing)
