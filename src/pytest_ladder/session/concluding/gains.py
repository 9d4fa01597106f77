"""The gain of each rung of a ladder as it stands, recomputed from the recordings."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pytest_ladder.core.cases import EvalSet, clusters
from pytest_ladder.core.gains import Gain, gains
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.session.measuring.results import RungResult


def gains_of(
    ladder: Ladder, cases: EvalSet, results: Mapping[str, RungResult], current: Collection[str]
) -> Mapping[str, Gain]:
    """Rung id -> its gain over the best cheaper rung.

    Args:
        ladder: The contract.
        cases: Today's.
        results: Rung id -> its result.
        current: The rungs with current evidence: the others are neither compared nor compared with.
    """
    known = [results[rung.id].evaluation for rung in ladder.rungs if rung.id in current and rung.id in results]
    return gains(ladder, known, clusters(cases, ladder.decision.cluster))
