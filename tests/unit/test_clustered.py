"""Cases that are not independent are compared by their clusters."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import pytest

from pytest_ladder.core.clustered import Clusters
from pytest_ladder.core.differences import Comparison, Difference, SliceComparison
from pytest_ladder.core.intervals import studentise
from pytest_ladder.core.paired_test import Method
from pytest_ladder.core.pairing import Pairs, compare, compare_family
from pytest_ladder.core.power import detectable

Scores = dict[str, float]


def fours(wins: int, losses: int, clusters: int, of_each: int = 4) -> tuple[Scores, Scores, dict[str, str]]:
    """Clusters of four binary cases: the first won, the next lost, `of_each` of their cases, the others right."""
    ids = [(g, i) for g in range(clusters) for i in range(4)]
    before = {f"{g}-{i}": 0.0 if g < wins and i < of_each else 1.0 for g, i in ids}
    after = {f"{g}-{i}": 0.0 if wins <= g < wins + losses and i < of_each else 1.0 for g, i in ids}
    return before, after, {f"{g}-{i}": f"doc{g}" for g, i in ids}


def judged(before: Scores, after: Scores, clusters: Mapping[str, str], **slices: list[str]) -> Comparison:
    pairs = Pairs(before, after, {"all": list(before), **slices}, clusters)
    return compare_family({"m": pairs})["m"]


def whole(before: Scores, after: Scores, clusters: Mapping[str, str]) -> SliceComparison:
    return judged(before, after, clusters).slices["all"]


def test_what_four_near_duplicates_lose_is_one_loss() -> None:
    before, after, clusters = fours(0, 3, 40)

    alone, together = whole(before, after, {}), whole(before, after, clusters)

    assert alone.verdict is Difference.WORSE
    assert (together.n, together.losses, together.units, together.moved) == (160, 12, 40, 3)
    assert together.p_loss >= 1 / 8
    assert together.verdict is Difference.TOO_FEW


def test_enough_lost_clusters_are_a_regression() -> None:
    found = whole(*fours(0, 10, 40))

    assert found.method is Method.CLUSTERS
    assert found.regression
    assert found.low is not None
    assert found.high is not None
    assert found.low < -0.25 < found.high < 0


def test_bounds_by_clusters_are_wider() -> None:
    before, after, clusters = fours(6, 8, 60)

    alone, together = whole(before, after, {}), whole(before, after, clusters)

    assert alone.low is not None
    assert together.low is not None
    assert alone.high is not None
    assert together.high is not None
    assert together.difference == alone.difference
    assert together.low < alone.low - 0.02
    assert together.high > alone.high + 0.02


def test_clusters_with_one_differing_pair_at_most_take_mcnemars_test() -> None:
    before, after, clusters = fours(1, 9, 40, of_each=1)

    found = whole(before, after, clusters)

    assert found.method is Method.MCNEMAR
    assert found.p_loss == pytest.approx(11 / 1024)


def test_clusters_of_one_change_nothing() -> None:
    before, after, _ = fours(2, 9, 20, of_each=2)

    assert judged(before, after, {id_: id_ for id_ in before}) == judged(before, after, {})


def test_a_case_and_a_cluster_of_the_same_name_are_two() -> None:
    clusters = {"a": "b"}

    assert whole({"a": 1.0, "b": 1.0}, {"a": 0.0, "b": 0.0}, clusters).units == 2


def test_what_cancels_out_in_a_cluster_shows_nothing() -> None:
    before = {f"{g}-{i}": float(i % 2) for g in range(20) for i in range(4)}
    after = {id_: 1.0 - score for id_, score in before.items()}

    found = whole(before, after, {id_: id_.split("-")[0] for id_ in before})

    assert (found.wins, found.losses, found.moved) == (40, 40, 0)
    assert (found.p_gain, found.p_loss) == (1.0, 1.0)
    assert found.verdict is Difference.NO_DIFFERENCE


def test_clusters_that_all_agree_leave_room_for_one_that_does_not() -> None:
    found = whole(*fours(0, 0, 40))

    assert found.low == pytest.approx(0.05 ** (1 / 40) - 1, abs=1e-6)
    assert found.high == pytest.approx(1 - 0.05 ** (1 / 40), abs=1e-6)


def test_a_gain_that_is_the_same_in_every_cluster_is_seen() -> None:
    before = {f"{g}-{i}": (g + i) / 100 for g in range(20) for i in range(4)}

    found = whole(before, {id_: x + 0.1 for id_, x in before.items()}, {id_: id_.split("-")[0] for id_ in before})

    assert found.verdict is Difference.BETTER
    assert found.low is not None
    assert 0.0 < found.low < 0.1


def test_the_order_of_the_cases_does_not_matter_to_clusters() -> None:
    rng = random.Random(3)
    before = {f"{g}-{i}": rng.random() for g in range(15) for i in range(1 + g % 4)}
    after = {id_: rng.random() for id_ in before}
    clusters = {id_: id_.split("-")[0] for id_ in before}
    ids = list(before)
    rng.shuffle(ids)

    one, other = whole(before, after, clusters), whole({id_: before[id_] for id_ in ids}, after, clusters)

    assert one == other


def test_losses_of_one_cluster_do_not_gather() -> None:
    before, after, clusters = fours(0, 2, 50)
    hit = [id_ for id_ in before if int(id_.split("-")[0]) < 12]

    assert judged(before, after, {}, hit=hit).gathering["hit"] < 0.01
    assert judged(before, after, clusters, hit=hit).gathering == {}


def test_clusters_can_show_less() -> None:
    before, after, clusters = fours(4, 6, 40)
    alone, together = detectable(whole(before, after, {})), detectable(whole(before, after, clusters))

    assert alone is not None
    assert together is not None
    assert together > 1.5 * alone


def test_where_nothing_differs_a_cluster_is_taken_to_go_wrong_as_a_whole() -> None:
    before, after, clusters = fours(0, 0, 40)
    few = compare(*[{f"{g}": 1.0 for g in range(40)}] * 2, {"all": [f"{g}" for g in range(40)]}).slices["all"]

    assert detectable(whole(before, after, clusters)) == detectable(few)


def test_clusters_of_one_case_bootstrap_as_cases_do() -> None:
    rng = random.Random(5)
    values = [round(rng.uniform(-1, 1), 3) for _ in range(30)]

    one, other = Clusters.of(values, range(30)).studentise(7), studentise(values, 7)

    assert one.mean == pytest.approx(other.mean)
    assert one.error == pytest.approx(other.error)
    assert one.low(0.95) == pytest.approx(other.low(0.95))
    assert one.p_below() == other.p_below()


def test_clusters_of_one_size_bootstrap_as_their_means_do() -> None:
    rng = random.Random(6)
    values = [round(rng.uniform(-1, 1), 3) for _ in range(80)]
    means = [math.fsum(values[i : i + 4]) / 4 for i in range(0, 80, 4)]

    one, other = Clusters.of(values, [i // 4 for i in range(80)]).studentise(7), studentise(means, 7)

    assert one.error == pytest.approx(other.error)
    assert one.high(0.95) == pytest.approx(other.high(0.95))
    assert one.p_above() == other.p_above()
