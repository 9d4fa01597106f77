"""The gain of each rung of a ladder as it stands, recomputed from the recordings."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ladder.core.cases import clusters
from pytest_ladder.core.gains import Gain, gains
from pytest_ladder.session.standing import Standing


def gains_of(standing: Standing) -> Mapping[str, Gain]:
    """Rung id -> its gain over the best cheaper rung, for the rungs with current evidence."""
    known = [standing.results[r.id].evaluation for r in standing.ladder.rungs if _counts(standing, r.id)]
    return gains(standing.ladder, known, clusters(standing.run.whole, standing.ladder.decision.cluster))


def _counts(standing: Standing, rung_id: str) -> bool:
    return rung_id in standing.current and rung_id in standing.results
