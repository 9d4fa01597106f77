"""Two evaluations of the same cases: gains, losses, regressions, and what cannot be told."""

from __future__ import annotations

import math
import random

import pytest

from pytest_ladder.core.differences import Comparison, Difference, SliceComparison
from pytest_ladder.core.mcnemar import least_differing, proportion_bounds
from pytest_ladder.core.paired_test import Method
from pytest_ladder.core.pairing import Pairs, compare, compare_family
from pytest_ladder.core.signflip import sign_flip
from pytest_ladder.errors import InvalidRequest

Scores = dict[str, float]


def binary(wins: int, losses: int, n: int) -> tuple[Scores, Scores]:
    """Scores of n cases before and after, the first won, the next lost, the others right in both."""
    before = {f"c{i}": 0.0 if i < wins else 1.0 for i in range(n)}
    after = {f"c{i}": 0.0 if wins <= i < wins + losses else 1.0 for i in range(n)}
    return before, after


def shifted(n: int, by: float, noise: float = 0.1) -> tuple[Scores, Scores]:
    rng = random.Random(7)
    before = {f"c{i}": rng.uniform(0.3, 0.7) for i in range(n)}
    return before, {id_: score + by + rng.uniform(-noise, noise) for id_, score in before.items()}


def whole(before: Scores, after: Scores, **terms: float) -> SliceComparison:
    return compare(before, after, {"all": list(before)}, **terms).slices["all"]  # type: ignore[arg-type]


def test_pairs_are_counted_and_named() -> None:
    found = whole(*binary(2, 3, 20))

    assert (found.n, found.wins, found.ties, found.losses, found.differing) == (20, 2, 15, 3, 5)
    assert (found.won, found.lost) == (("c0", "c1"), ("c2", "c3", "c4"))
    assert found.difference == pytest.approx(-0.05)
    assert found.win_rate == pytest.approx(0.475)


def test_binary_scores_are_tested_exactly() -> None:
    found = whole(*binary(1, 9, 100))

    assert found.method is Method.MCNEMAR
    assert found.p_loss == pytest.approx(11 / 1024)
    assert found.p_value == pytest.approx(22 / 1024)
    assert found.effect_size == pytest.approx(-0.4)


def test_differences_of_one_size_are_tested_by_their_signs() -> None:
    before = {f"c{i}": 0.5 for i in range(60)}
    found = whole(before, {id_: 0.5 if id_ == "c0" else 1.0 for id_ in before})

    exact = whole(*binary(59, 0, 60))
    assert found.method is Method.SIGNS
    assert (found.p_gain, found.p_loss) == (exact.p_gain, exact.p_loss)
    assert (found.low, found.high) == (pytest.approx(exact.low / 2), pytest.approx(exact.high / 2))
    assert found.verdict is Difference.BETTER


def test_a_second_size_makes_it_a_bootstrap() -> None:
    before = {f"c{i}": 0.5 for i in range(60)}

    assert whole(before, {id_: 0.75 if id_ == "c0" else 1.0 for id_ in before}).method is Method.BOOTSTRAP


def test_a_significant_loss_is_a_regression() -> None:
    found = whole(*binary(1, 9, 100))

    assert found.verdict is Difference.WORSE
    assert found.regression
    assert found.low is not None
    assert found.high is not None
    assert found.low < -0.08 < found.high < 0


def test_a_significant_gain_is_none() -> None:
    found = whole(*binary(9, 1, 100))

    assert found.verdict is Difference.BETTER
    assert not found.regression


def test_a_significant_loss_of_no_more_than_min_effect_is_no_regression() -> None:
    found = whole(*binary(1, 9, 100), min_effect=0.08)

    assert found.verdict is Difference.WORSE
    assert not found.regression
    assert whole(*binary(1, 9, 100), min_effect=0.07).regression


def test_a_large_loss_within_the_noise_is_no_regression() -> None:
    found = whole(*binary(3, 7, 20))

    assert found.difference == pytest.approx(-0.2)
    assert found.verdict is Difference.NO_DIFFERENCE
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 <= found.high


def test_few_differing_pairs_say_nothing_even_if_all_are_lost() -> None:
    assert whole(*binary(0, 4, 100)).verdict is Difference.TOO_FEW
    assert whole(*binary(0, 5, 100)).verdict is Difference.WORSE


