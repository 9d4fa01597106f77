"""A rung ends early only where no remaining case can change a verdict, and cases come in a fair order."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.curtailment import (
    Standing,
    Values,
    can_still_change,
    certain_verdict,
    order,
    standings,
)
from pytest_ladder.core.entries import Figure, Verdict
from pytest_ladder.core.intervals import bounds
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.thresholds import run_checks, verdict_of
from tests.builders import case, evalset, ladder


def one(
    threshold: float, scores: list[float | None], n: int, rule: str = "point", binary: tuple[str, ...] = ()
) -> Standing:
    """Where a threshold on `all` stands when the first of n cases have these scores."""
    known = {"answer": {f"c{i}": score for i, score in enumerate(scores)}}
    return standings(ladder({"answer": {"all": threshold}}, rule=rule), evalset(n), known, binary=binary)[0]


def test_a_mean_that_can_no_longer_fall_under_the_threshold_is_met() -> None:
    assert one(0.9, [1.0] * 89, 100).verdict is None
    assert one(0.9, [1.0] * 90, 100).verdict is Verdict.MET


def test_a_mean_that_can_no_longer_reach_the_threshold_is_short() -> None:
    assert one(0.9, [0.0] * 10, 100).verdict is None
    assert one(0.9, [0.0] * 11, 100).verdict is Verdict.SHORT


def test_graded_scores_count_as_what_they_are() -> None:
    assert one(0.5, [0.75] * 66, 100).verdict is None
    assert one(0.5, [0.75] * 67, 100).verdict is Verdict.MET


def test_the_range_of_the_final_mean_is_told() -> None:
    found = one(0.9, [1.0, 0.5, 0.0], 10)

    assert (found.answered, found.remaining) == (3, 7)
    assert (found.least, found.most) == pytest.approx((0.15, 0.85))


def test_a_case_that_could_not_be_scored_is_asked_and_does_not_count() -> None:
    found = one(0.5, [1.0, None, 1.0], 4)

    assert (found.answered, found.remaining) == (2, 1)
    assert found.verdict is Verdict.MET


def test_nothing_asked_settles_nothing() -> None:
    assert one(0.0, [], 10).verdict is None


def test_a_slice_in_which_nothing_could_be_scored_is_an_error() -> None:
    assert one(0.9, [None, None], 2).verdict is Verdict.ERROR


def test_confident_is_met_once_the_lower_bound_of_the_worst_end_is() -> None:
    assert bounds([1.0] * 58 + [0.0] * 3).low < 0.88 <= bounds([1.0] * 59 + [0.0] * 2).low

    assert one(0.88, [1.0] * 58, 61, "confident").verdict is None
    assert one(0.88, [1.0] * 59, 61, "confident").verdict is Verdict.MET


def test_confident_is_short_once_the_upper_bound_of_the_best_end_is() -> None:
    assert one(0.9, [0.0] * 10, 100, "confident").verdict is None
    found = one(0.9, [0.0] * 16, 100, "confident")

    assert found.verdict is Verdict.SHORT
    assert found.high == bounds([0.0] * 16 + [1.0] * 84).high


def test_confident_is_inconclusive_once_neither_end_can_decide() -> None:
    rows: list[float | None] = [1.0] * 90 + [0.0] * 8

    assert one(0.9, rows, 99, "confident", binary=("answer",)).verdict is Verdict.INCONCLUSIVE
    assert one(0.9, rows, 130, "confident", binary=("answer",)).verdict is None


def test_a_score_between_keeps_an_inconclusive_verdict_open_until_the_last_case() -> None:
    rows: list[float | None] = [1.0] * 90 + [0.0] * 8

    assert one(0.9, rows, 99, "confident").verdict is None
    assert one(0.9, [*rows, 0.5], 100, "confident", binary=("answer",)).verdict is None
    assert one(0.9, [*rows, 0.5], 99, "confident").verdict is Verdict.INCONCLUSIVE


def test_the_two_sides_may_differ_in_confidence() -> None:
    spec, known = ladder({"answer": {"all": 0.88}}, rule="confident"), {"answer": {f"c{i}": 1.0 for i in range(59)}}

    assert standings(spec, evalset(61), known)[0].verdict is Verdict.MET
    assert standings(spec, evalset(61), known, Confidences(0.99, 0.95))[0].verdict is None


def test_each_threshold_stands_for_itself() -> None:
    spec = ladder({"answer": {"all": 0.5, "edge": 0.9}})
    cases = EvalSet(tuple(case(f"c{i}", slices=("edge",) if i < 2 else ()) for i in range(10)))

    found = standings(spec, cases, {"answer": {f"c{i}": float(i > 0) for i in range(6)}})

    assert [(s.slice, s.verdict) for s in found] == [("all", Verdict.MET), ("edge", Verdict.SHORT)]
    assert not can_still_change(found)
    assert certain_verdict(found) is Verdict.SHORT


def test_one_threshold_that_is_open_leaves_the_verdicts_open_but_not_that_of_a_short_rung() -> None:
    cases = EvalSet(tuple(case(f"c{i}", slices=("edge",) if i < 2 else ()) for i in range(10)))
    found = standings(ladder({"answer": {"all": 0.5, "edge": 0.9}}), cases, {"answer": {"c0": 0.0, "c1": 1.0}})

    assert can_still_change(found)
    assert certain_verdict(found) is Verdict.SHORT


def test_ceilings_keep_a_rung_open_unless_it_is_short() -> None:
    met, short = (one(0.5, [score] * 10, 15) for score in (1.0, 0.0))

    assert can_still_change([met], limits=True)
    assert certain_verdict([met], limits=True) is None
    assert certain_verdict([short], limits=True) is Verdict.SHORT
    assert certain_verdict([met]) is Verdict.MET


def test_no_threshold_gives_no_verdict() -> None:
    assert certain_verdict([]) is None


# --- lossless, in every simulated case

scores = st.one_of(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 0.5, 1.0]), st.floats(0.0, 1.0))


@st.composite
def climbs(draw: st.DrawFn) -> tuple[Ladder, EvalSet, list[dict[str, float | None]]]:
    """A ladder, its cases, and the scores of each case in the order in which they are asked."""
    n = draw(st.integers(1, 60))
    kind = draw(st.sampled_from([st.just(1.0), st.sampled_from([0.0, 1.0, 1.0, 1.0]), scores]))
    member = [tuple(name for name in ("a", "b") if draw(st.booleans())) for _ in range(n)]
    cases = EvalSet(tuple(case(f"c{i}", slices=slices) for i, slices in enumerate(member)))
    levels = st.sampled_from([0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0])
    named = draw(st.lists(st.sampled_from(list(cases.slices)), min_size=1, unique=True))
    spec = ladder(
        {"answer": {name: draw(levels) for name in named}, "note": {"all": draw(levels)}},
        rule=draw(st.sampled_from(["point", "confident"])),
    )
    rows = [{metric: draw(st.one_of(kind, kind, kind, st.none())) for metric in ("answer", "note")} for _ in range(n)]
    return spec, cases, rows


def known(cases: EvalSet, rows: list[dict[str, float | None]], asked: int) -> Values:
    return {metric: {cases[i].id: rows[i][metric] for i in range(asked)} for metric in ("answer", "note")}


def binary(rows: list[dict[str, float | None]]) -> list[str]:
    """The metrics that could only score 0 or 1."""
    return [metric for metric in ("answer", "note") if all(row[metric] in (None, 0.0, 1.0) for row in rows)]


def whole(spec: Ladder, cases: EvalSet, rows: list[dict[str, float | None]]) -> list[Verdict]:
    """The verdict of each threshold on the whole set, as an evaluation has it, and that of the rung."""
    values, table, sure = known(cases, rows, len(cases)), {}, Confidences.of(spec)
    for metric in ("answer", "note"):
        table[metric] = {}
        for name, members in cases.slices.items():
            scored = [value for member in members if (value := values[metric][member.id]) is not None]
            if scored:
                found = bounds(scored, sure.met, spec.seed, of_high=sure.short)
                mean = sum(scored) / len(scored)
                table[metric][name] = Figure(mean, len(scored), found.low, found.high)
    checks = run_checks(table, {}, spec)
    return [*(check.verdict for check in checks), verdict_of(checks)]


@given(climbs())
def test_what_is_settled_is_what_the_whole_set_says(climb: tuple[Ladder, EvalSet, list[dict[str, float | None]]]):
    spec, cases, rows = climb
    *each, rung = whole(spec, cases, rows)

    for asked in range(len(cases) + 1):
        found = standings(spec, cases, known(cases, rows, asked), binary=binary(rows))
        for standing, verdict in zip(found, each, strict=True):
            assert standing.verdict in (None, verdict)
        if Verdict.ERROR not in each:
            assert certain_verdict(found) in (None, rung)


@given(climbs())
def test_the_last_case_settles_everything(climb: tuple[Ladder, EvalSet, list[dict[str, float | None]]]) -> None:
    spec, cases, rows = climb

    found = standings(spec, cases, known(cases, rows, len(cases)))

    assert not can_still_change(found)
    assert [standing.verdict for standing in found] == whole(spec, cases, rows)[:-1]


@given(climbs())
def test_what_is_settled_stays_settled(climb: tuple[Ladder, EvalSet, list[dict[str, float | None]]]) -> None:
    spec, cases, rows = climb
    before = standings(spec, cases, known(cases, rows, 0))

    for asked in range(1, len(cases) + 1):
        after = standings(spec, cases, known(cases, rows, asked))
        for one, other in zip(before, after, strict=True):
            assert one.verdict in (None, other.verdict)
        before = after


def test_far_from_the_target_most_cases_are_saved() -> None:
    def asked_of(right: float) -> int:
        rng, cases, spec = random.Random(4), evalset(400), ladder({"answer": {"all": 0.8}})
        rows = [float(rng.random() < right) for _ in range(400)]
        return next(
            k for k in range(401)
            if not can_still_change(standings(spec, cases, {"answer": {f"c{i}": rows[i] for i in range(k)}}))
        )  # fmt: skip

    assert asked_of(0.2) < 120 < 250 < asked_of(0.78)


# --- the order

MIXED = [
    *(case(f"a{i}", slices=("a",)) for i in range(60)), *(case(f"b{i}", slices=("b", "a")) for i in range(30)),
    *(case(f"n{i}") for i in range(10)),
]  # fmt: skip


def test_the_order_holds_every_case_once() -> None:
    assert Counter(c.id for c in order(MIXED, 1)) == Counter(c.id for c in MIXED)


def test_the_order_depends_on_the_seed_and_not_on_the_file() -> None:
    shuffled = random.Random(9).sample(MIXED, len(MIXED))

    assert [c.id for c in order(shuffled, 1)] == [c.id for c in order(MIXED, 1)]
    assert [c.id for c in order(MIXED, 2)] != [c.id for c in order(MIXED, 1)]


@pytest.mark.parametrize("seed", range(5))
def test_every_beginning_holds_each_slice_in_its_share(seed: int) -> None:
    ordered = order(MIXED, seed)

    for k in range(1, 101):
        counts = Counter(c.id[0] for c in ordered[:k])
        for stratum, share in (("a", 0.6), ("b", 0.3), ("n", 0.1)):
            assert abs(counts[stratum] - share * k) <= 2


def test_an_added_case_moves_no_others_of_its_stratum_past_one_another() -> None:
    before = [c.id for c in order(MIXED, 3) if c.slices == ("a",)]
    after = [c.id for c in order([*MIXED, case("new", slices=("a",))], 3) if c.slices == ("a",) and c.id != "new"]

    assert before == after


def test_a_slice_named_twice_makes_no_stratum_of_its_own() -> None:
    one, other = (order([Case("x", "q", slices=s), *MIXED], 1) for s in (("a",), ("a", "a")))

    assert [c.id for c in one] == [c.id for c in other]
