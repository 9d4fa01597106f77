"""The HTML report: what a run may tell besides the climb; and the scales of its pictures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ladder.core.base_summary import BaseSummary
from pytest_ladder.core.selftested import SelfTested
from pytest_ladder.report.html.scale import Scale, apart, price_scale, price_ticks, score_scale, score_ticks
from tests.unit.test_report_html import FULL, page


def test_a_self_test_with_nothing_to_judge_is_told():
    found = page(selftest=SelfTested({}, {}))

    assert found.faults == []
    assert "Self-test: how far these verdicts can be trusted" in found.text


def test_the_comparison_with_the_base_is_told():
    base = BaseSummary("main", "f" * 40, rewritten="entry abc is gone", notes=("rag: no answers there",))

    text = page(base=base).text

    assert "Compared with main (ffffffffff)" in text
    assert "entry abc is gone" in text
    assert "rag: no answers there" in text


def test_without_any_of_it_there_is_no_heading():
    assert "More of this run" not in page(FULL).text


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_every_score_lies_between_the_ends_and_order_is_kept(scores: list[float]):
    scale = score_scale(scores, 100.0, 300.0)
    places = [scale.at(score) for score in sorted(scores)]

    assert places == sorted(places)
    assert all(100.0 <= place <= 300.0 for place in places)
    assert scale.low <= min(scores)
    assert scale.at(1.0) == 300.0
    ticks = score_ticks(scale)
    assert 3 <= len(ticks) <= 6
    assert ticks[-1] == 1.0
    assert ticks[0] >= scale.low - 1e-9


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=9))
def test_every_price_lies_between_the_ends_and_order_is_kept(prices: list[float]):
    scale = price_scale(prices, 40.0, 340.0)
    places = [scale.at(price) for price in sorted(prices)]

    assert places == sorted(places)
    assert all(40.0 <= place <= 340.0 for place in places)
    assert scale.low <= min(prices) * (1 + 1e-9)
    assert scale.high >= max(prices) * (1 - 1e-9)
    assert 2 <= len(price_ticks(scale)) <= 7


def test_prices_far_apart_are_on_a_logarithmic_scale():
    scale = price_scale([0.0002, 0.01], 0, 100)

    assert scale == Scale(0.0001, 0.01, 0, 100, True)
    assert price_ticks(scale) == pytest.approx((0.0001, 0.001, 0.01))
    assert not price_scale([0.0, 1.0], 0, 100).log


def test_labels_that_would_run_into_one_another_are_left_out():
    long = [
        (38.0 + 76.5 * n, label)
        for n, label in enumerate(["$0.00", "$0.0000050", "$0.000010", "$0.000015", "$0.000020"])
    ]
    short = [(38.0 + 76.5 * n, label) for n, label in enumerate(["$0.00", "$0.50", "$1.00", "$1.50", "$2.00"])]

    assert [label for _, label in apart(long)] == ["$0.00", "$0.0000050", "$0.000010", "$0.000020"]
    assert list(apart(short)) == short
    assert apart([]) == ()


def test_a_detail_less_ladder_has_no_pictures_of_cost():
    assert "Quality against cost" not in page(replace(FULL, details=None)).text
