"""What would decide a rung that is undecided."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ladder.core.ladder import CONFIDENT, Ladder
from pytest_ladder.core.results import Evaluation
from pytest_ladder.core.thresholds import Check, more_cases


def to_decide(ladder: Ladder, evaluation: Evaluation, checks: Sequence[Check]) -> str:
    """Say what it takes to decide the checks that are undecided; empty where none is.

    A rung that ended early is certain by its own rule. Where that is `confident` no answer of the remaining cases
    would decide it; else the gate, which judges by interval, may want them.

    Args:
        ladder: The contract.
        evaluation: Of which the checks are.
        checks: By interval, with the bounds that decide.
    """
    if not evaluation.unasked or any(check.note for check in checks):
        return more_cases(ladder, checks)
    if not any(check.noisy for check in checks):
        return ""
    cases = len(evaluation.cases)
    if ladder.decision.rule == CONFIDENT:
        return f"more cases than the {cases} of the eval set"
    return f'{evaluation.unasked} of {cases} were not asked, for stop = "certain": set it to "never"'
