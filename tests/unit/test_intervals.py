"""The bounds of a mean score, and the number of cases a threshold needs."""

from __future__ import annotations

import random

import pytest

from pytest_ladder.core import intervals
from pytest_ladder.core.intervals import Bounds, Sample, bounds, clustered, effective_n, least_n, percentile
from pytest_ladder.errors import InvalidRequest

GRADED = [0.2, 0.4, 0.5, 0.5, 0.6, 0.7, 0.8, 0.8, 0.9, 1.0]


def test_binary_scores_get_the_exact_bounds_of_the_tables() -> None:
    assert bounds([1, 1, 1, 1, 1, 1, 1, 1, 0, 0], 0.95) == Bounds(0.493099, 0.963229)


def test_a_perfect_score_of_29_cases_just_confirms_ninety_percent() -> None:
    assert bounds([1.0] * 29).low >= 0.90 > bounds([1.0] * 28).low


def test_a_single_case_says_next_to_nothing() -> None:
    assert bounds([1.0]) == Bounds(0.05, 1.0)
    assert bounds([0.0]) == Bounds(0.0, 0.95)


def test_graded_scores_get_narrower_bounds_than_binary_ones_of_the_same_mean() -> None:
    graded, binary = bounds([0.5] * 30 + [0.9] * 30), bounds([1.0] * 42 + [0.0] * 18)

    assert binary.low < graded.low < 0.7 < graded.high < binary.high


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_equal_scores_never_get_an_interval_without_width(value: float) -> None:
    found = bounds([value] * 5)

    assert found.high - found.low > 0.3


def test_one_odd_score_among_equals_does_not_fool_the_bootstrap() -> None:
    assert bounds([1.0] * 19 + [0.99]).low == bounds([1.0] * 19 + [0.0]).low


def test_a_few_nearly_perfect_scores_never_say_more_than_perfect_ones() -> None:
    assert bounds([0.97, 0.98, 0.99, 0.98]).low == bounds([1.0] * 4).low
    assert bounds([0.01, 0.02, 0.03, 0.02]).high == bounds([0.0] * 4).high


def test_the_order_of_the_scores_does_not_matter() -> None:
    shuffled = GRADED * 3
    random.Random(5).shuffle(shuffled)

    assert bounds(shuffled, seed=17) == bounds(GRADED * 3, seed=17)


def test_bounds_are_the_same_every_time_and_everywhere() -> None:
    assert bounds(GRADED, 0.95, seed=17) == bounds(GRADED, 0.95, seed=17) == Bounds(0.490608, 0.780648)


def test_the_studentised_bootstrap_comes_near_to_students_t_on_well_behaved_scores() -> None:
    scores = [0.5 + 0.4 * random.Random(i).uniform(-1, 1) for i in range(200)]
    mean = sum(scores) / 200
    error = (sum((s - mean) ** 2 for s in scores) / 199 / 200) ** 0.5

    found = bounds(scores)

    assert found.low == pytest.approx(mean - 1.6525 * error, abs=0.1 * error)
    assert found.high == pytest.approx(mean + 1.6525 * error, abs=0.1 * error)


@pytest.mark.parametrize(
    ("values", "confidence", "fault"),
    [
        ([], 0.95, "there are no scores"),
        ([0.5, 1.5], 0.95, "a score is out of range, got 1.5"),
        ([float("nan")], 0.95, "a score is out of range, got nan"),
        ([0.5], 1.0, "no such confidence, got 1.0"),
        ([0.5], 0.2, "no such confidence, got 0.2"),
    ],
)
def test_what_cannot_be_bounded_is_refused(values: list[float], confidence: float, fault: str) -> None:
    with pytest.raises(InvalidRequest, match=fault):
        bounds(values, confidence)


@pytest.mark.parametrize(
    ("threshold", "confidence", "n"),
    [(0.90, 0.95, 29), (0.95, 0.95, 59), (0.80, 0.95, 14), (0.99, 0.95, 299), (0.5, 0.5, 1), (0.0, 0.95, 1)],
)
def test_least_n_of_a_threshold(threshold: float, confidence: float, n: int) -> None:
    assert least_n(threshold, confidence) == n


def test_no_number_of_cases_confirms_a_threshold_of_one() -> None:
    assert least_n(1.0) is None


@pytest.mark.parametrize(("q", "value"), [(0, 1.0), (50, 2.5), (95, 3.85), (100, 4.0)])
def test_a_percentile_lies_between_the_nearest_ranks(q: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], q) == pytest.approx(value)


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="there are no values"):
        percentile([], 50)


def test_what_least_n_says_holds_for_graded_scores_too() -> None:
    nearly = [0.99, 0.98] * 15

    assert bounds(nearly[:28]).low < 0.90 <= bounds(nearly[:29]).low


# --- clusters


def test_clusters_of_one_change_nothing() -> None:
    values = [1.0] * 40 + [0.0] * 5 + [0.5] * 5

    assert bounds(values, clusters=[f"k{i}" for i in range(50)]) == bounds(values)


def test_cases_that_fare_alike_in_their_cluster_count_as_one() -> None:
    values = [1.0] * 27 * 4 + [0.0] * 3 * 4

    found = bounds(values, clusters=[f"k{i // 4}" for i in range(120)])

    assert found == bounds([1.0] * 27 + [0.0] * 3)


def test_cases_that_fare_independently_lose_little() -> None:
    values = [float(i % 10 != 0) for i in range(400)]

    found, plain = bounds(values, clusters=[f"k{i // 4}" for i in range(400)]), bounds(values)

    assert plain.low - 0.02 < found.low
    assert found.high < plain.high + 0.02


def test_perfect_clusters_are_worth_as_many_cases_as_there_are_clusters() -> None:
    found = bounds([1.0] * 116, clusters=[f"k{i // 4}" for i in range(116)])

    assert found.low == bounds([1.0] * 29).low >= 0.90


def test_unequal_clusters_are_worth_less_than_their_number() -> None:
    clusters = ["large"] * 50 + [f"k{i}" for i in range(50)]

    assert effective_n(clusters) == 100**2 // (50**2 + 50)
    assert effective_n(["a", "a", "b", "b"]) == 2
    assert effective_n([]) == 0


def test_the_values_of_clusters_have_the_mean_of_all_cases() -> None:
    values, clusters = [1.0, 1.0, 0.0, 1.0, 0.0, 0.0], ["a", "a", "a", "b", "c", "c"]

    assert sum(clustered(values, clusters)) / 3 == pytest.approx(0.5)


def test_each_bound_may_have_its_own_confidence() -> None:
    values = [1.0] * 80 + [0.0] * 20

    found = bounds(values, 0.99, of_high=0.9)

    assert found == Bounds(bounds(values, 0.99).low, bounds(values, 0.9).high)


@pytest.mark.parametrize("clusters", [[], ["a", "b"] * 20])
def test_scores_that_are_bounded_at_several_confidences_are_resampled_once(
    clusters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [number / 40 for number in range(40)]
    resampled, real = [], intervals.studentise
    monkeypatch.setattr(intervals, "studentise", lambda *given: resampled.append(given) or real(*given))
    sample = Sample(values, 7, clusters=clusters)

    found = [sample.bounds(0.95), sample.bounds(0.99, 0.9)]

    assert len(resampled) == 1
    assert found == [
        bounds(values, 0.95, 7, clusters=clusters), bounds(values, 0.99, 7, of_high=0.9, clusters=clusters)
    ]  # fmt: skip