def test_few_differing_pairs_among_many_show_that_nothing_beyond_min_effect_changed() -> None:
    assert whole(*binary(1, 1, 1000)).verdict is Difference.TOO_FEW
    assert whole(*binary(1, 1, 1000), min_effect=0.02).verdict is Difference.NO_DIFFERENCE


def test_few_pairs_say_nothing_even_if_all_agree() -> None:
    assert whole(*binary(0, 0, 4)).verdict is Difference.TOO_FEW
    assert whole(*binary(0, 0, 5)).verdict is Difference.NO_DIFFERENCE


@pytest.mark.parametrize(("confidence", "least"), [(0.5, 1), (0.9, 4), (0.95, 5), (0.975, 6), (0.99, 7)])
def test_the_least_that_can_show_anything(confidence: float, least: int) -> None:
    assert least_differing(confidence) == least


def test_a_slice_without_pairs_has_no_figures() -> None:
    found = compare({"a": 1.0}, {"a": 0.0}, {"new": ["b"]}).slices["new"]

    assert (found.n, found.difference, found.low, found.high, found.win_rate) == (0, None, None, None, None)
    assert found.verdict is Difference.TOO_FEW


def test_cases_scored_once_only_are_named_and_not_counted() -> None:
    found = compare({"a": 1.0, "b": 1.0}, {"b": 1.0, "c": 0.0}, {"all": ["a", "b", "c"]})

    assert (found.only_before, found.only_after) == (("a",), ("c",))
    assert found.slices["all"].n == 1


def test_a_case_named_twice_in_a_slice_counts_once() -> None:
    assert compare({"a": 1.0}, {"a": 0.0}, {"all": ["a", "a"]}).slices["all"].n == 1


def test_slices_take_holm() -> None:
    before, after = binary(1, 8, 100)
    ids = list(before)

    alone = compare(before, after, {"all": ids})
    among = compare(before, after, {"all": ids, "other": ids[:60], "third": ids[:90]})

    assert alone.regressions == ("all",)
    assert among.slices["all"].p_loss == alone.slices["all"].p_loss
    assert among.slices["all"].adjusted_loss == pytest.approx(3 * alone.slices["all"].p_loss)
    assert among.regressions == ()


def test_slices_that_can_show_nothing_take_no_share_of_the_error() -> None:
    before, after = binary(1, 8, 100)
    ids = list(before)

    found = compare(before, after, {"all": ids, **{f"tiny{i}": ids[:3] for i in range(9)}})

    assert found.slices["all"].adjusted_loss == found.slices["all"].p_loss
    assert found.regressions == ("all",)
    assert found.those(Difference.TOO_FEW) == tuple(f"tiny{i}" for i in range(9))


def test_graded_scores_take_a_paired_bootstrap() -> None:
    found = whole(*shifted(60, -0.05))

    assert found.method is Method.BOOTSTRAP
    assert found.regression
    assert found.low is not None
    assert found.high is not None
    assert -0.08 < found.low < -0.05 < found.high < -0.02


def test_pairs_are_compared_and_not_means() -> None:
    rng = random.Random(1)
    before = {f"c{i}": rng.uniform(0.1, 0.9) for i in range(50)}
    after = {id_: score - 0.02 - rng.uniform(0, 0.02) for id_, score in before.items()}

    assert whole(before, after).regression


def test_graded_noise_is_no_difference() -> None:
    assert whole(*shifted(60, 0.0)).verdict is Difference.NO_DIFFERENCE


def test_what_floating_point_leaves_of_thirds_is_a_tie() -> None:
    found = whole({"a": 0.1 + 0.2}, {"a": 0.3})

    assert (found.ties, found.difference) == (1, 0.0)


def test_a_gain_that_is_the_same_everywhere_is_seen() -> None:
    before = {f"c{i}": i / 100 for i in range(20)}

    found = whole(before, {id_: score + 0.1 for id_, score in before.items()})

    assert found.verdict is Difference.BETTER
    assert found.low is not None
    assert 0.0 < found.low < 0.1
    assert found.effect_size == math.inf


def test_graded_flips_come_largest_first() -> None:
    before = {"a": 0.5, "b": 0.5, "c": 0.5, "d": 0.5}

    assert whole(before, {"a": 0.4, "b": 0.1, "c": 0.4, "d": 0.9}).lost == ("b", "a", "c")


