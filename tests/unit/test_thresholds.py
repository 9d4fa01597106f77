"""Verdicts, and thresholds that no answer could settle."""

from __future__ import annotations

import pytest

from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.entries import Figure, Verdict
from pytest_ladder.core.intervals import bounds
from pytest_ladder.core.ladder import DecisionPolicy, Limits
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.core.thresholds import (
    Check,
    check_limit,
    check_threshold,
    impossible,
    missing_cases,
    more_cases,
    run_checks,
    undecidable,
    verdict_of,
    within_noise,
)
from tests.builders import case, evalset, ladder

MET, SHORT, INCONCLUSIVE, ERROR = Verdict.MET, Verdict.SHORT, Verdict.INCONCLUSIVE, Verdict.ERROR
NOTHING = Figure(None, 0, None, None, unscored=3)
SURE = Confidences(0.95, 0.95)


def figure(right: int, n: int, confidence: float = 0.95) -> Figure:
    found = bounds([1.0] * right + [0.0] * (n - right), confidence)
    return Figure(right / n, n, found.low, found.high)


@pytest.mark.parametrize(
    ("mean", "low", "high", "point", "confident"),
    [
        (0.95, 0.91, 0.98, MET, MET),
        (0.95, 0.90, 0.98, MET, MET),
        (0.90, 0.80, 0.95, MET, INCONCLUSIVE),
        (0.85, 0.80, 0.90, SHORT, INCONCLUSIVE),
        (0.80, 0.70, 0.89, SHORT, SHORT),
    ],
)
def test_a_verdict_goes_by_the_mean_or_by_the_interval(
    mean: float, low: float, high: float, point: Verdict, confident: Verdict
) -> None:
    found = Figure(mean, 40, low, high)

    assert check_threshold(found, 0.90, "point") is point
    assert check_threshold(found, 0.90, "confident") is confident


def test_floating_point_never_misses_a_threshold() -> None:
    assert check_threshold(Figure((0.1 + 0.2) / 3 * 3, 3, 0.0, 1.0), 0.3, "point") is MET
    assert check_threshold(Figure(0.3 - 1e-12, 3, 0.0, 1.0), 0.3, "point") is MET


@pytest.mark.parametrize("rule", ["point", "confident"])
def test_a_figure_without_cases_is_an_error(rule: str) -> None:
    assert check_threshold(NOTHING, 0.0, rule) is ERROR


@pytest.mark.parametrize(("value", "verdict"), [(0.9, MET), (1.0, MET), (1.1, SHORT), (None, INCONCLUSIVE)])
def test_a_limit_is_a_ceiling(value: float | None, verdict: Verdict) -> None:
    assert check_limit(value, 1.0) is verdict


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        ([MET, MET], MET),
        ([MET, INCONCLUSIVE], INCONCLUSIVE),
        ([MET, INCONCLUSIVE, SHORT], SHORT),
        ([SHORT, ERROR, MET], ERROR),
        ([], INCONCLUSIVE),
    ],
)
def test_the_verdict_of_many_checks(verdicts: list[Verdict], verdict: Verdict) -> None:
    assert verdict_of([Check("answer", "all", 0.9, NOTHING, found) for found in verdicts]) is verdict


def test_every_threshold_and_every_declared_limit_is_checked() -> None:
    spec = ladder({"answer": {"all": 0.9, "edge": 0.5}}, limits=Limits(latency_p95=2.0))
    scores = {"answer": {"all": figure(19, 20), "edge": figure(1, 4)}}

    checks = run_checks(scores, {"latency_p95": 1.5}, spec)

    assert [(c.metric, c.slice, c.kind, c.threshold, c.value, c.verdict) for c in checks] == [
        ("answer", "all", "threshold", 0.9, None, MET),
        ("answer", "edge", "threshold", 0.5, None, SHORT),
        ("latency_p95", "all", "limit", 2.0, 1.5, MET),
    ]


