from __future__ import annotations

import pytest

from pytest_ladder.core.fusion import reciprocal_rank_fusion


def test_scores_are_those_computed_by_hand():
    fused = reciprocal_rank_fusion([["a", "b", "c"], ["c", "a", "d"]])
    assert fused == pytest.approx({
        "a": 1 / 61 + 1 / 62,  # first, second
        "c": 1 / 63 + 1 / 61,  # third, first
        "b": 1 / 62,
        "d": 1 / 63,
    })  # fmt: skip
    assert list(fused) == ["a", "c", "b", "d"]


def test_another_constant_changes_which_is_first():
    rankings = [["a", "x", "y", "b"], ["z", "w", "b"], ["v", "u", "t", "b"]]
    assert next(iter(reciprocal_rank_fusion(rankings, k=0.1))) == "a"
    assert next(iter(reciprocal_rank_fusion(rankings, k=60))) == "b"


def test_a_ranking_counts_by_its_weight_and_once_where_none_is_given():
    fused = reciprocal_rank_fusion([["a", "b"], ["b", "c"]], weights=[0.25])
    assert fused == pytest.approx({"b": 0.25 / 62 + 1 / 61, "c": 1 / 62, "a": 0.25 / 61})
    assert list(fused) == ["b", "c", "a"]


def test_ties_keep_the_order_in_which_the_rankings_name_them():
    assert list(reciprocal_rank_fusion([["b", "a"], ["a", "b"]])) == ["b", "a"]


def test_an_item_named_twice_counts_at_its_first_place():
    assert reciprocal_rank_fusion([["a", "a", "b"]]) == pytest.approx({"a": 1 / 61, "b": 1 / 62})


@pytest.mark.parametrize("rankings", [[], [[]], [[], []]])
def test_of_nothing_comes_nothing(rankings):
    assert reciprocal_rank_fusion(rankings) == {}
