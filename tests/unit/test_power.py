"""What an eval set could have shown."""

from __future__ import annotations

import pytest

from pytest_ladder.core.differences import SliceComparison
from pytest_ladder.core.pairing import compare
from pytest_ladder.core.power import detectable, detectable_effect, detectable_mean, is_plateau
from pytest_ladder.errors import InvalidRequest


def flipped(wins: int, losses: int, n: int, by: float = 1.0) -> SliceComparison:
    before = {f"c{i}": 1.0 - by if i < wins else 1.0 for i in range(n)}
    after = {f"c{i}": 1.0 - by if wins <= i < wins + losses else 1.0 for i in range(n)}
    return compare(before, after, {"all": list(before)}).slices["all"]


def test_two_hundred_cases_of_which_a_tenth_differ_show_six_per_cent() -> None:
    assert detectable_effect(200, 0.1) == pytest.approx(0.0577, abs=1e-3)


def test_five_pairs_show_only_what_nearly_always_happens() -> None:
    assert detectable_effect(5, 0.0) == pytest.approx(0.8 ** (1 / 5), abs=1e-6)


def test_four_pairs_show_nothing() -> None:
    assert detectable_effect(4, 0.5) is None
    assert detectable_mean(4, 0.1) is None


def test_a_graded_effect_larger_than_the_scale_cannot_be_shown() -> None:
    assert detectable_mean(5, 1.0) is None


def test_a_binary_comparison_goes_by_its_own_share_of_differing_pairs() -> None:
    assert detectable(flipped(10, 10, 200)) == detectable_effect(200, 0.1)


def test_a_graded_comparison_goes_by_its_own_spread() -> None:
    found = flipped(10, 10, 200, by=0.5)

    assert detectable(found) == detectable_mean(200, found.spread)


def test_no_gain_on_enough_cases_is_a_plateau() -> None:
    assert is_plateau(flipped(10, 10, 200), min_effect=0.06)


def test_no_gain_on_too_few_cases_is_none() -> None:
    assert not is_plateau(flipped(2, 2, 40), min_effect=0.06)


def test_a_gain_is_no_plateau() -> None:
    assert not is_plateau(flipped(20, 1, 200), min_effect=0.5)


def test_without_an_effect_to_look_for_nothing_is_a_plateau() -> None:
    assert not is_plateau(flipped(10, 10, 5000), min_effect=0.0)


def test_a_slice_without_pairs_is_no_plateau() -> None:
    assert not is_plateau(compare({}, {}, {"new": []}).slices["new"], min_effect=1.0)


@pytest.mark.parametrize(
    ("n", "discordance", "confidence", "power", "what"),
    [
        (-1, 0.1, 0.95, 0.8, "n: "),
        (10, 1.5, 0.95, 0.8, "discordance: "),
        (10, 0.1, 1.0, 0.8, "confidence: "),
        (10, 0.1, 0.95, 1.0, "power: "),
    ],
)
def test_what_cannot_be_reckoned_is_refused(n: int, discordance: float, confidence: float, power: float, what: str):
    with pytest.raises(InvalidRequest, match=what):
        detectable_effect(n, discordance, confidence, power)
