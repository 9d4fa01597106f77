"""From recorded answers to an evaluation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_ladder.core.answers import CaseError, Usage
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.entries import Figure, Verdict
from pytest_ladder.core.evaluation import Evaluation, failed_cases, grade
from pytest_ladder.core.intervals import bounds
from pytest_ladder.core.ladder import DecisionPolicy, Limits
from pytest_ladder.core.scores import MetricSpec, Score, Unscored
from pytest_ladder.errors import InvalidRequest
from tests.builders import call, case, evalset, graded, ladder, record

NO_LIMITS = Limits()
TWO = EvalSet((case("c1", slices=("edge",)), case("c2")))


def test_every_metric_gets_a_figure_on_all_and_on_every_slice() -> None:
    spec = ladder(metrics=(MetricSpec("answer", "exact_match"), MetricSpec("extra", "exact_match")))
    outcomes = {("c1", 0, "answer"): Score(1.0), ("c2", 0, "answer"): Score(0.0), ("c1", 0, "extra"): Score(1.0)}

    found = grade(spec, "prompt", TWO, [record("c1"), record("c2")], [], outcomes)

    assert found.scores == {
        "answer": {"all": Figure(0.5, 2, *_both([1.0, 0.0])), "edge": Figure(1.0, 1, 0.05, 1.0)},
        "extra": {"all": Figure(1.0, 1, 0.05, 1.0, unscored=1), "edge": Figure(1.0, 1, 0.05, 1.0)},
    }
    assert (found.ladder, found.rung, found.repeats) == ("support", "prompt", 1)
    assert found.errors == 0, "the metric that misses a score has no threshold"


def _both(values: list[float]) -> tuple[float, float]:
    found = bounds(values)
    return found.low, found.high


def test_a_case_scores_the_mean_of_its_repeats_and_counts_once() -> None:
    spec = ladder({"answer": {"all": 0.5}}, repeats=3)
    outcomes = {("c1", i, "answer"): Score(v, note) for i, (v, note) in enumerate([(1, "a"), (0, "b"), (0.5, "c")])}

    found = grade(spec, "prompt", EvalSet((case("c1"),)), [record("c1", i) for i in (2, 0, 1)], [], outcomes)

    assert found.cases[0].scores == {"answer": Score(0.5, "b")}
    assert found.figure("answer").n == 1
    assert len(found.cases[0].answers) == 3


def test_a_case_with_one_unscored_repeat_is_unscored() -> None:
    spec = ladder(repeats=2)
    outcomes = {("c1", 0, "answer"): Score(1.0), ("c1", 1, "answer"): Unscored("no judge")}

    found = grade(spec, "prompt", EvalSet((case("c1"),)), [record("c1"), record("c1", 1)], [], outcomes)

    assert found.cases[0].scores == {"answer": Unscored("no judge")}
    assert (found.errors, found.verdict) == (1, Verdict.ERROR)


def test_a_case_need_be_scored_only_by_what_a_threshold_asks_of_its_slices() -> None:
    spec = ladder({"answer": {"edge": 0.5}})
    unscored = {("c1", 0, "answer"): Score(1.0), ("c2", 0, "answer"): Unscored("the case names no evidence")}

    found = grade(spec, "prompt", TWO, [record("c1"), record("c2")], [], unscored)
    assert (found.errors, found.verdict) == (0, Verdict.MET)
    assert found.scores["answer"]["all"].unscored == 1, "it is counted where it is"

    swapped = {("c1", 0, "answer"): Unscored("the case names no evidence"), ("c2", 0, "answer"): Score(1.0)}
    found = grade(spec, "prompt", TWO, [record("c1"), record("c2")], [], swapped)
    assert (found.errors, found.verdict) == (1, Verdict.ERROR)


def test_of_a_slice_that_decides_no_more_may_go_unscored_than_may_be_in_error() -> None:
    cases = EvalSet(tuple(case(f"c{n}", slices=("edge",) if n < 4 else ()) for n in range(40)))
    spec = ladder({"answer": {"edge": 0.5}}, decision=DecisionPolicy(max_error_rate=0.1))
    answers = [record(one.id) for one in cases]
    scored = {("c0", 0, "answer"): Score(1.0)}

    found = grade(spec, "prompt", cases, answers, [], scored)
    assert (found.errors, found.verdict) == (3, Verdict.ERROR), "3 of 40 are few, 3 of the 4 that decide are not"

    whole = {(f"c{n}", 0, "answer"): Score(1.0) for n in range(4)}
    assert grade(spec, "prompt", cases, answers, [], whole).verdict == Verdict.MET


def test_a_case_in_error_is_unscored_with_the_reason_and_never_zero() -> None:
    fault = CaseError("c2", 0, "took 30 s", "timeout")

    found = grade(ladder(), "prompt", TWO, [record("c1")], [fault], {("c1", 0, "answer"): Score(1.0)})

    assert found.cases[1].error == fault
    assert found.cases[1].scores == {"answer": Unscored("timeout: took 30 s")}
    assert found.score("answer") == 1.0
    assert (found.errors, found.verdict) == (1, Verdict.ERROR)


def test_a_case_that_lacks_an_answer_is_missing() -> None:
    found = grade(ladder(), "prompt", TWO, [record("c1")], [], {("c1", 0, "answer"): Score(1.0)})

    assert found.cases[1].error == CaseError("c2", 0, "there is no answer", "missing")
    assert found.errors == 1


def test_scores_alone_are_graded_where_the_answers_are_not_committed() -> None:
    outcomes = {("c1", 0, "answer"): Score(1.0), ("c2", 0, "answer"): Score(1.0)}

    found = grade(ladder(), "prompt", TWO, [], [], outcomes)

    assert (found.verdict, found.errors, found.cases[0].answers) == (Verdict.MET, 0, ())


def test_a_share_of_errors_may_be_allowed() -> None:
    outcomes = {("c1", 0, "answer"): Score(1.0)}
    half = ladder(decision=DecisionPolicy(max_error_rate=0.5))
    less = ladder(decision=DecisionPolicy(max_error_rate=0.49))

    assert grade(half, "prompt", TWO, [record("c1")], [], outcomes).verdict is Verdict.MET
    assert grade(less, "prompt", TWO, [record("c1")], [], outcomes).verdict is Verdict.ERROR


def test_a_threshold_whose_slice_has_no_score_is_an_error_whatever_the_error_rate() -> None:
    spec = ladder({"answer": {"edge": 0.5}}, decision=DecisionPolicy(max_error_rate=1.0))

    found = grade(spec, "prompt", TWO, [record("c2")], [], {("c2", 0, "answer"): Score(1.0)})

    assert found.verdict is Verdict.ERROR
    with pytest.raises(InvalidRequest, match="no case of slice 'edge' has a score by 'answer'"):
        found.score("answer", "edge")


def test_an_empty_eval_set_is_an_error() -> None:
    assert grade(ladder(), "prompt", EvalSet(()), [], [], {}).verdict is Verdict.ERROR


def test_records_and_outcomes_of_other_cases_and_repeats_do_not_count() -> None:
    strangers = [record("gone", calls=[call()]), record("c1", 1, calls=[call()])]

    found = grade(
        ladder(), "prompt", EvalSet((case("c1"),)), [record("c1"), *strangers], [CaseError("gone", 0, "x")],
        {("c1", 0, "answer"): Score(1.0), ("gone", 0, "answer"): Score(0.0)},
    )  # fmt: skip

    assert (found.score("answer"), found.errors, found.usage) == (1.0, 0, Usage())


def test_the_last_record_of_a_key_counts() -> None:
    records = [record("c1", text="old", latency_s=9.0), record("c1", text="new", latency_s=1.0)]

    found = grade(ladder(), "prompt", EvalSet((case("c1"),)), records, [], {("c1", 0, "answer"): Score(1.0)})

    assert found.cases[0].answers[0].text == "new"
    assert found.latency == {"p50": 1.0, "p95": 1.0}


def test_the_rule_decides_the_verdict() -> None:
    values = {f"c{i}": 1.0 for i in range(20)}

    assert graded(values).verdict is Verdict.MET
    assert graded(values).met
    assert graded(values, ladder(rule="confident")).verdict is Verdict.INCONCLUSIVE


# --- usage, limits, models, recall


def answered(n: int, *, limits: Limits = NO_LIMITS, latency_s: float = 1.0, cost_usd: float = 0.0) -> Evaluation:
    cases = evalset(n)
    records = [record(c.id, calls=[call(cost_usd=cost_usd)] * 2, latency_s=latency_s) for c in cases]
    outcomes = {(c.id, 0, "answer"): Score(1.0) for c in cases}
    return grade(ladder(limits=limits), "prompt", cases, records, [], outcomes, asked=1)


def test_usage_adds_up_over_all_calls() -> None:
    assert answered(3, cost_usd=0.5).usage == Usage(6, 60, 12, 3.0)
    assert answered(3).asked == 1


def test_an_evaluation_is_shown_without_its_cases() -> None:
    evaluation = graded({"c0": 1.0})

    assert repr(evaluation) == f"<Evaluation of {evaluation.rung}: {evaluation.verdict}, 1 cases>"


def test_limits_are_measured_where_they_are_declared() -> None:
    found = answered(60, limits=Limits(cost_per_case=0.9, latency_p95=1.0), cost_usd=0.5)

    assert found.limits == {"cost_per_case": 1.0, "latency_p95": 1.0}
    assert [(check.metric, check.verdict) for check in found.missed()] == [("cost_per_case", Verdict.SHORT)]
    assert found.verdict is Verdict.SHORT
    assert answered(60).limits == {}


def test_a_latency_limit_is_not_measured_on_fewer_than_sixty_answers() -> None:
    found = answered(59, limits=Limits(latency_p95=1.0))

    assert found.limits == {"latency_p95": None}
    assert found.latency["p95"] == 1.0
    assert found.verdict is Verdict.INCONCLUSIVE


def test_without_answers_there_is_no_latency() -> None:
    spec = ladder(limits=Limits(cost_per_case=1.0))

    found = grade(spec, "prompt", TWO, [], [], {})

    assert found.latency == {"p50": None, "p95": None}
    assert found.limits == {"cost_per_case": None}


def test_models_that_answer_under_several_names_are_told() -> None:
    calls = [call("a", "a-1"), call("b", "b-1"), call("a", "a-2")]
    outcomes = {("c1", 0, "answer"): Score(1.0)}

    found = grade(ladder(), "prompt", EvalSet((case("c1"),)), [record("c1", calls=calls)], [], outcomes)

    assert found.model_returned == ("a-1", "a-2", "b-1")
    assert found.mixed_models == ("a",)
    assert found.verdict is Verdict.ERROR
    assert answered(2).mixed_models == ()


def recall(*found: tuple[tuple[str, ...], tuple[str, ...]]) -> float | None:
    """The recall of cases given as (evidence, retrieved)."""
    cases = EvalSet(tuple(case(f"c{i}", evidence=evidence) for i, (evidence, _) in enumerate(found)))
    records = [record(f"c{i}", retrieved=retrieved) for i, (_, retrieved) in enumerate(found)]
    return grade(ladder(), "rag", cases, records, [], {}).recall


def test_recall_is_the_mean_share_of_evidence_retrieved() -> None:
    assert recall((("a", "b"), ("b", "x")), (("a",), ("a",)), ((), ("x",))) == 0.75
    assert recall((("a",), ()), (("a",), ("a",))) == 0.5


def test_there_is_no_recall_without_evidence_or_without_retrieval() -> None:
    assert recall((("a",), ())) is None
    assert recall(((), ("a",))) is None


# --- asking an evaluation


SPLIT = EvalSet((case("c1", slices=("edge",)), case("c2", slices=("edge",)), case("c3"), case("c4"), case("c5")))
VALUES = {"c1": 0.5, "c2": 1.0, "c3": 0.0, "c4": 0.0, "c5": 1.0}


def test_an_unknown_metric_or_slice_is_answered_with_the_known_ones() -> None:
    found = graded(VALUES, cases=SPLIT)

    with pytest.raises(InvalidRequest, match=r"unknown metric, got 'anwser'; expected one of answer. Did you mean"):
        found.score("anwser")
    with pytest.raises(InvalidRequest, match=r"unknown slice, got 'egde'; expected one of all, edge. Did you mean"):
        found.score("answer", slice="egde")


def test_score_and_figure_tell_the_same_mean() -> None:
    found = graded(VALUES, cases=SPLIT)

    assert found.score("answer", slice="edge") == found.figure("answer", "edge").mean == 0.75
    assert found.score("answer") == 0.5


def test_the_worst_cases_are_the_lowest_then_by_id() -> None:
    found = graded(VALUES, cases=SPLIT)

    assert [r.case.id for r in found.worst(10)] == ["c3", "c4", "c1"]
    assert [r.case.id for r in found.worst(2, "answer")] == ["c3", "c4"]
    assert [r.case.id for r in found.worst(2, slice="edge")] == ["c1"]
    with pytest.raises(InvalidRequest, match="unknown metric"):
        found.worst(1, "extra")


def test_a_case_fails_only_within_a_slice_whose_check_is_missed() -> None:
    only_edge_missed = ladder({"answer": {"all": 0.4, "edge": 0.8}})

    assert [r.case.id for r in failed_cases(graded(VALUES, only_edge_missed, SPLIT))] == ["c1"]
    assert [r.case.id for r in failed_cases(graded(VALUES, cases=SPLIT))] == ["c1", "c3", "c4"]


def test_where_everything_is_met_no_case_fails() -> None:
    assert failed_cases(graded(VALUES, ladder({"answer": {"all": 0.5}}), SPLIT)) == ()


def test_an_undecided_check_leaves_its_failures_to_be_diagnosed() -> None:
    found = graded(VALUES, ladder({"answer": {"all": 0.5}}, rule="confident"), SPLIT)

    assert found.verdict is Verdict.INCONCLUSIVE
    assert len(failed_cases(found)) == 3


def test_a_case_in_error_is_no_failure_to_diagnose() -> None:
    found = grade(ladder(), "prompt", TWO, [record("c1")], [], {("c1", 0, "answer"): Score(0.0)})

    assert [r.case.id for r in failed_cases(found)] == ["c1"]


def test_a_missed_limit_alone_leaves_no_case_to_diagnose() -> None:
    spec = ladder({"answer": {"all": 0.4}}, limits=Limits(cost_per_case=0.0))
    found = graded(VALUES, spec, SPLIT)
    dear = replace(found, checks=tuple(replace(c, verdict=Verdict.SHORT) for c in found.checks if c.kind == "limit"))

    assert failed_cases(dear) == ()
