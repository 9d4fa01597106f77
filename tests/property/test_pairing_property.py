"""What holds of every comparison, whatever the scores."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ladder.core.differences import Difference, SliceComparison
from pytest_ladder.core.mcnemar import mcnemar, proportion_bounds
from pytest_ladder.core.multiplicity import holm
from pytest_ladder.core.pairing import compare
from pytest_ladder.core.power import detectable_effect, is_plateau

right_or_wrong = st.sampled_from([0.0, 1.0])
unit = st.one_of(right_or_wrong, st.sampled_from([0.25, 0.5]), st.floats(0.0, 1.0))
pairs = st.one_of(
    st.lists(st.tuples(right_or_wrong, right_or_wrong), min_size=1, max_size=60),
    st.lists(st.tuples(unit, unit), min_size=1, max_size=40),
)
confidences = st.sampled_from([0.8, 0.9, 0.95, 0.99])


def judged(rows: list[tuple[float, float]], confidence: float, swap: bool = False) -> SliceComparison:
    before = {f"c{i}": row[swap] for i, row in enumerate(rows)}
    after = {f"c{i}": row[not swap] for i, row in enumerate(rows)}
    return compare(before, after, {"all": list(before)}, confidence=confidence).slices["all"]


@given(pairs, confidences)
def test_the_difference_lies_within_its_bounds(rows: list[tuple[float, float]], confidence: float) -> None:
    found = judged(rows, confidence)

    assert found.low is not None
    assert found.high is not None
    assert found.difference is not None
    assert -1.0 <= found.low <= found.difference + 1e-6
    assert found.difference - 1e-6 <= found.high <= 1.0


@given(pairs, confidences)
def test_pairs_are_won_tied_or_lost(rows: list[tuple[float, float]], confidence: float) -> None:
    found = judged(rows, confidence)

    assert found.wins + found.ties + found.losses == found.n == len(rows)
    assert (len(found.won), len(found.lost)) == (found.wins, found.losses)


@given(pairs, confidences)
def test_bounds_and_verdict_never_contradict(rows: list[tuple[float, float]], confidence: float) -> None:
    found = judged(rows, confidence)

    assert found.low is not None
    assert found.high is not None
    if found.low > 0.0 or found.high < 0.0:
        assert found.verdict is (Difference.BETTER if found.low > 0 else Difference.WORSE)
    if found.verdict in (Difference.TOO_FEW, Difference.NO_DIFFERENCE):
        assert found.low <= 0.0 <= found.high
        assert not found.regression


@given(st.lists(st.tuples(right_or_wrong, right_or_wrong), min_size=1, max_size=60), confidences)
def test_before_and_after_mirror_one_another(rows: list[tuple[float, float]], confidence: float) -> None:
    one, other = judged(rows, confidence), judged(rows, confidence, swap=True)

    assert (one.won, one.lost, one.p_gain) == (other.lost, other.won, other.p_loss)
    assert one.low == pytest.approx(-(other.high or 0.0), abs=1e-6)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 400), confidences)
def test_where_the_exact_test_shows_a_gain_the_interval_excludes_zero(
    wins: int, losses: int, more: int, confidence: float
) -> None:
    if mcnemar(wins, losses)[0] <= 1 - confidence:
        assert proportion_bounds(wins, losses, wins + losses + more - 1, confidence)[0] > 0.0


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=8))
def test_holm_keeps_the_order_and_only_raises(given_: dict[str, float]) -> None:
    found = holm(given_)

    for name, p in given_.items():
        assert p <= found[name] <= min(1.0, len(given_) * p + 1e-12)
        assert all(found[name] <= found[other] for other in given_ if p < given_[other])


@given(st.integers(5, 300), st.floats(0.0, 1.0), st.floats(0.3, 0.99))
def test_more_pairs_and_less_power_detect_smaller_effects(n: int, discordance: float, power: float) -> None:
    effect = detectable_effect(n, discordance, power=power)
    many = detectable_effect(4 * n, discordance, power=power)
    weaker = detectable_effect(n, discordance, power=power / 2)

    assert effect is not None
    assert many is not None
    assert weaker is not None
    assert 0.0 < many <= effect <= 1.0
    assert weaker <= effect


@given(pairs, st.floats(0.001, 1.0))
def test_a_plateau_is_no_gain_and_no_loss(rows: list[tuple[float, float]], min_effect: float) -> None:
    found = judged(rows, 0.95)

    if is_plateau(found, min_effect):
        assert found.verdict in (Difference.NO_DIFFERENCE, Difference.TOO_FEW)
        assert is_plateau(found, 1.0)
    assert not is_plateau(found, 0.0)
