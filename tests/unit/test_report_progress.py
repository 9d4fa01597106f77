"""The line that shows how far a rung has come."""

from __future__ import annotations

import pytest

from pytest_ladder.report.progress import ProgressLine, should_print


def test_the_line_tells_count_errors_rate_tokens_and_remaining_time():
    line = ProgressLine(200, "support[rag]", 120).render(50, 2, 10.0, 12_345)

    assert line.startswith("support[rag]  ━")
    assert line.endswith("50/200  2 errors  30.0 s left  5.0/s  12.3k tokens")


def test_the_bar_is_as_full_as_the_work_is_done():
    line = ProgressLine(4, "x", 80).render(1, 0, 1.0)

    assert (line.count("━"), line.count("╌")) == (7, 23)


def test_before_the_first_answer_nothing_is_promised():
    assert ProgressLine(4, "x", 80, unicode=False).render(0) == f"x  {'.' * 30}  0/4"


def test_at_the_end_the_time_taken_is_told():
    assert "4/4  in 2.00 s" in ProgressLine(4, "x").render(4, 0, 2.0)


@pytest.mark.parametrize("width", range(1, 130))
def test_no_line_is_wider_than_the_screen(width: int):
    line = ProgressLine(200, "support[advanced_rag]", width, unicode=False).render(50, 2, 10.0, 12_345)

    assert len(line) <= width
    assert line.isascii()


def test_a_line_is_due_at_once_then_as_often_as_the_log_can_bear():
    assert should_print(0.0, None, ci=True)
    assert should_print(10.3, 10.0, ci=False)
    assert not should_print(10.1, 10.0, ci=False)
    assert not should_print(30.0, 10.0, ci=True)
    assert should_print(40.0, 10.0, ci=True)


def test_no_work_at_all_is_a_full_bar():
    assert "━" * 30 in ProgressLine(0, "x").render(0)
