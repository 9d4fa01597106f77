"""A ladder against a git ref, in every report."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from pytest_ladder.core.base_summary import BaseSummary, Flips
from pytest_ladder.core.pairing import Pairs, compare_family
from pytest_ladder.core.policy import Change, Direction
from pytest_ladder.report.json_report import render_json, report_json_schema
from pytest_ladder.report.markdown import render_markdown
from pytest_ladder.report.terminal import render_terminal
from tests.summaries import run

IDS = [f"c{n:02}" for n in range(40)]
SLICES = {"all": IDS, "odd": IDS[1::2], "few": IDS[:3]}


def pairs(before: int, after: int) -> Pairs:
    """So many of forty cases right, from the first on."""
    scores = [{id_: float(n < right) for n, id_ in enumerate(IDS)} for right in (before, after)]
    return Pairs(*scores, SLICES)


def flips() -> tuple[Flips, ...]:
    told = {
        ("prompt", "prompt", "answer"): pairs(30, 10), ("rag", "rag", "answer"): pairs(10, 30),
        ("few_shot", "few_shot", "answer"): pairs(20, 20), ("prompt", "rag", "note"): pairs(22, 20),
    }  # fmt: skip
    found = compare_family(told)
    return tuple(Flips(*key, one) for key, comparison in found.items() for one in comparison.slices.values())


BASE = BaseSummary(
    "main", "0123456789abcdef" * 2 + "01234567", 0.95, flips(),
    (Change("threshold answer[all] lowered from 0.9 to 0.8", Direction.LAXER), Change("rung x added", Direction.OTHER)),
    rewritten="1 entry that stood at main (0123456789) is gone or changed: 0123abcd",
    notes=("it stood at old/ladder.toml",),
)  # fmt: skip


def rendered(base: BaseSummary, width: int = 120, unicode: bool = True) -> str:
    return render_terminal(run(base=base), width=width, color=False, unicode=unicode, verbose=0)


def test_the_terminal_tells_the_worst_first():
    text = rendered(BASE)
    labels = [line[4:17].strip() for line in text.partition("compared with")[2].splitlines()[1:] if line[4:5].strip()]

    assert labels == [
        "altered", "regression", "regression", "better", "better", "unchanged", "no conclusion", "laxer", "other",
        "note",
    ]  # fmt: skip
    assert "regression     prompt answer[all]: 0.750 to 0.250, -0.500 [" in text
    assert "lost: c10, c11, c12, c13, c14, c15, c16, c17, c18, c19 and 10 more" in text
    assert "unchanged      few_shot (40 cases shared)" in text
    assert "no conclusion  prompt -> rag: note[all] -0.050 [" in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_longer_than_the_screen(width: int):
    assert max(map(len, rendered(BASE, width).splitlines())) <= width


def test_it_can_be_told_in_ascii():
    assert rendered(BASE, unicode=False).isascii()


def test_a_loss_within_min_effect_is_no_regression():
    found = compare_family({"": pairs(30, 10)}, min_effect=0.6)[""]
    base = replace(BASE, flips=tuple(Flips("prompt", "prompt", "answer", one) for one in found.slices.values()))

    assert base.regressions == ()
    assert rendered(base, 160).count("; within min_effect") == 2


def test_nothing_changed_is_told():
    assert "same  nothing changed" in rendered(BaseSummary("main", "0" * 40))
    assert "nothing changed" in render_markdown(run(base=BaseSummary("main", "0" * 40)))


def test_markdown_tells_the_same():
    text = render_markdown(run(base=BASE))

    assert "**Compared with main (0123456789); in brackets one-sided bounds at 95 %**" in text
    assert r"- regression: prompt answer\[all\]: 0.750 to 0.250, -0.500" in text
    assert r"- laxer: threshold answer\[all\] lowered from 0.9 to 0.8" in text


def test_json_has_every_comparison_and_fits_its_schema():
    report = json.loads(render_json(run(base=BASE)))
    Draft202012Validator(report_json_schema()).validate(report)
    base = report["ladders"][0]["base"]

    assert len(base["comparisons"]) == len(BASE.flips) == 12
    assert base["comparisons"][0]["regression"] is True
    assert base["policy"][0]["direction"] == "laxer"
    assert report["gone"] == []


def test_a_ladder_that_is_gone_is_in_every_report():
    summary = replace(run(), ladders=(), gone=("a/ladder.toml: the ladder a stood at main and is gone",))

    assert "the ladder a stood at main" in render_terminal(summary, width=80, color=False, unicode=True, verbose=0)
    assert "the ladder a stood at main" in render_markdown(summary)
    assert json.loads(render_json(summary))["gone"] == [*summary.gone]
