"""When a judge may decide: enough labels, enough of each class, and agreement beyond chance that is beyond doubt."""

from __future__ import annotations

import pytest

from pytest_ladder.core.agreement import agreement, cohen_kappa
from pytest_ladder.errors import InvalidRequest

NO_YES = ("no", "yes")


def table(counts: list[list[int]]) -> list[tuple[int, int]]:
    """Pairs of ratings, from how often each occurs."""
    return [(i, j) for i, row in enumerate(counts) for j, n in enumerate(row) for _ in range(n)]


def test_perfect_agreement_is_one_chance_is_zero_and_opposition_is_below():
    same, chance, never = table([[50, 0], [0, 50]]), table([[25, 25], [25, 25]]), table([[0, 50], [50, 0]])

    assert [cohen_kappa(pairs, 2).value for pairs in (same, chance, never)] == pytest.approx([1, 0, -1])
    assert cohen_kappa(same, 2).low() == 1


def test_a_near_miss_counts_for_half_on_a_scale_of_three():
    near, far = table([[30, 10, 0], [0, 30, 0], [0, 0, 30]]), table([[30, 0, 10], [0, 30, 0], [0, 0, 30]])

    assert cohen_kappa(near, 3).value > cohen_kappa(far, 3).value


@pytest.mark.parametrize("pairs", [[], [(1, 1)] * 10])
def test_kappa_is_undefined_without_pairs_or_with_one_class_alone(pairs: list[tuple[int, int]]):
    assert cohen_kappa(pairs, 2) is None


@pytest.mark.parametrize(("pairs", "classes"), [([(0, 2)], 2), ([(-1, 0)], 2), ([(0, 0)], 1)])
def test_ratings_outside_the_classes_are_refused(pairs: list[tuple[int, int]], classes: int):
    with pytest.raises(InvalidRequest):
        cohen_kappa(pairs, classes)


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ([[20, 0], [0, 80]], ""),
        ([[45, 5], [5, 45]], ""),
        ([[20, 0], [0, 79]], "agreement with humans not shown: 99 of 100 labels"),
        ([[19, 0], [0, 81]], "agreement with humans not shown: 19 of 20 labels of 'no'"),
        ([[0, 50], [0, 50]], "agreement with humans not shown: kappa 0.00"),
        ([[42, 8], [8, 42]], "agreement with humans not shown: kappa 0.68, no less than 0.5"),
        ([[0, 0], [0, 0]], "agreement with humans not shown: 0 of 100 labels"),
    ],
)
def test_agreement_is_shown_or_it_is_said_what_it_lacks(counts: list[list[int]], why: str):
    found = agreement("quality", NO_YES, table(counts))

    assert found.shown is (why == "")
    assert found.why.startswith(why)
    assert found.words.startswith(why or "agreement with humans shown: kappa ")


def test_the_class_with_the_fewest_labels_is_by_the_word_of_people_not_of_the_judge():
    found = agreement("quality", NO_YES, table([[10, 40], [0, 50]]))

    assert (found.least_class, found.least_labels) == ("no", 50)
