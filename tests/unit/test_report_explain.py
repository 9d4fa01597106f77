"""The text of a rung's failure."""

from __future__ import annotations

from dataclasses import replace

from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.entries import Figure, Verdict
from pytest_ladder.core.thresholds import Check
from pytest_ladder.report.explain import check_line, explain
from tests.summaries import MISSES

SHORT = Check("answer", "policy-edge", 0.8, Figure(0.71, 56, 0.62, 0.79, 2), Verdict.SHORT)
MET = Check("answer", "all", 0.9, Figure(0.95, 218, 0.93, 0.97), Verdict.MET)


def test_a_miss_tells_figure_threshold_interval_and_counts():
    assert check_line(SHORT) == (
        "answer[policy-edge] 0.710 < 0.80  (95 % one-sided bounds 0.62..0.79, n = 56, 2 unscored)"
    )


def test_an_undecided_threshold_is_not_called_a_miss():
    check = replace(MET, verdict=Verdict.INCONCLUSIVE)

    assert check_line(check, Confidences(0.9, 0.9)).startswith(
        "answer[all] 0.950 is undecided against 0.90  (90 % one-sided"
    )


def test_a_slice_without_a_score_says_so():
    check = replace(SHORT, figure=Figure(None, 0, None, None, 4), verdict=Verdict.ERROR)

    assert check_line(check) == (
        "answer[policy-edge] has no scored case; it must be at least 0.80  (n = 0, 4 unscored)"
    )


def test_limits_are_told_in_their_unit():
    limit = Check("latency_p95", "all", 2.0, None, Verdict.SHORT, "limit", 2.004)

    assert check_line(limit) == "latency_p95 2.004 s > 2.00 s"
    assert check_line(replace(limit, value=None, verdict=Verdict.INCONCLUSIVE)) == (
        "latency_p95 could not be measured; it may be at most 2.00 s"
    )


def test_the_explanation_lists_misses_worst_cases_and_the_next_step():
    lines = explain("rag", (MET, SHORT), MISSES, path="evals/ladder.toml", cases=218).splitlines()

    assert lines[0] == "rung rag is below its target: 1 of 2 thresholds not met on 218 cases"
    assert lines[1] == f"  {check_line(SHORT)}"
    assert lines[2:7] == [
        "worst cases:", "  c-017  answer 0.000", "    input     How long may I keep a rented bicycle?",
        "    expected  until Tuesday", "    answer    For one week.",
    ]  # fmt: skip
    assert lines[-2] == "  how an answer came about: `ladder show c-017 evals/ladder.toml --rung=rag`"
    assert "evals/ladder.toml" in lines[-1]
    assert "`pytest --ladder --ladder-rung=rag`" in lines[-1]


def test_texts_that_are_withheld_are_left_out():
    withheld = replace(MISSES[0], input=None, expected=None, answer=None)

    assert explain("rag", (SHORT,), (withheld,), path="l").splitlines()[2:-1] == [
        "worst cases:", "  c-017  answer 0.000",
    ]  # fmt: skip


def test_a_text_takes_one_line_of_120_signs_at_most():
    long = replace(MISSES[0], answer="word\n" * 100)
    lines = explain("rag", (SHORT,), (long,), path="l").splitlines()

    assert max(map(len, lines)) <= 120
    assert len(lines) == 9


def test_the_command_that_shows_a_case_can_be_pasted_into_a_shell():
    strange = replace(MISSES[0], case="$(rm x) it's")

    told = explain("rag", (SHORT,), (strange,), path="my evals/ladder.toml")

    assert """`ladder show '$(rm x) it'"'"'s' 'my evals/ladder.toml' --rung=rag`""" in told


def test_another_next_step_takes_the_place_of_the_usual_one():
    assert explain("rag", (SHORT,), path="l", next_step="Call us.").endswith("\nCall us.")


def test_bounds_that_are_not_alike_tell_each_its_own_confidence():
    told = check_line(SHORT, Confidences(0.9917, 0.975))

    assert told == (
        "answer[policy-edge] 0.710 < 0.80  "
        "(one-sided bounds 0.62 at 99.1 %, 0.79 at 97.5 %, n = 56, 2 unscored)"
    )  # fmt: skip


def test_a_miss_by_the_mean_within_the_noise_says_so():
    near = replace(SHORT, figure=Figure(0.79, 56, 0.68, 0.87))

    assert "bounds 0.68..0.87, within noise, n = 56" in check_line(near)


def test_an_undecided_rung_is_not_called_below_its_target():
    check = replace(MET, figure=Figure(0.92, 60, 0.85, 0.96), verdict=Verdict.INCONCLUSIVE)

    told = explain("rag", [check], path="ladder.toml", cases=60, more="about 257 more cases for answer[all]")

    assert told.startswith("rung rag is undecided: 1 of 1 threshold not clear on 60 cases")
    assert "to decide it: about 257 more cases for answer[all]" in told