def test_a_threshold_on_a_slice_that_was_not_measured_is_an_error() -> None:
    checks = run_checks({"answer": {"all": figure(20, 20)}}, {}, ladder({"answer": {"edge": 0.5}}))

    assert verdict_of(checks) is ERROR


def test_a_threshold_within_the_interval_is_within_noise() -> None:
    assert [within_noise(figure(right, 20), 0.90) for right in (10, 17, 19, 20)] == [False, True, True, True]
    assert not within_noise(figure(100, 100), 0.90)
    assert not within_noise(NOTHING, 0.90), "nothing was measured"


# --- how many more cases


def test_a_perfect_score_misses_what_least_n_says() -> None:
    assert missing_cases(figure(20, 20), 0.90, SURE) == 9


@pytest.mark.parametrize(("right", "n", "threshold"), [(19, 20, 0.9), (17, 20, 0.9), (45, 50, 0.85), (30, 60, 0.55)])
def test_the_estimate_is_what_binary_scores_would_need(right: int, n: int, threshold: float) -> None:
    more = missing_cases(figure(right, n), threshold, SURE)

    assert more
    size = 20 * -(-(n + more) // 20)
    assert check_threshold(figure(right * size // n, size), threshold, "confident") is not INCONCLUSIVE
    half = n + more // 2 - (n + more // 2) % 20
    assert check_threshold(figure(right * half // n, half), threshold, "confident") is INCONCLUSIVE


def test_scores_that_spread_less_miss_fewer_cases() -> None:
    binary, graded = bounds([1.0] * 28 + [0.0] * 12), bounds([0.6] * 20 + [0.8] * 20)

    of_binary = missing_cases(Figure(0.7, 40, binary.low, binary.high), 0.69, SURE)
    of_graded = missing_cases(Figure(0.7, 40, graded.low, graded.high), 0.69, SURE)

    assert of_binary
    assert of_graded
    assert of_graded < of_binary / 5


def test_a_mean_on_the_threshold_is_never_clear() -> None:
    assert missing_cases(figure(18, 20), 0.90, SURE) is None
    assert missing_cases(figure(20, 20), 1.0, SURE) is None


def test_nothing_is_missing_where_it_is_clear() -> None:
    assert missing_cases(figure(100, 100), 0.90, SURE) == 0
    assert missing_cases(figure(1, 100), 0.90, SURE) == 0


def test_without_any_score_the_least_n_is_missing() -> None:
    assert missing_cases(NOTHING, 0.90, SURE) == 29


# --- what can never be settled


def test_a_threshold_without_a_case_in_its_slice_is_told_with_the_nearest_slice() -> None:
    cases = EvalSet((case("c1", slices=("policy-edge",)), case("c2")))

    assert impossible(ladder({"answer": {"all": 0.9, "policy_edge": 0.5}}), cases) == [
        "evals/ladder.toml: [thresholds] answer.policy_edge: unknown slice: no case is in it, got 'policy_edge'; "
        "expected one of all, policy-edge. Did you mean 'policy-edge'?"
    ]


def test_an_empty_eval_set_settles_nothing() -> None:
    assert len(impossible(ladder(), EvalSet(()))) == 1


def test_under_confident_too_few_cases_are_told_with_the_least_n() -> None:
    assert impossible(ladder(rule="confident"), evalset(28)) == [
        "evals/ladder.toml: [thresholds] answer.all: n = 28 cannot confirm 0.9 at 0.95 even with a perfect score; "
        'expected n >= 29. Add cases, lower the threshold, or use rule = "point".'
    ]
    assert impossible(ladder(rule="confident"), evalset(29)) == []


def test_the_confidence_decides_how_many_cases_are_too_few() -> None:
    policy = DecisionPolicy(rule="confident", confidence=0.99)

    assert "expected n >= 44" in impossible(ladder(decision=policy), evalset(43))[0]
    assert impossible(ladder(decision=policy), evalset(44)) == []


def test_under_confident_a_threshold_of_one_is_never_confirmed() -> None:
    (fault,) = impossible(ladder({"answer": {"all": 1.0}}, rule="confident"), evalset(5000))

    assert "a threshold below 1" in fault


def test_under_point_any_number_of_cases_will_do() -> None:
    assert impossible(ladder({"answer": {"all": 1.0}}), evalset(1)) == []


@pytest.mark.parametrize(("n", "repeats", "faults"), [(59, 1, 1), (60, 1, 0), (20, 3, 0), (19, 3, 1)])
def test_a_latency_limit_needs_sixty_answers(n: int, repeats: int, faults: int) -> None:
    found = impossible(ladder(limits=Limits(latency_p95=1.0), repeats=repeats), evalset(n))

    assert len(found) == faults
    assert all(
        "[limits] latency_p95" in fault and "or remove the limit" in fault and f"got {n * repeats}" in fault
        for fault in found
    )


def test_a_cost_limit_does_not_need_sixty_answers() -> None:
    assert impossible(ladder(limits=Limits(cost_per_case=1.0)), evalset(2)) == []


# --- too few to decide


def rungs(n: int) -> tuple[RungSpec, ...]:
    return tuple(RungSpec(f"r{i}", Kind.PROMPT) for i in range(n))


def test_a_small_slice_is_told_under_point_and_is_no_error() -> None:
    spec = ladder({"answer": {"all": 0.9}})

    assert impossible(spec, evalset(20)) == []
    (few,) = undecidable(spec, evalset(20))
    assert str(few) == "20 cases cannot show answer[all] >= 0.9 at 95 %: with every case right it takes 29"
    assert undecidable(spec, evalset(29)) == ()


def test_rungs_that_share_the_error_need_more_cases() -> None:
    spec = ladder(rule="confident", rungs=rungs(6))

    assert impossible(spec, evalset(45)) == [
        "evals/ladder.toml: [thresholds] answer.all: n = 45 cannot confirm 0.9 at 99.1 % (95 % over 6 rungs) even with "
        "a perfect score; expected n >= 46 (29 for one rung alone). Add cases, lower the threshold, or use "
        'rule = "point".'
    ]
    assert impossible(spec, evalset(46)) == []


def test_cases_in_clusters_are_worth_fewer() -> None:
    cases = EvalSet(tuple(case(f"c{i}", metadata={"doc": i // 4}) for i in range(112)))
    spec = ladder(decision=DecisionPolicy(rule="confident", cluster="doc"))

    assert "n = 28 cannot confirm 0.9" in impossible(spec, cases)[0]
    assert impossible(ladder(decision=DecisionPolicy(rule="confident")), cases) == []


def test_what_would_decide_is_told_for_each_undecided_threshold() -> None:
    spec = ladder({"answer": {"all": 0.9, "edge": 0.5}})
    checks = run_checks({"answer": {"all": figure(95, 100), "edge": figure(20, 20)}}, {}, spec, "confident")

    told = more_cases(spec, checks)

    assert told.startswith("about ")
    assert told.endswith(" more cases for answer[all]"), "the other is decided"


def test_a_mean_on_the_threshold_is_never_decided() -> None:
    spec = ladder({"answer": {"all": 0.9}})
    checks = run_checks({"answer": {"all": figure(18, 20)}}, {}, spec, "confident")

    assert more_cases(spec, checks) == "more than 100,000 more cases for answer[all]"


def test_a_cluster_key_that_no_case_has_is_an_error():
    cases = EvalSet((case("c1", metadata={"document": "a"}), case("c2")))

    (fault,) = impossible(ladder(decision=DecisionPolicy(cluster="dokument")), cases)

    assert "[decision] cluster: unknown key: no case has it in its `metadata`, got 'dokument'" in fault
    assert "Did you mean 'document'?" in fault
    assert impossible(ladder(decision=DecisionPolicy(cluster="document")), cases) == []
