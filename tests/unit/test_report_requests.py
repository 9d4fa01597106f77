"""The tables of model calls."""

from __future__ import annotations

import pytest

from pytest_ladder.core.answers import Answer, Call, Record, Reply
from pytest_ladder.core.request_figures import request_figures
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.summary import RungRow, State
from pytest_ladder.report.grid import tables
from pytest_ladder.report.requests import columns_of_requests

TOLD = (
    {"accepted": True, "resort": "retry", "reason": "empty"},
    {"accepted": True, "resort": "fallback", "reason": "rejected"},
    {"accepted": False, "resort": "escalate", "reason": "invalid", "valid": False, "escalated": True},
    {"accepted": False, "resort": "abstain", "reason": "length", "valid": True, "abstained": True},
)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_they_are_as_many_as_the_width_asks_for_and_none_is_empty(width: int):
    calls = (Call("d", "m", Reply("a", "m", latency_s=1.0, retries=1, finish_reason="length"), {}, ("cold",)),)
    records = [Record("c", "i", 0, "f", Answer("a", validation=told), calls) for told in TOLD]
    figures = request_figures(records)
    assert figures is not None
    laid = list(tables(columns_of_requests([(row(), figures)], unicode=True), width=width, unicode=True))

    heads = [str(column.header).split() for table in laid for column in table.columns]
    assert [head for head in heads if head[-1:] in (["retry"], ["fallback"], ["escalated"], ["abstained"])] == [
        ["by", "retry"], ["by", "fallback"], ["escalated"], ["abstained"],
    ]  # fmt: skip
    assert all(len(table.columns) > 1 for table in laid)
    assert (len(laid) > 1) is (width < 200)


def row() -> RungRow:
    return RungRow("prompt", Kind.PROMPT, State.SHORT)


def test_a_rung_without_a_call_is_shown_by_what_became_of_its_answers():
    figures = request_figures([Record("c", "i", 0, "f", Answer("Wait.", validation={"escalated": True}))])
    assert figures is not None
    (table,) = tables(columns_of_requests([(row(), figures)], unicode=True), width=80, unicode=True)
    assert [str(column.header).split() for column in table.columns][-1] == ["escalated"]
