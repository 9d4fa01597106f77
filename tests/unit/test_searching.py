"""Which prompts are tried on how many cases: within the calls, the same again, and never worse than the start."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ladder.core.searching import START, Candidate, Plan, Race, Round, Space, mean, planned, run_race
from pytest_ladder.errors import ModelFailed

SCORES = st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=12, max_size=12), min_size=2, max_size=20)


def race(plan: Plan, scores: Sequence[Sequence[float | None]]) -> tuple[Race, list[tuple[int, int]]]:
    """Run a race over a table of scores, None for an answer that fails; what was asked with it."""
    asked: list[tuple[int, int]] = []

    async def evaluate(pairs: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], float]:
        asked.extend(pairs)
        known = {pair: scores[pair[0]][pair[1]] for pair in pairs}
        return {pair: score for pair, score in known.items() if score is not None}

    return asyncio.run(run_race(plan, evaluate)), asked


def test_the_plan_doubles_the_cases_and_halves_the_candidates():
    assert planned(16, 40, 200) == Plan((Round(16, 5), Round(8, 10), Round(4, 20), Round(2, 40)))
    assert Plan((Round(16, 5), Round(8, 10), Round(4, 20), Round(2, 40))).answers == 80 + 40 + 40 + 40


@pytest.mark.parametrize(
    ("most", "candidates", "cases"), [(200, 16, 40), (199, 15, 40), (119, 4, 39), (23, 3, 8), (16, 2, 8), (2, 2, 1)]
)
def test_too_few_calls_take_candidates_first_and_cases_then(most: int, candidates: int, cases: int):
    plan = planned(16, 40, most)
    assert plan is not None
    assert (plan.rounds[0].candidates, plan.rounds[-1].cases) == (candidates, cases)


def test_one_call_compares_nothing():
    assert planned(16, 40, 1) is None


@given(candidates=st.integers(2, 60), cases=st.integers(1, 300), most=st.integers(0, 2000))
def test_no_plan_takes_more_answers_than_there_are(candidates: int, cases: int, most: int):
    plan = planned(candidates, cases, most)
    if plan is None:
        assert most < 2
        return
    assert plan.answers <= most
    assert [now.cases for now in plan.rounds] == sorted(now.cases for now in plan.rounds)
    assert 2 <= plan.rounds[0].candidates <= candidates
    assert 1 <= plan.rounds[-1].cases <= cases


@given(scores=SCORES, most=st.integers(2, 400))
def test_a_race_keeps_to_its_plan_asks_nothing_twice_and_never_ends_worse_than_the_start(
    scores: list[list[float]], most: int
):
    plan = planned(len(scores), 12, most)
    assert plan is not None
    found, asked = race(plan, scores)
    last = plan.rounds[-1].cases
    assert len(asked) == len(set(asked)) <= plan.answers <= most
    assert found.values[START] == scores[START][:last]
    assert mean(found.values[found.best]) == mean(scores[found.best][:last]) >= mean(scores[START][:last])
    assert [cases for cases, _ in found.points] == [now.cases for now in plan.rounds]
    assert found.points[-1][1] == mean(found.values[found.best])


@given(scores=SCORES)
def test_the_same_scores_end_the_same(scores: list[list[float]]):
    plan = planned(len(scores), 12, 400)
    assert plan is not None
    assert race(plan, scores) == race(plan, scores)


def test_equal_scores_leave_the_earlier_prompt_in_front():
    plan = planned(4, 4, 100)
    assert plan is not None
    assert race(plan, [[1.0, 0, 0, 0]] * 4)[0].best == START


def test_a_prompt_whose_answers_fail_is_out_and_the_start_must_answer():
    plan = planned(3, 4, 100)
    assert plan is not None
    found, _ = race(plan, [[0.0] * 4, [1.0, None, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0]])
    assert (found.best, found.failed) == (2, [1])
    with pytest.raises(ModelFailed, match="begins with has cases without an answer"):
        race(plan, [[None] * 4, [1.0] * 4, [1.0] * 4])


SPACES = st.builds(Space, st.integers(1, 5), st.integers(0, 9), st.integers(0, 6), st.integers(0, 99))


def fits(space: Space, one: Candidate) -> bool:
    return (
        one.instruction < space.instructions
        and len(one.demos) == len(set(one.demos)) <= space.shown
        and all(place < space.demos for place in one.demos)
    )


@given(space=SPACES, count=st.integers(2, 30))
def test_what_is_drawn_is_different_fits_and_is_drawn_again_by_the_same_seed(space: Space, count: int):
    found = space.drawn(count)
    assert found[0] == Candidate(START)
    assert len(found) == len(set(found)) <= count
    assert all(fits(space, one) for one in found)
    assert found == space.drawn(count)


@given(space=SPACES, turn=st.integers(0, 5))
def test_neighbours_fit_differ_from_the_best_and_are_near(space: Space, turn: int):
    best = space.drawn(8)[-1]
    near = space.near(best, 6, turn)
    assert best not in near
    assert len(near) == len(set(near)) <= 6
    for one in near:
        assert fits(space, one)
        assert (one.instruction == best.instruction) or one.demos == best.demos
        assert abs(len(one.demos) - len(best.demos)) <= 1
        assert len(set(one.demos) ^ set(best.demos)) <= 2


def test_another_turn_draws_other_neighbours_and_another_seed_other_candidates():
    space, best = Space(2, 50, 4, 1), Candidate(0, (1, 2, 3))
    assert space.near(best, 6, 0) != space.near(best, 6, 1)
    assert space.drawn(16) != Space(2, 50, 4, 2).drawn(16)


def test_simple_prompts_come_first():
    assert Space(3, 9, 4, 0).drawn(16)[:4] == [
        Candidate(0), Candidate(0, (0, 1, 2, 3)), Candidate(1), Candidate(2)
    ]  # fmt: skip
    assert Space(30, 9, 4, 0).drawn(8)[5].demos


def test_no_scores_have_no_mean_but_count_as_none():
    assert mean([]) == 0.0
    assert math.isclose(mean([0.1] * 10), 0.1)
