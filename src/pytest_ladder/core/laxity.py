"""Where a ladder's policy asks less than the default: told wherever fine-tuning is allowed."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_ladder.core.ladder import DecisionPolicy, GatePolicy
from pytest_ladder.core.rungs import REQUIRED, Kind

_DEFAULT = GatePolicy()
_SURE = DecisionPolicy().confidence


def laxer(gate: GatePolicy, decision: DecisionPolicy) -> tuple[str, ...]:
    """What `[gate]` and the confidence of the verdicts ask less than by default, in a few words each."""
    unsure = (f"a confidence of {decision.confidence:g} enough ({_SURE:g} by default)",)
    return (*_laxer(gate), *(unsure if decision.confidence < _SURE else ()))


def _laxer(gate: GatePolicy) -> Iterator[str]:
    out = [str(kind) for kind in REQUIRED if kind not in gate.required]
    if out:
        yield f"{', '.join(out)} not required"
    for kind in Kind:
        least, default = gate.effort_of(kind), _DEFAULT.effort_of(kind)
        if kind in gate.required and least < default:
            yield f"{least} version of {kind} enough ({default} by default)"
    if 0 < gate.min_form_share < _DEFAULT.min_form_share:
        yield f"a share of form of {gate.min_form_share:g} enough (min_form_share)"
    if gate.max_age_days > _DEFAULT.max_age_days:
        yield f"evidence of up to {gate.max_age_days} days (max_age_days)"
