"""Several questions at once: adjusted p-values, and the share of the error that each rung gets."""

from __future__ import annotations

import random

import pytest

from pytest_ladder.core.multiplicity import holm, shared
from pytest_ladder.errors import InvalidRequest


def test_holm_multiplies_the_smallest_by_all_and_the_next_by_one_less() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})


def test_holm_keeps_names_and_order() -> None:
    assert list(holm({"z": 0.5, "a": 0.1})) == ["z", "a"]


def test_a_single_question_needs_no_correction() -> None:
    assert holm({"all": 0.04}) == {"all": 0.04}


def test_no_question_gives_no_answer() -> None:
    assert holm({}) == {}


def test_adjusted_values_never_pass_one() -> None:
    assert holm({"a": 0.6, "b": 0.9}) == {"a": 1.0, "b": 1.0}


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_p_value_is_refused(p: float) -> None:
    with pytest.raises(InvalidRequest, match="p-value of 'a': it is out of range"):
        holm({"a": p})


def test_holm_keeps_the_promise_where_some_questions_are_true() -> None:
    rng = random.Random(3)
    alarms = 0
    for _ in range(4000):
        null = {f"null{i}": rng.random() for i in range(4)}
        found = holm({**null, "real": rng.random() / 1000})
        alarms += any(found[name] <= 0.05 for name in null)

    assert 0.02 < alarms / 4000 <= 0.06


def test_each_rung_gets_an_equal_share_of_the_error() -> None:
    assert shared(0.95, 1) == 0.95
    assert shared(0.95, 5) == pytest.approx(0.99)


def test_the_shares_add_up_to_the_whole_error() -> None:
    assert 6 * (1 - shared(0.95, 6)) == pytest.approx(0.05)


@pytest.mark.parametrize(("confidence", "rungs"), [(0.95, 0), (1.0, 3), (0.4, 3)])
def test_a_share_of_nothing_is_refused(confidence: float, rungs: int) -> None:
    with pytest.raises(InvalidRequest, match="confidence"):
        shared(confidence, rungs)
