"""What a policy asks less than the default is told; what it asks more is not."""

from __future__ import annotations

import pytest

from pytest_ladder.core.ladder import DecisionPolicy, GatePolicy
from pytest_ladder.core.laxity import laxer
from pytest_ladder.core.rungs import REQUIRED, Kind


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (GatePolicy(), ()),
        (GatePolicy(required=(*REQUIRED, Kind.OPTIMIZE), effort={Kind.PROMPT: 5}, max_age_days=7), ()),
        (GatePolicy(min_form_share=0.9), ()),
        (GatePolicy(required=REQUIRED[:3]), ("advanced_rag, decompose not required",)),
        (GatePolicy(effort={Kind.RAG: 1}), ()),
        (GatePolicy(effort={Kind.PROMPT: 1}), ("1 version of prompt enough (2 by default)",)),
        (GatePolicy(min_form_share=0.49), ("a share of form of 0.49 enough (min_form_share)",)),
        (GatePolicy(max_age_days=91), ("evidence of up to 91 days (max_age_days)",)),
    ],
)
def test_less_than_the_default_is_told(policy: GatePolicy, told: tuple[str, ...]):
    assert laxer(policy, DecisionPolicy()) == told


def test_an_effort_for_what_is_not_required_is_not_asked():
    policy = GatePolicy(required=REQUIRED[1:], effort={Kind.PROMPT: 1})

    assert laxer(policy, DecisionPolicy()) == ("prompt not required",)


@pytest.mark.parametrize(
    ("confidence", "told"),
    [(0.51, ("a confidence of 0.51 enough (0.95 by default)",)), (0.95, ()), (0.99, ())],
)
def test_verdicts_that_are_less_sure_are_told(confidence: float, told: tuple[str, ...]):
    assert laxer(GatePolicy(), DecisionPolicy(confidence=confidence)) == told
