"""Why a rung that meets its target on the eval set is not the lever: the text of its failure."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.entries import Verdict
from pytest_ladder.core.thresholds import Check
from pytest_ladder.report import numbers
from pytest_ladder.report.explain import check_line
from pytest_ladder.report.text import one_line

NEXT = (
    "Mend the rung by what fails in the eval set, and leave the hold-out set unread: each look weakens it. Then run "
    "`pytest --ladder --ladder-rung={rung}`."
)


def unconfirmed(
    rung: str, checks: Sequence[Check], *, sure: Confidences, cases: int, more: str = "", next_step: str = ""
) -> str:
    """Say which thresholds a rung misses on the hold-out set, and what to do; no case of that set is shown.

    Args:
        rung: Its id.
        checks: All its checks on the hold-out set.
        sure: Of each one-sided bound there.
        cases: Of the hold-out set.
        more: How many more of them would decide what is undecided.
        next_step: A sentence in place of the usual one.
    """
    missed = [check for check in checks if check.verdict is not Verdict.MET]
    undecided = {check.verdict for check in missed} == {Verdict.INCONCLUSIVE}
    what = "not clear" if undecided else "not met"
    lines = [
        f"rung {one_line(rung)} meets its target on the eval set and is not confirmed: {len(missed)} of "
        f"{numbers.plural(len(checks), 'threshold')} {what} on {numbers.plural(cases, 'case')} of the hold-out set",
        *(f"  {check_line(check, sure)}" for check in missed),
    ]
    if more:
        lines.append(f"  to decide it: {more}")
    return "\n".join([*lines, next_step or NEXT.format(rung=rung)])
