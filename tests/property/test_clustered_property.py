"""What holds of every comparison of cases that go together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ladder.core.differences import Difference, SliceComparison
from pytest_ladder.core.pairing import Pairs, compare_family
from pytest_ladder.core.power import detectable

right_or_wrong = st.sampled_from([0.0, 1.0])
graded = st.sampled_from([0.0, 0.25, 0.5, 1.0])
groups = st.integers(0, 9)
rows = st.one_of(
    st.lists(st.tuples(right_or_wrong, right_or_wrong, groups), min_size=1, max_size=40),
    st.lists(st.tuples(graded, graded, groups), min_size=1, max_size=30),
)
confidences = st.sampled_from([0.8, 0.95])
Rows = list[tuple[float, float, int]]


def judged(rows: Rows, confidence: float = 0.95, *, swap: bool = False, joined: bool = True) -> SliceComparison:
    before = {f"c{i}": row[swap] for i, row in enumerate(rows)}
    after = {f"c{i}": row[not swap] for i, row in enumerate(rows)}
    clusters = {f"c{i}": str(row[2]) for i, row in enumerate(rows)} if joined else {}
    pairs = Pairs(before, after, {"all": list(before)}, clusters)
    return compare_family({"m": pairs}, confidence=confidence)["m"].slices["all"]


@given(rows, confidences)
def test_bounds_hold_the_difference_and_never_contradict_the_verdict(rows: Rows, confidence: float) -> None:
    found = judged(rows, confidence)

    assert found.low is not None
    assert found.high is not None
    assert found.difference is not None
    assert -1.0 <= found.low <= found.difference + 1e-6
    assert found.difference - 1e-6 <= found.high <= 1.0
    if found.low > 0.0 or found.high < 0.0:
        assert found.verdict is (Difference.BETTER if found.low > 0 else Difference.WORSE)


@given(rows)
def test_units_are_the_clusters_and_no_p_value_is_below_what_they_allow(rows: Rows) -> None:
    found = judged(rows)

    assert found.units == len({row[2] for row in rows})
    assert found.moved <= found.units
    assert min(found.p_gain, found.p_loss) >= 0.5**found.moved - 1e-9
    assert (found.wins, found.losses) == (judged(rows, joined=False).wins, judged(rows, joined=False).losses)


@given(st.lists(st.tuples(right_or_wrong, right_or_wrong, groups), min_size=1, max_size=40))
def test_the_exact_parts_mirror_before_and_after(rows: Rows) -> None:
    one, other = judged(rows), judged(rows, swap=True)

    assert (one.won, one.lost) == (other.lost, other.won)
    assert one.difference == pytest.approx(-(other.difference or 0.0))
    if one.moved <= 9 and one.method == "exact McNemar test":
        assert (one.p_gain, one.p_loss) == (other.p_loss, other.p_gain)
        assert one.low == pytest.approx(-(other.high or 0.0), abs=1e-6)


@given(rows)
def test_a_detectable_difference_is_one(rows: Rows) -> None:
    least = detectable(judged(rows))

    assert least is None or 0.0 < least <= 1.0
