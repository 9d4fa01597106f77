"""The terminal's section, as a reader sees it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pytest_ladder.core.entries import Verdict
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.summary import RungRow, State
from pytest_ladder.report.figures import STATE_WORDS
from pytest_ladder.report.terminal import render_terminal
from tests.summaries import FEW_SHOT, LADDER, MISSES, PROMPT, RAG, REFUSALS, entry, figure, run

ANSI = re.compile(r"\x1b\[[\d;]*m")


def text(summary=None, *, width: int = 120, color: bool = False, unicode: bool = True, verbose: int = 0) -> str:
    return render_terminal(summary or run(), width=width, color=color, unicode=unicode, verbose=verbose)


def line_of(rendered: str, start: str) -> str:
    return next(line for line in rendered.splitlines() if line.strip().startswith(start))


def test_each_rung_stands_with_its_state_figures_and_usage_in_climbing_order():
    wide = text(width=200)
    rows = [line.split()[0] for line in wide.splitlines() if re.match(r"  (prompt|few_shot|rag|advanced_rag) ", line)]

    assert rows[:4] == ["prompt", "few_shot", "rag", "advanced_rag"]
    assert re.search(
        r"rag +selected +0\.963 ✓ \[0\.92, 1\.00\] +0\.911 ✓ .* \$0\.0021 ✓ +1\.30 s ✓ +218 +99\.4k +\$0\.4312 "
        r"+610 ms +1\.30 s +0\.973",
        wide,
    )


def test_the_header_names_metric_slice_and_threshold():
    assert re.search(
        r"answer +answer +note .*\n +all +policy-edge +all .*\n +rung +state +≥ 0\.90 +≥ 0\.80 +≥ 0\.99", text()
    )


def test_a_miss_is_never_shown_as_its_threshold():
    assert "0.9896 ✗" in text()


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("width", [60, 80, 100, 120, 160])
def test_nothing_is_wider_than_the_screen_and_no_figure_is_lost(width: int, unicode: bool):
    rendered = text(width=width, unicode=unicode)

    assert max(map(len, rendered.splitlines())) <= width
    for shown in ("0.612", "[0.37, 0.45]", "0.911", "$0.0021", "1.30 s", "99.4k", "$0.4312", "610 ms", "0.973"):
        assert shown in rendered


def test_at_80_columns_the_intervals_fold_and_usage_gets_its_own_table():
    lines = text(width=80).splitlines()
    rag = next(at for at, line in enumerate(lines) if line.startswith("  rag "))

    assert lines[rag].split() == ["rag", "selected", "0.963", "✓", "0.911", "✓", "1.000", "✓~"]
    assert lines[rag + 1].split("  ")[-1] == "[0.96, 1.00]"
    assert any(re.match(r"  rung .* calls +tokens +cost +p50 +p95", line) for line in lines)


def test_many_figures_are_spread_over_several_tables():
    names = [f"metric_{number}" for number in range(12)]
    scores = {name: {"all": figure(0.5 + number / 100)} for number, name in enumerate(names)}
    row = replace(RAG, entry=replace(RAG.entry, scores=scores))
    rendered = text(run(rows=(row,), thresholds={name: {"all": 0.4} for name in names}), width=80)

    assert max(map(len, rendered.splitlines())) <= 80
    assert all(name in rendered and f"0.{50 + at}0 ✓" in rendered for at, name in enumerate(names))


def test_a_long_rung_name_is_broken_never_cut():
    row = replace(RAG, id="r" * 100)

    assert text(run(rows=(row,), selected=None), width=80).count("r") >= 100


def test_ascii_is_ascii():
    assert text(unicode=False, verbose=1).isascii()
    assert "0.963 ok" in text(unicode=False)
    assert "0.612 no" in text(unicode=False)


@pytest.mark.parametrize(("state", "word"), STATE_WORDS.items())
def test_every_state_has_its_word(state: State, word: str):
    row = RungRow("x", Kind.PROMPT, state)

    assert re.search(rf"^  x +{word}$", text(run(rows=(row,), selected=None)), re.MULTILINE)


def test_a_row_from_the_log_is_marked_and_dimmed():
    colored = text(width=200, color=True)

    assert re.search(r"prompt +short \(log\)", text(width=200))
    assert "\x1b[2;33mshort" in colored
    assert "(log)" not in text(run(rows=(RAG,)))


@pytest.mark.parametrize(
    ("state", "code"), [(State.SELECTED, "1;32"), (State.SHORT, "33"), (State.ERROR, "31"), (State.NOT_NEEDED, "2")]
)
def test_a_state_has_its_colour(state: State, code: str):
    colored = text(run(rows=(replace(RAG, state=state),)), color=True)

    assert f"\x1b[{code}m{STATE_WORDS[state]}" in colored


def test_colour_changes_no_word():
    plain, colored = text(), ANSI.sub("", text(color=True))

    assert [line.rstrip() for line in colored.splitlines()] == plain.splitlines()


def test_without_colour_there_is_no_escape():
    assert "\x1b" not in text(verbose=2)


def test_the_decision_the_next_step_warnings_and_waivers_are_told():
    rendered = text()

    assert line_of(rendered, "decided") == "  decided  rag is the lowest rung that meets every threshold"
    assert line_of(rendered, "next") == "  next     ship rag"
    assert "evidence of prompt is 80 days old" in line_of(rendered, "warning")
    assert "approved by J. Doe" in line_of(rendered, "waiver")
    assert "advanced_rag  not needed: rag meets the target" in rendered
    assert "failures: facts 31, unknown 2" in rendered


def test_a_refusal_is_a_red_block_with_the_mend_below_each_reason():
    rendered = text(run(requested=True, refusals=REFUSALS))
    at = rendered.splitlines().index("  fine-tuning refused: 2 reasons")

    assert rendered.splitlines()[at + 1 : at + 3] == [
        "    met: rung rag already meets the target", "        → Use rag, or raise the thresholds",
    ]  # fmt: skip
    assert "checklist" in rendered
    assert "\x1b[1;31mfine-tuning refused" in text(run(requested=True, refusals=REFUSALS), color=True)


def test_reasons_without_a_request_are_no_refusal():
    rendered = text(run(refusals=REFUSALS))

    assert "fine-tuning is not justified yet: 2 reasons" in rendered
    assert "refused" not in rendered


def test_an_open_gate_is_one_green_line():
    assert "\x1b[1;32mfine-tuning allowed" in text(run(requested=True, allowed=True), color=True)
    assert "fine-tuning" not in text()


def test_worst_cases_are_told_only_when_asked_for():
    assert "worst cases of few_shot" not in text()
    rendered = text(verbose=1)
    assert "worst cases of few_shot" in rendered
    assert "c-017 answer 0.000" in rendered
    assert "c-023 answer unscored" in rendered
    assert "expected  until Tuesday" in rendered
    assert "the judge timed out" in rendered


def test_a_long_text_of_a_case_is_cut_to_one_line():
    miss = replace(MISSES[0], answer="word " * 200)
    rendered = text(run(rows=(replace(FEW_SHOT, misses=(miss,)),)), verbose=1, width=80)

    assert line_of(rendered, "answer    word").endswith("…")
    assert rendered.count("word") < 20


def test_ids_alone_are_shown_where_privacy_says_so():
    rendered = text(run(show="ids"), verbose=1)

    assert "c-017" in rendered
    assert "Tuesday" not in rendered
    assert "rented" not in rendered


def test_an_undecided_figure_has_a_question_mark():
    row = RungRow("rag", Kind.RAG, State.INCONCLUSIVE, entry("rag", Verdict.INCONCLUSIVE, 0.91, 0.95, 0.5))
    rendered = text(run(rows=(row,), rule="confident"), width=200)

    assert "0.910 ? [0.87, 0.95]" in rendered
    assert "0.950 ✓" in rendered
    assert "0.500 ✗" in rendered


def test_unscored_cases_errors_and_unknown_limits_are_told():
    scores = {"answer": {"all": figure(0.9, 215, 3)}, "note": {"all": figure(None, unscored=218)}}
    row = replace(RAG, entry=replace(RAG.entry, scores=scores, errors=3, limits={"latency_p95": None}))
    rendered = text(run(rows=(row,)), width=200)

    assert re.search(r"0\.900 ✓~ \[0\.86, 0\.94\] 3 unscored", rendered)
    assert "- 218 unscored" in rendered
    assert re.search(r"unknown +unknown", rendered)
    assert re.search(r"errors", rendered)


def test_a_metric_without_a_threshold_is_shown_unmarked():
    row = replace(RAG, entry=replace(RAG.entry, scores={"style": {"all": figure(0.4), "edge": figure(0.3)}}))
    rendered = text(run(rows=(row,), thresholds={}, limits={}), width=200)

    assert re.search(r"selected +0\.400 \[", rendered)
    assert "0.300" not in rendered


def test_a_second_rung_of_a_kind_shows_its_kind():
    assert re.search(r"rag_v2 rag +selected", text(run(rows=(replace(RAG, id="rag_v2"),)), width=200))


def test_several_ladders_are_parted_by_a_blank_line_and_none_is_nothing():
    rendered = text(run(LADDER, replace(LADDER, name="billing")))

    assert re.findall(r"(?m)^── ladder (\w+)", rendered) == ["support", "billing"]
    assert "\n\n── ladder billing" in rendered
    assert render_terminal(replace(run(), ladders=()), width=80, color=False, unicode=True, verbose=0) == ""


def test_markup_in_names_and_texts_is_text():
    rendered = text(run(decided="[bold]x[/bold] :smile: `y`", rows=(replace(PROMPT, id="[red]"),)))

    assert "[bold]x[/bold] :smile: `y`" in rendered
    assert "  [red] prompt  " in rendered or "  [red] " in rendered
