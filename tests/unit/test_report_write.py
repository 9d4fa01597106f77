"""Reports as files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ladder.errors import InvalidRequest
from pytest_ladder.report.markdown import render_markdown
from pytest_ladder.report.write import check_extension, write_report
from tests.summaries import run


def test_the_extension_says_which_report(tmp_path: Path):
    write_report(tmp_path / "a.MD", run())
    write_report(tmp_path / "a.json", run())

    assert (tmp_path / "a.MD").read_text(encoding="utf-8") == render_markdown(run())
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["kind"] == "report"


def test_folders_are_made_and_nothing_else_is_left_in_them(tmp_path: Path):
    write_report(tmp_path / "deep" / "er" / "a.md", run())

    assert [path.name for path in (tmp_path / "deep" / "er").iterdir()] == ["a.md"]


def test_an_older_report_is_replaced(tmp_path: Path):
    path = tmp_path / "a.md"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o600)

    write_report(path, run())

    assert "## Ladder support" in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o777 == 0o600


def test_lines_end_in_lf(tmp_path: Path):
    write_report(tmp_path / "a.md", run())

    assert b"\r" not in (tmp_path / "a.md").read_bytes()


@pytest.mark.parametrize("name", ["a.htm", "a.txt", "a", ".json"])
def test_another_extension_is_refused_with_the_known_ones(name: str, tmp_path: Path):
    with pytest.raises(InvalidRequest, match=r"unknown extension.*one of \.html, \.json, \.md"):
        check_extension(Path(name))
    with pytest.raises(InvalidRequest):
        write_report(tmp_path / name, run())
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path):
    (tmp_path / "file").touch()

    with pytest.raises(InvalidRequest, match=r"--ladder-report=.*a\.md: it cannot be written"):
        write_report(tmp_path / "file" / "a.md", run())


def test_a_failed_replacement_leaves_the_old_report_and_no_rest(tmp_path: Path):
    (tmp_path / "a.md").mkdir()

    with pytest.raises(InvalidRequest):
        write_report(tmp_path / "a.md", run())
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]
