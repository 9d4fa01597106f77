"""Which cases two evaluations share, and what of them is compared."""

from __future__ import annotations

from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.comparing import pairs_of
from pytest_ladder.core.evaluation import grade
from pytest_ladder.core.scores import Score
from tests.builders import case, graded, ladder, record


def test_cases_are_matched_by_id_and_slices_are_those_after() -> None:
    before = graded({"a": 1.0, "b": 0.0, "gone": 1.0})
    after = graded(
        {"b": 1.0, "a": 0.5, "new": 1.0},
        cases=EvalSet((case("b", slices=("edge",)), case("a"), case("new", slices=("edge",)))),
    )

    found = pairs_of(before, after, "answer", {"a": "doc", "b": "doc"})

    assert found.before == {"a": 1.0, "b": 0.0}
    assert found.after == {"b": 1.0, "a": 0.5}
    assert found.slices == {"all": ["b", "a", "new"], "edge": ["b", "new"]}
    assert found.clusters == {"a": "doc", "b": "doc"}
    assert found.of("edge") == ["b"]


def test_a_case_that_was_rewritten_is_another_one() -> None:
    before = graded({"a": 1.0, "b": 0.0})
    after = graded({"a": 1.0, "b": 1.0}, cases=EvalSet((case("a"), case("b", input="another question"))))

    found = pairs_of(before, after, "answer")

    assert (found.before, found.after) == ({"a": 1.0}, {"a": 1.0})


def test_a_case_scores_the_mean_of_its_repeats() -> None:
    outcomes = {("a", 0, "answer"): Score(1.0), ("a", 1, "answer"): Score(0.0)}
    before = grade(
        ladder(repeats=2), "rag", EvalSet((case("a"),)), [record("a"), record("a", 1)], [], outcomes
    )  # fmt: skip

    assert pairs_of(before, before, "answer").before == {"a": 0.5}


def test_a_case_without_an_answer_is_no_pair() -> None:
    cases = EvalSet((case("a"), case("b")))
    before = graded({"a": 1.0, "b": 1.0})
    after = graded({"a": 1.0}, cases=cases)

    assert pairs_of(before, after, "answer").of("all") == ["a"]
