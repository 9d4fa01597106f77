"""Once a cheaper rung meets what a tuned model was selected for, the run says so."""

from __future__ import annotations

from pytest_ladder.core.decision import Decision
from pytest_ladder.core.entries import DecisionEntry
from pytest_ladder.core.rungs import Kind
from pytest_ladder.session.ladder_run import LadderRun


def de_escalation(run: LadderRun, decision: Decision) -> str:
    """What to say where a tuned rung, still declared, was selected before and a cheaper one meets the target now."""
    tuned = {rung.id for rung in run.ladder.kinds(Kind.FINE_TUNE)}
    before = [e for e in run.log if isinstance(e, DecisionEntry) and e.selected in tuned]
    if not before or decision.selected is None or decision.selected in tuned:
        return ""
    last = max(before, key=lambda entry: entry.at)
    return (
        f"de-escalation: {decision.selected} now meets the target that {last.selected} was selected for on "
        f"{last.at[:10]}: retire the tuned model, and take [rungs.{last.selected}] out of ladder.toml"
    )
