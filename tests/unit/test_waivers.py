"""Signed exceptions."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pytest_ladder.core.ladder import Waiver
from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.waivers import read_waivers

ONE = """\
[[waiver]]
ladder = "support"
kind = "fixed_format"
reason = "a fixed wire format"
approved_by = "ann"
expires = 2027-03-31
"""


def read(tmp_path: Path, text: str) -> tuple[Waiver, ...]:
    (tmp_path / "waivers.toml").write_text(text, encoding="utf-8")
    return read_waivers(tmp_path / "waivers.toml", tmp_path)


def test_waivers_are_read_and_their_kind_is_left_to_the_gate(tmp_path: Path):
    found = read(tmp_path, ONE + ONE.replace("fixed_format", "because"))

    assert found[0] == Waiver("support", "fixed_format", "a fixed wire format", "ann", date(2027, 3, 31))
    assert found[1].kind == "because"


@pytest.mark.parametrize("text", ["", "# none\n"])
def test_no_waivers(tmp_path: Path, text: str):
    assert read(tmp_path, text) == ()
    assert read_waivers(tmp_path / "other.toml", tmp_path) == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "fault"),
    [
        ('reason = "a fixed wire format"', 'reason = ""', 10, "reason: the text is empty"),
        ("expires = 2027-03-31", 'expires = "2027-03-31"', 12, "expires: .*expected date"),
        ("expires = 2027-03-31", "expires = 2027-03-31T00:00:00", 12, "expires: .*expected date"),
        ("expires = 2027-03-31", "expire = 2027-03-31", 12, "expire: unknown key.*'expires'"),
        ('approved_by = "ann"', "", 7, "approved_by: the key is missing"),
    ],
)
def test_a_bad_waiver_is_named_by_line(tmp_path: Path, old: str, new: str, line: int, fault: str):
    with pytest.raises(InvalidFile, match=rf"waivers\.toml:{line}: \[waiver\] {fault}"):
        read(tmp_path, ONE + ONE.replace(old, new))


def test_another_table_is_an_error(tmp_path: Path):
    with pytest.raises(InvalidFile, match=r"waivers\.toml:1: .*unknown key, got 'waivers'.*'waiver'"):
        read(tmp_path, ONE.replace("[[waiver]]", "[[waivers]]"))
