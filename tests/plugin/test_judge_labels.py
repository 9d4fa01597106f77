"""A judge that may not decide yet: what is missing is said, and the answers to label are there."""

from __future__ import annotations

import pytest

from tests.plugin.bench import Bench
from tests.plugin.judging import ALONE, judged, label

CERTAIN = '[decision]\nstop = "certain"'
EARLY = '[decision] stop = "certain" ends no rung early: people need answers to label, before the judge of quality may'


def certain(bench: Bench) -> Bench:
    """A hundred cases, of which the first rung answers too few and the second enough, by an unproven judge."""
    return judged(
        bench, {"prompt": 60, "few_shot": 95}, thresholds="quality = { all = 0.9 }", cases=100, tables=CERTAIN
    )


def test_no_rung_ends_early_before_the_judge_may_decide_so_that_there_are_answers_to_label(bench: Bench):
    ran = certain(bench).run()

    assert ran.status == 1
    assert EARLY in ran.flat
    assert (len(bench.recorded("prompt")), len(bench.recorded("few_shot"))) == (100, 100)
    label(bench, ["yes"] * 60 + ["no"] * 40, "prompt")
    ran = bench.run()
    assert ran.status == 0
    assert bench.verdicts[-3:] == ["prompt short", "few_shot met", "selected few_shot"]
    assert EARLY not in ran.flat


def test_once_it_may_decide_rungs_end_early_again(bench: Bench):
    certain(bench).run()
    label(bench, ["yes"] * 60 + ["no"] * 40, "prompt", fingerprint=bench.log[0]["fingerprint"])
    bench.run()
    bench.asked()
    bench.system("prompt", 55)

    assert bench.run("--ladder-concurrency=1").status == 0
    assert len(bench.asked("prompt")) < 60
    assert bench.run("--ladder-record=none").status == 0


def test_a_judge_without_a_threshold_lets_rungs_end_early(bench: Bench):
    judged(bench, {"prompt": 40}, thresholds="answer = { all = 0.9 }", cases=100, tables=CERTAIN)

    assert EARLY not in bench.run("--ladder-concurrency=1").flat
    assert len(bench.recorded("prompt")) < 100


@pytest.mark.parametrize(
    ("yes", "no", "told"),
    [
        (0, 0, "0 of 100 labels (100 more), 0 of 20 labels of 'no' (20 more), 0 of 20 labels of 'yes' (20 more)"),
        (32, 8, "40 of 100 labels (60 more), 8 of 20 labels of 'no' (12 more)"),
        (90, 10, "10 of 20 labels of 'no' (10 more)"),
    ],
)
def test_a_rung_that_waits_for_labels_says_how_many_of_what_and_where(bench: Bench, yes: int, no: int, told: str):
    judged(bench, {"prompt": 80}, thresholds=ALONE, cases=100).run()
    label(bench, ["yes"] * yes + ["no"] * no, "prompt")

    ran = bench.run()

    assert ran.status == 1
    assert f"to decide it: labels of quality in judgements.jsonl (agreement with humans not shown: {told})" in ran.flat
    assert (
        "Label its answers, one JSON line each, in evals/support/judgements.jsonl: 100 labelled answers, 20 of each "
        "class, and a lower bound of Cohen's kappa of 0.6 let a judge decide. Then run `pytest --ladder` and commit."
    ) in ran.flat


def test_too_little_agreement_is_said_with_its_figures(bench: Bench):
    judged(bench, {"prompt": 80}, thresholds=ALONE, cases=100).run()
    label(bench, (["yes"] * 1 + ["no"] * 1) * 50, "prompt")

    ran = bench.run()

    assert ran.status == 1
    assert "agreement with humans not shown: kappa 0.00, no less than -" in ran.flat
    assert "at least 0.6 is asked" in ran.flat
