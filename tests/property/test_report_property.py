"""Rendering takes any summary at any width."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rich.cells import cell_len

from pytest_ladder.core.answers import Usage
from pytest_ladder.core.entries import Figure
from pytest_ladder.core.policy import Change, Direction
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.summary import LadderSummary, Miss, Refusal, RungRow, RunSummary, State
from pytest_ladder.report.json_report import render_json, report_json_schema
from pytest_ladder.report.markdown import render_markdown
from pytest_ladder.report.terminal import render_terminal
from tests.summaries import RAG
from tests.unit.test_report_base import BASE

ANSI = re.compile(r"\x1b\[[\d;]*m")
FOLDED = re.compile(r"^<details>$.*?^</details>$", re.DOTALL | re.MULTILINE)
TEXT = st.text(max_size=60) | st.sampled_from(["rag", "a" * 150, "語" * 60, "e\u0301" * 30, "👩‍💻 " * 9, "[b]`|<x>"])
SHARE = st.none() | st.floats(0, 1)
FIGURE = st.builds(Figure, SHARE, st.integers(0, 10**6), SHARE, SHARE, st.integers(0, 10**6))
SCORES = st.dictionaries(TEXT, st.dictionaries(TEXT | st.just("all"), FIGURE, max_size=3), max_size=4)
AMOUNT = st.floats(0, 1e9)
USAGE = st.builds(Usage, st.integers(0, 10**9), st.integers(0, 10**12), st.integers(0, 10**12), AMOUNT)
ENTRY = st.builds(
    lambda **parts: replace(RAG.entry, **parts), scores=SCORES, usage=USAGE, errors=st.integers(0, 10**6),
    limits=st.dictionaries(st.sampled_from(["cost_per_case", "latency_p95"]), st.none() | AMOUNT),
    latency=st.fixed_dictionaries({"p50": st.none() | AMOUNT, "p95": st.none() | AMOUNT}),
    diagnosis=st.dictionaries(TEXT, st.integers(0, 10**6), max_size=3),
)  # fmt: skip
MISS = st.builds(Miss, TEXT, TEXT, SHARE, st.none() | TEXT, st.none() | TEXT, st.none() | TEXT, TEXT)
ROW = st.builds(
    RungRow, TEXT, st.sampled_from(Kind), st.sampled_from(State), st.none() | ENTRY, st.booleans(), TEXT,
    st.lists(MISS, max_size=2).map(tuple), SHARE,
)  # fmt: skip
THRESHOLDS = st.dictionaries(TEXT, st.dictionaries(TEXT | st.just("all"), st.floats(0, 1), max_size=3), max_size=3)
MOVED = 6
"""Comparisons of the sample in which a case changed."""
AGAINST = st.builds(
    lambda **parts: replace(BASE, **parts), ref=TEXT, rewritten=TEXT, notes=st.lists(TEXT, max_size=2).map(tuple),
    changes=st.lists(st.builds(Change, TEXT, st.sampled_from(Direction)), max_size=2).map(tuple),
    refused=st.booleans(),
)  # fmt: skip
LADDER = st.builds(
    LadderSummary, name=TEXT, where=TEXT, task=TEXT, rows=st.lists(ROW, max_size=4).map(tuple), thresholds=THRESHOLDS,
    limits=st.dictionaries(st.sampled_from(["cost_per_case", "latency_p95"]), AMOUNT), selected=st.none() | TEXT,
    decided=TEXT, recommendation=TEXT, requested=st.booleans(), allowed=st.booleans(),
    refusals=st.lists(st.builds(Refusal, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    waivers=st.lists(TEXT, max_size=2).map(tuple), notes=st.lists(TEXT, max_size=2).map(tuple),
    rule=st.sampled_from(["point", "confident"]), show=st.sampled_from(["text", "ids"]), cases=st.integers(0, 10**6),
    checklist=st.dictionaries(TEXT, TEXT, max_size=2), base=st.none() | AGAINST,
)  # fmt: skip
RUN = st.builds(RunSummary, st.lists(LADDER, max_size=2).map(tuple), TEXT, TEXT)


@settings(max_examples=60)
@given(RUN, st.integers(60, 200), st.booleans(), st.booleans(), st.integers(0, 2))
def test_the_terminal_takes_any_summary_within_its_width(
    summary: RunSummary, width: int, color: bool, unicode: bool, verbose: int
):
    rendered = ANSI.sub("", render_terminal(summary, width=width, color=color, unicode=unicode, verbose=verbose))

    assert all(cell_len(line) <= width for line in rendered.splitlines())
    assert unicode or rendered.isascii()
    assert rendered.splitlines() == rendered.split("\n")[:-1]


@settings(max_examples=60)
@given(RUN)
def test_any_summary_becomes_a_report_that_fits_the_schema(summary: RunSummary):
    Draft202012Validator(report_json_schema()).validate(json.loads(render_json(summary)))


@settings(max_examples=60)
@given(RUN)
def test_any_summary_becomes_markdown_with_a_row_for_each_rung_and_for_what_moved(summary: RunSummary):
    shown = FOLDED.sub("", render_markdown(summary))  # slices without a threshold have a table too, folded up
    rows = sum(line.startswith("| ") for line in shown.splitlines())

    tables = [len(ladder.rows) for ladder in summary.ladders] + [MOVED for ladder in summary.ladders if ladder.base]
    assert rows == sum(2 + length for length in tables if length)
