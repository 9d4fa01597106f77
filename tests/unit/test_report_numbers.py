"""Every number is written in one way."""

from __future__ import annotations

import math

import pytest

from pytest_ladder.report import numbers


@pytest.mark.parametrize(
    ("value", "text"), [(0.974, "0.974"), (0.0, "0.000"), (1.0, "1.000"), (0.9996, "0.9996"), (0.0001, "0.0001")]
)
def test_a_score_has_three_decimals_unless_they_would_say_all_or_nothing(value: float, text: str):
    assert numbers.score(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.8996, "0.8996"), (0.9, "0.900"), (0.89999, "0.89999"), (0.91, "0.910")])
def test_a_score_is_never_rounded_on_to_its_threshold(value: float, text: str):
    assert numbers.score(value, threshold=0.9) == text


def test_an_interval_has_two_decimals_a_bound():
    assert numbers.interval(0.9412, 0.9888) == "[0.94, 0.99]"
    assert numbers.interval(0.8996, None, threshold=0.9) == "[0.8996, -]"
    assert numbers.interval(None, None) == ""


@pytest.mark.parametrize(("value", "text"), [(0.9, "0.90"), (0.995, "0.995"), (1, "1.00"), (0.123456, "0.123456")])
def test_a_threshold_stands_as_declared(value: float, text: str):
    assert numbers.threshold(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "$0.00"), (0.0123, "$0.0123"), (0.998, "$1.00"), (1234.5, "$1,234.50"), (0.0000123, "$0.000012"),
     (0.00015, "$0.00015"), (0.00042, "$0.00042"), (0.00099, "$0.00099"), (0.000999, "$0.0010"),
     (-0.5, "-$0.5000"), (1e-12, "<$0.000000001")],
)  # fmt: skip
def test_money_keeps_the_digits_that_matter(value: float, text: str):
    assert numbers.money(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (999, "999"), (999.6, "1.0k"), (12_345, "12.3k"), (999_960, "1.0M"), (2.5e9, "2.5G")]
)
def test_tokens_are_written_in_thousands(value: float, text: str):
    assert numbers.tokens(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 ms"), (0.0042, "4.2 ms"), (0.34, "340 ms"), (0.9996, "1.00 s"), (1.24, "1.24 s"), (12.34, "12.3 s"),
     (59.96, "1 min 00 s"), (125, "2 min 05 s"), (3600, "1 h 00 min"), (7384, "2 h 03 min")],
)  # fmt: skip
def test_seconds_change_their_unit_with_their_size(value: float, text: str):
    assert numbers.seconds(value) == text


def test_a_measured_limit_is_never_rounded_on_to_its_ceiling():
    assert numbers.limit("latency_p95", 2) == "2.00 s"
    assert numbers.ceiling("latency_p95", 2.004, limit=2) == "2.004 s"
    assert numbers.limit("cost_per_case", 0.01) == "$0.01"
    assert numbers.ceiling("cost_per_case", 0.010004, limit=0.01) == "$0.010004"


def test_a_tiny_limit_and_what_is_measured_against_it_are_not_nothing():
    assert numbers.limit("cost_per_case", 0.0000005) == "$0.00000050"
    assert numbers.ceiling("cost_per_case", 0.0000004, limit=0.0000005) == "$0.00000040"
    assert numbers.ceiling("cost_per_case", 0.0, limit=0.0000005) == "$0.0000"


@pytest.mark.parametrize(
    "write",
    [numbers.score, numbers.bound, numbers.threshold, numbers.money, numbers.tokens, numbers.seconds, numbers.count,
     numbers.percent],
)  # fmt: skip
def test_what_is_no_number_is_a_dash(write):
    assert write(math.nan) == write(math.inf) == numbers.MISSING


def test_counts_percentages_and_nouns():
    assert numbers.count(12_345) == "12,345"
    assert (numbers.percent(0.95), numbers.percent(0.975)) == ("95 %", "97.5 %")
    assert (numbers.plural(1, "case"), numbers.plural(2, "reply", "replies")) == ("1 case", "2 replies")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.729, "+0.729"), (-0.1, "-0.100"), (0.0, "0.000"), (-1e-9, "0.000"), (0.0002, "+0.0002"), (None, "-")],
)
def test_a_difference_has_its_sign_and_is_never_rounded_to_none(value: float | None, text: str):
    assert numbers.difference(value) == text


def test_the_interval_of_a_difference_has_signs():
    assert numbers.reach(-0.0312, 0.0) == "[-0.03, 0.00]"
    assert numbers.reach(-0.001, 0.123) == "[-0.001, +0.12]"
    assert numbers.reach(None, None) == ""


@pytest.mark.parametrize(("p", "text"), [(0.0123, "0.012"), (0.0004, "<0.001"), (0.0496, "0.0496"), (1.0, "1.000")])
def test_a_p_value_is_never_rounded_on_to_five_per_cent(p: float, text: str):
    assert numbers.p_value(p) == text
