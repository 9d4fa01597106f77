"""What holds of every score, whatever the answers."""

from __future__ import annotations

import random
from dataclasses import fields
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.evaluation import grade
from pytest_ladder.core.intervals import bounds
from pytest_ladder.core.scorers import SCORERS, apply, build_scorer
from pytest_ladder.core.scores import Score, Scored, Unscored
from tests.builders import case, ladder, record

unit = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0.0, 1.0))
values = st.lists(unit, min_size=1, max_size=30)
confidences = st.floats(0.5, 0.999)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.just("[kb-1] 12")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
answers = st.builds(Answer, text=st.text(max_size=40), parsed=json_values, retrieved=st.tuples(st.text(max_size=5)))
cases = st.builds(
    Case, st.just("c"), st.just("q"), json_values, evidence=st.tuples(st.text(max_size=5)),
    metadata=st.dictionaries(st.sampled_from(["should_abstain", "x"]), json_values),
)  # fmt: skip
REQUIRED: dict[str, dict[str, Any]] = {
    "label": {"labels": ["yes", "no"]},
    "json_schema": {"schema": {"type": "object"}},
    "style": {"require": ["a"], "forbid": ["b"]},
}
OPTIONS = {name: {option.name for option in fields(SCORERS[name].args[1])} for name in SCORERS}  # type: ignore[attr-defined]


@given(values, confidences, st.integers(0, 9))
def test_a_mean_lies_within_its_bounds(scores: list[float], confidence: float, seed: int) -> None:
    found = bounds(scores, confidence, seed)

    assert 0.0 <= found.low <= sum(scores) / len(scores) + 1e-12
    assert sum(scores) / len(scores) - 1e-12 <= found.high <= 1.0
    assert found.low < found.high or confidence < 0.8


@given(values, confidences, confidences)
def test_more_confidence_never_narrows_the_bounds(scores: list[float], one: float, other: float) -> None:
    less, more = (bounds(scores, confidence) for confidence in sorted((one, other)))

    assert more.low <= less.low
    assert less.high <= more.high


@given(values, st.randoms(use_true_random=False))
def test_the_order_of_scores_never_matters(scores: list[float], shuffler: random.Random) -> None:
    shuffled = scores[:]
    shuffler.shuffle(shuffled)

    assert bounds(shuffled) == bounds(scores)


@given(values)
def test_graded_scores_never_get_wider_bounds_than_their_worst_case(scores: list[float]) -> None:
    right, n = sum(scores), len(scores)
    fewest, most = int(right + 1e-9), -int(-(right - 1e-9) // 1)

    found = bounds(scores)

    assert found.low >= bounds([1.0] * fewest + [0.0] * (n - fewest)).low - 1e-6
    assert found.high <= bounds([1.0] * most + [0.0] * (n - most)).high + 1e-6


@given(st.lists(st.one_of(unit, st.none()), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_cases_and_records_never_matters(scores: list[float | None], shuffler: random.Random) -> None:
    rows = [(case(f"c{i}", slices=("odd",) if i % 2 else ()), score) for i, score in enumerate(scores)]
    outcomes = {
        (c.id, 0, "answer"): Unscored("no") if score is None else Score(score) for c, score in rows
    }  # fmt: skip
    shuffled = rows[:]
    shuffler.shuffle(shuffled)

    one, other = (
        grade(ladder(), "prompt", EvalSet(tuple(c for c, _ in order)), [record(c.id) for c, _ in order], [], outcomes)
        for order in (rows, shuffled)
    )

    assert one.scores == other.scores
    assert (one.verdict, one.errors, one.checks) == (other.verdict, other.errors, other.checks)
    assert [r.case.id for r in one.worst(20)] == [r.case.id for r in other.worst(20)]


@given(st.sampled_from(sorted(SCORERS)), cases, answers, st.frozensets(st.text(max_size=5), max_size=2), st.booleans())
def test_a_scorer_never_raises_and_never_leaves_the_scale(
    name: str, what: Case, answer: Answer, corpus: frozenset[str], by_field: bool
) -> None:
    options = {**REQUIRED.get(name, {}), **({"field": "x"} if by_field and "field" in OPTIONS[name] else {})}

    found = apply(build_scorer(name, options), Scored(what, answer, dict.fromkeys(corpus, "q")))

    assert isinstance(found, Unscored) or 0.0 <= found.value <= 1.0


@given(st.one_of(json_values, st.builds(Score, st.floats()), st.builds(Score, json_values), st.complex_numbers()))
def test_whatever_a_scorer_returns_becomes_an_outcome(returned: Any) -> None:
    found = apply(lambda _: returned, Scored(case(), Answer("yes")))

    assert isinstance(found, Unscored) or 0.0 <= found.value <= 1.0


@given(st.text(max_size=60))
def test_an_answer_that_is_the_expected_text_is_right(text: str) -> None:
    what = Scored(Case("c", "q", text), Answer(text))

    assert apply(build_scorer("exact_match", {}), what) == Score(1.0)
    assert apply(build_scorer("token_f1", {}), what) == Score(1.0)