def test_the_order_of_the_cases_does_not_matter() -> None:
    before, after = shifted(30, 0.01)
    ids = list(before)

    one, other = (compare(before, after, {"all": order}, seed=3).slices["all"] for order in (ids, ids[::-1]))

    assert one == other


def test_losses_that_gather_in_a_slice_are_told() -> None:
    before, after = binary(0, 10, 200)
    ids = list(before)

    found = compare(before, after, {"all": ids, "hit": ids[:20], "half": ids[::2]})

    assert list(found.gathering) == ["hit"]
    assert found.gathering["hit"] < 1e-6


def test_losses_spread_evenly_gather_nowhere() -> None:
    before = {f"c{i}": 1.0 for i in range(200)}
    after = {id_: float(i % 20 != 0) for i, id_ in enumerate(before)}
    ids = list(before)

    assert compare(before, after, {"all": ids, "first": ids[:100]}).gathering == {}


@pytest.mark.parametrize(
    ("before", "terms", "fault"),
    [
        ({"a": 1.5}, {}, "case 'a': a score is out of range, got 1.5"),
        ({"a": float("nan")}, {}, "case 'a': a score is out of range"),
        ({"a": 1.0}, {"confidence": 1.0}, "no such confidence"),
        ({"a": 1.0}, {"min_effect": -0.1}, "no such min_effect"),
    ],
)
def test_what_cannot_be_compared_is_refused(before: Scores, terms: dict[str, float], fault: str) -> None:
    with pytest.raises(InvalidRequest, match=fault):
        whole(before, {"a": 1.0}, **terms)


def test_sign_flips_of_few_differences_are_counted_exactly() -> None:
    assert sign_flip([0.1, 0.2, 0.4, 0.0]) == (1 / 8, 1.0)
    assert sign_flip([0.1, 0.2, -0.3]) == (5 / 8, 5 / 8)
    assert sign_flip([0.0, 0.0]) == (1.0, 1.0)


def test_sign_flips_of_many_differences_are_drawn() -> None:
    values = [0.1 * (i % 3) - 0.07 for i in range(40)]

    gain, loss = sign_flip(values, seed=5)

    assert sign_flip(values[::-1], seed=5) == (gain, loss)
    assert 0.0 < gain < 0.05
    assert loss > 0.95


def test_bounds_where_all_that_differ_fell_to_one_side_reach_as_far_as_the_exact_ones() -> None:
    low, high = proportion_bounds(0, 1, 200, 0.95)

    assert low == pytest.approx(-0.02350, abs=1e-4)
    assert high > 0


def test_a_comparison_says_which_slices_regressed() -> None:
    before, after = binary(0, 12, 100)
    ids = list(before)

    found = compare(before, after, {"all": ids, "late": ids[50:]})

    assert isinstance(found, Comparison)
    assert found.regressions == ("all",)
    assert found.slices["late"].verdict is Difference.NO_DIFFERENCE


def test_everything_of_a_family_takes_holm_together() -> None:
    before, after = binary(1, 9, 100)
    slices = {"all": list(before), "half": list(before)[:50]}
    terms = {"confidence": 0.95, "min_effect": 0.0, "seed": 0}

    alone = compare(before, after, slices, **terms)  # type: ignore[arg-type]
    family = compare_family({m: Pairs(before, after, slices) for m in ("answer", "form", "tone")}, **terms)  # type: ignore[arg-type]

    assert list(family) == ["answer", "form", "tone"]
    assert alone.slices["all"].adjusted_loss == pytest.approx(2 * alone.slices["all"].p_loss)
    assert alone.regressions == ("all", "half")
    assert family["tone"].slices["all"].adjusted_loss == pytest.approx(6 * alone.slices["all"].p_loss)
    assert all(found.regressions == () for found in family.values())


def test_a_large_family_of_graded_scores_still_shows_what_is_plain() -> None:
    before, after = shifted(20, -0.2)
    slices = {f"s{i}": list(before) for i in range(60)}

    found = compare_family({metric: Pairs(before, after, slices) for metric in "abcd"})

    assert all(one.adjusted_loss <= 0.05 and one.regression for c in found.values() for one in c.slices.values())
