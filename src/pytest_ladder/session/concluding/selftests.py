"""The gate judged on what is on record: every rung whose answers are complete, and the eval set. Asks nothing."""

from __future__ import annotations

from pytest_ladder.core.health import health
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.selftest import Repeats, SelfTest, selftest
from pytest_ladder.core.selftested import SelfTested
from pytest_ladder.errors import InvalidRequest
from pytest_ladder.session.concluding.standing import Standing
from pytest_ladder.session.measuring.local_scores import known_scores
from pytest_ladder.session.measuring.rescored import outcomes_of, repeats_of

NOT_RECORDED = "not every answer of it is on record"
ENDED_EARLY = "it ended early, once its verdict was certain: the cases it answered are no sample of the eval set"


def selftests(standing: Standing) -> SelfTested:
    """Test the verdict of every rung of a ladder that is on record in full.

    Args:
        standing: How the ladder stands at the end of the run.
    """
    run, ladder = standing.run, standing.ladder
    tested: dict[str, SelfTest] = {}
    left_out: dict[str, str] = {}
    for rung in ladder.rungs:
        if why := _incomplete(standing, rung.id):
            left_out[rung.id] = why
            continue
        try:
            tested[rung.id] = selftest(ladder, run.whole, _scores(standing, rung))
        except InvalidRequest as fault:
            left_out[rung.id] = str(fault)
    return SelfTested(tested, left_out, health(ladder, run.whole))


def _incomplete(standing: Standing, rung_id: str) -> str:
    """Why a rung cannot be judged; empty where it can."""
    result = standing.results.get(rung_id)
    if result is None:
        return NOT_RECORDED
    return ENDED_EARLY if result.evaluation.unasked else ""


def _scores(standing: Standing, rung: RungSpec) -> Repeats:
    run, prints = standing.run, standing.prints(rung)
    metrics = [metric.name for metric in run.ladder.metrics]
    repeats = run.ladder.repeats
    if standing.results[rung.id].unverifiable:  # the answers are not here: their scores are
        known = known_scores(run.folder, rung.id, prints.digest, run.shared.rootdir, run.whole, repeats)
        return repeats_of(known[1] if known else {}, metrics, repeats)
    records = run.asker.recordings(rung, prints, read_only=True).select(run.whole, repeats)
    return repeats_of(outcomes_of(run, records, run.whole), metrics, repeats)
