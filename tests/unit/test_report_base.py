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


def written(base: BaseSummary) -> tuple[list[list[str]], list[str], str]:
    """The rows of the table in a comment, the lines below it, and what is folded up."""
    text = render_markdown(run(base=base)).partition("**Compared with")[2].partition("**Warnings**")[0]
    seen, _, folded = text.partition("<details>")
    rows = [line.strip("| ").split(" | ") for line in seen.splitlines() if line.startswith("|")]
    return rows, [line for line in seen.splitlines() if line.startswith("- ")], folded


def test_a_comment_has_a_table_of_what_moved_the_worst_first():
    rows, _, folded = written(BASE)

    assert "**Compared with main (0123456789); in brackets one-sided bounds at 95 %**" in render_markdown(
        run(base=BASE)
    )
    assert rows[0] == ["rung", "metric", "slice", "before", "after", "difference", "cases", "verdict"]
    assert [(*row[:5], row[6], row[7]) for row in rows[2:]] == [
        ("prompt", "answer", "all", "0.750", "0.250", "20 lost, 0 won of 40", "**regression, p &lt;0.001**"),
        ("prompt", "answer", "odd", "0.750", "0.250", "10 lost, 0 won of 20", "**regression, p 0.003**"),
        ("rag", "answer", "all", "0.250", "0.750", "0 lost, 20 won of 40", "better, p &lt;0.001"),
        ("rag", "answer", "odd", "0.250", "0.750", "0 lost, 10 won of 20", "better, p 0.003"),
        ("prompt -> rag", "note", "all", "0.550", "0.500", "2 lost, 0 won of 40", "no conclusion"),
        ("prompt -> rag", "note", "odd", "0.550", "0.500", "1 lost, 0 won of 20", "no conclusion"),
    ]  # fmt: skip
    assert rows[2][5].startswith(r"-0.500 \[")
    assert folded == ""


def test_a_comment_counts_what_did_not_change_and_names_lost_cases_once():
    _, lines, _ = written(BASE)

    assert lines == [
        "- altered: 1 entry that stood at main (0123456789) is gone or changed: 0123abcd",
        r"- prompt answer\[all\] lost: c10, c11, c12, c13, c14, c15, c16, c17, c18, c19 and 10 more",
        r"- unchanged: few\_shot (40 cases shared)", "- no case changed in 3 further comparisons",
        r"- laxer: threshold answer\[all\] lowered from 0.9 to 0.8", "- other: rung x added",
        "- note: it stood at old/ladder.toml",
    ]  # fmt: skip


def test_a_comment_folds_up_what_is_more_than_a_screenful():
    slices = {"all": IDS, **{f"s{n:02}": IDS[n:] for n in range(30)}}
    found = compare_family({"": replace(pairs(30, 10), slices=slices)})[""].slices.values()

    rows, _, folded = written(replace(BASE, flips=tuple(Flips("prompt", "prompt", "answer", one) for one in found)))

    assert len(rows) == 2 + 15
    assert "<summary>16 further comparisons</summary>" in folded
    assert folded.count("| prompt | answer |") == 16
    assert "lost:" not in folded, "the cases are named above"


def test_a_comment_tells_of_a_slice_without_a_pair_of_scores():
    none = compare_family({"": Pairs({}, {}, {"all": ()})})[""].slices["all"]

    rows, lines, _ = written(BaseSummary("main", "0" * 40, flips=(Flips("rag", "rag", "answer", none),)))

    assert rows[2][3:] == ["-", "-", "-", "0 lost, 0 won of 0", "no pair of scores"]
    assert lines == [], "nothing was compared: neither changed nor unchanged"


def test_a_rung_in_which_nothing_was_compared_is_not_told_as_unchanged():
    none = compare_family({"": Pairs({}, {}, {"all": ()})})[""].slices["all"]

    text = rendered(BaseSummary("main", "0" * 40, flips=(Flips("rag", "rag", "answer", none),)))

    assert "rag: answer[all] without a pair of scores" in text
    assert "unchanged" not in text


def test_an_unchanged_rung_has_no_row_for_its_slices_without_a_pair_of_scores():
    slices = {**SLICES, **{f"none{n}": ("elsewhere",) for n in range(20)}}
    told = {"same": replace(pairs(20, 20), slices=slices), "rag": pairs(20, 19)}
    found = compare_family(told).items()

    rows, lines, folded = written(
        replace(BASE, flips=tuple(Flips(id_, id_, "answer", one) for id_, of in found for one in of.slices.values()))
    )

    assert [row[0] for row in rows[2:]] == ["rag", "rag"]
    assert "- unchanged: same (40 cases shared)" in lines
    assert folded == ""


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
