"""The gate judged on recorded scores: how often its verdicts flip, and what it could see."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.entries import Verdict
from pytest_ladder.core.power import detectable_effect
from pytest_ladder.core.selftest import Repeats, SelfTest, selftest
from pytest_ladder.errors import InvalidRequest
from tests.builders import evalset, ladder


def repeated(n: int, repeats: int, score: Callable[[random.Random], float], seed: int = 1) -> Repeats:
    rng = random.Random(seed)
    return {"answer": {f"c{i}": [score(rng) for _ in range(repeats)] for i in range(n)}}


def right(share: float) -> Callable[[random.Random], float]:
    return lambda rng: float(rng.random() < share)


def exactly(k: int, n: int) -> Repeats:
    return {"answer": {f"c{i}": [float(i < k)] for i in range(n)}}


def judged(scores: Repeats, n: int, *, threshold: float = 0.8, rule: str = "point", **parts: int) -> SelfTest:
    return selftest(ladder({"answer": {"all": threshold}}, rule=rule), evalset(n), scores, **parts)


def test_a_point_verdict_on_the_threshold_flips_in_about_half_of_the_draws() -> None:
    found = judged(exactly(80, 100), 100)

    assert found.verdict is Verdict.MET
    assert 0.35 < found.flips < 0.6
    assert found.checks[0].flips == found.flips


def test_a_point_verdict_far_from_the_threshold_stands() -> None:
    assert judged(exactly(99, 100), 100).flips == 0.0
    assert judged(exactly(20, 100), 100).verdict is Verdict.SHORT


def test_a_confident_verdict_flips_less_where_a_mean_would() -> None:
    found = judged(exactly(80, 100), 100, rule="confident")

    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.flips < 0.2


def test_a_test_is_the_same_every_time() -> None:
    assert judged(exactly(80, 100), 100) == judged(exactly(80, 100), 100)


def test_repeats_of_one_system_that_get_different_verdicts_are_flips() -> None:
    scores = {"answer": {f"c{i}": [float(i < 8), float(i < 7), float(i < 9)] for i in range(10)}}

    found = judged(scores, 10)

    assert (found.repeats, found.aa_pairs, found.aa_flips) == (3, 3, 2)
    assert found.aa_rate == pytest.approx(2 / 3)


def test_a_single_repeat_shows_no_flips() -> None:
    found = judged(exactly(8, 10), 10)

    assert (found.repeats, found.aa_pairs, found.aa_rate) == (1, 0, None)


def test_what_can_be_seen_goes_by_the_scores() -> None:
    (check,) = judged(exactly(80, 100), 100).checks

    assert check.detectable == detectable_effect(100, 0.32)
    assert (check.mean, check.n) == (0.8, 100)


def test_graded_scores_see_smaller_gains_than_binary_ones() -> None:
    graded = judged(repeated(100, 1, lambda rng: rng.uniform(0.6, 1.0)), 100).checks[0].detectable
    binary = judged(exactly(80, 100), 100).checks[0].detectable

    assert graded is not None
    assert binary is not None
    assert graded < binary


def test_graded_scores_are_resampled_under_confident_too() -> None:
    found = judged(repeated(30, 1, lambda rng: rng.uniform(0.6, 1.0)), 30, rule="confident", resamples=20)

    assert found.resamples == 20
    assert 0.0 <= found.flips <= 1.0


def test_every_slice_keeps_its_size_and_its_own_verdict() -> None:
    rows = evalset(60, slices=("edge",))
    spec = ladder({"answer": {"all": 0.5, "edge": 0.8}})

    found = selftest(spec, rows, exactly(48, 60))

    assert [(c.slice, c.n) for c in found.checks] == [("all", 60), ("edge", 60)]
    assert found.checks[0].flips == 0.0 < found.checks[1].flips == found.flips


def test_the_two_sides_may_differ_in_confidence() -> None:
    spec, scores = ladder({"answer": {"all": 0.8}}, rule="confident"), exactly(88, 100)

    assert selftest(spec, evalset(100), scores).verdict is Verdict.MET
    assert selftest(spec, evalset(100), scores, confidences=Confidences(0.999, 0.95)).verdict is Verdict.INCONCLUSIVE


def test_cases_that_a_metric_did_not_score_are_left_out() -> None:
    scores = exactly(8, 10)

    assert judged(scores, 14).checks[0].n == 10


def test_cases_answered_less_often_limit_the_repeats() -> None:
    scores = {"answer": {"c0": [1.0, 1.0], "c1": [1.0], "c2": [0.0, 1.0]}}

    assert judged(scores, 3).repeats == 1


@pytest.mark.parametrize(
    ("scores", "resamples", "fault"),
    [
        ({}, 10, "no case of the slice is scored"),
        (exactly(3, 5), 0, "too few resamples"),
    ],
)
def test_what_cannot_be_tested_is_refused(scores: Repeats, resamples: int, fault: str) -> None:
    with pytest.raises(InvalidRequest, match=fault):
        judged(scores, 5, resamples=resamples)


def test_a_ladder_without_thresholds_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no thresholds"):
        selftest(ladder({}), evalset(3), {})


def test_the_flip_rate_is_that_of_fresh_eval_sets() -> None:
    drawn = [judged(repeated(200, 1, right(0.84), seed), 200) for seed in range(40)]

    assert sum(found.verdict is Verdict.SHORT for found in drawn) / 40 == pytest.approx(
        sum(found.flips if found.verdict is Verdict.MET else 1 - found.flips for found in drawn) / 40, abs=0.15
    )
