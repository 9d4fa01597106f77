"""What of a climb was tried out of turn, from the evidence on record."""

from __future__ import annotations

from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.differences import Difference
from pytest_ladder.core.failure_modes import Tried, failure_modes
from pytest_ladder.core.gains import Gain
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.session.concluding.standing import Standing


def out_of_turn(standing: Standing) -> tuple[str, ...]:
    """The named failure modes of a ladder, a line each."""
    tried = [_tried(standing, rung) for rung in standing.below if rung.id in standing.current]
    return failure_modes(standing.ladder, tried, standing.best.rung if standing.best else "")


def _tried(standing: Standing, rung: RungSpec) -> Tried:
    diagnosis = {FailureKind(kind): n for kind, n in standing.diagnosis_of(rung.id).items()}
    gain = standing.gains.get(rung.id)
    over = gain.over if gain else ""
    return Tried(rung.id, rung.kind, diagnosis, standing.versions(rung.id), over, better=_better(gain))


def _better(gain: Gain | None) -> bool:
    return gain is not None and any(found.those(Difference.BETTER) for found in gain.metrics.values())
