"""The page on reading an answer shows what is printed, and names steps that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import pytest_ladder.cli.main as command
from pytest_ladder.report.trace import SHAPES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "how-to" / "read-an-answer.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "reference" / "ladder-toml.md").read_text(encoding="utf-8")
HYBRIDS = (ROOT / "docs" / "how-to" / "hybrids.md").read_text(encoding="utf-8")
PRINTED = re.findall(r"(?ms)^```console\n\$ (ladder show .+?)\n```\n\n```text\n(.+?)^```", TEXT)


@pytest.mark.parametrize(("typed", "printed"), PRINTED, ids=[typed for typed, _ in PRINTED])
def test_the_page_shows_what_is_printed(
    typed: str, printed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")

    status = command.main(shlex.split(typed)[1:])

    assert status == 0
    assert capsys.readouterr().out == printed


def test_the_page_shows_a_failure_and_what_mends_it():
    assert [": fails, " in printed for _, printed in PRINTED] == [True, False]


def test_every_kind_of_step_that_has_a_form_of_its_own_is_in_the_reference():
    told = {
        kind
        for text in (REFERENCE, HYBRIDS)
        for row in re.findall(r"(?m)^\| ((?:`\w+`(?:, )?)+) \|", text)
        for kind in re.findall(r"`(\w+)`", row)
    }

    assert set(SHAPES) - told == set()
