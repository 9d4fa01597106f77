"""How sure each side of a verdict must be."""

from __future__ import annotations

import pytest

from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.entries import Verdict
from pytest_ladder.core.ladder import DecisionPolicy
from pytest_ladder.core.rungs import Kind, RungSpec
from tests.builders import graded, ladder

SIX = tuple(RungSpec(f"r{i}", Kind.PROMPT) for i in range(6))
TWO = {"answer": {"all": 0.9, "edge": 0.5}}


def test_under_point_the_bounds_are_as_sure_as_declared() -> None:
    assert Confidences.of(ladder(TWO, rungs=SIX)) == Confidences(0.95, 0.95)


def test_rungs_share_the_error_of_met_and_thresholds_that_of_short() -> None:
    found = Confidences.of(ladder(TWO, rule="confident", rungs=SIX))

    assert found.met == pytest.approx(1 - 0.05 / 6)
    assert found.short == pytest.approx(1 - 0.05 / 2)
    assert found == Confidences.deciding(ladder(TWO, rungs=SIX)), "the gate shares it whatever the rule"


def test_one_rung_and_one_threshold_share_nothing() -> None:
    assert Confidences.deciding(ladder(rungs=SIX[:1])) == Confidences(0.95, 0.95)


def test_a_figure_that_meets_alone_is_undecided_as_one_of_six() -> None:
    values = {f"c{i}": float(i > 0) for i in range(60)}

    alone, one_of_six = (graded(values, ladder(rule="confident", rungs=rungs)) for rungs in (SIX[:1], SIX))

    assert (alone.verdict, one_of_six.verdict) == (Verdict.MET, Verdict.INCONCLUSIVE)
    assert one_of_six.figure("answer").low < 0.9 <= alone.figure("answer").low, (
        "the bound shown is the one that decides"
    )


def test_under_point_the_clear_verdict_goes_by_interval() -> None:
    nearly, fully = ({f"c{i}": float(i > 0) for i in range(n)} for n in (20, 200))

    assert [graded(v).verdict for v in (nearly, fully)] == [Verdict.MET, Verdict.MET]
    assert [graded(v).clear for v in (nearly, fully)] == [Verdict.INCONCLUSIVE, Verdict.MET]


def test_clusters_widen_the_interval() -> None:
    from pytest_ladder.core.cases import EvalSet
    from tests.builders import case

    cases = EvalSet(tuple(case(f"c{i}", metadata={"doc": f"d{i // 4}"}) for i in range(120)))
    values = {f"c{i}": float(i // 4 > 2) for i in range(120)}

    plain = graded(values, ladder(), cases).figure("answer")
    grouped = graded(values, ladder(decision=DecisionPolicy(cluster="doc")), cases).figure("answer")

    assert grouped.mean == plain.mean == 0.9
    assert grouped.low < plain.low
    assert grouped.high > plain.high
    assert grouped.n == 120, "cases are counted, not clusters"
