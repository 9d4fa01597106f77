"""Why cases failed, where no label says it: by a plugin, else by the record itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_ladder.core.causes import cause
from pytest_ladder.core.results import CaseResult
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.store.digests import Fingerprint


def classified(run: LadderRun, results: Iterable[CaseResult]) -> dict[str, str]:
    """Case id -> what a plugin says; cases of which none says anything are left out."""
    classify = run.shared.extensions.classify
    return {result.case.id: kind for result in results if (kind := classify(result.case, result))}


def recorded(run: LadderRun, rung: RungSpec, prints: Fingerprint, results: Iterable[CaseResult]) -> Mapping[str, str]:
    """Case id -> what the answers on record show; cases of which they show nothing are left out.

    Args:
        run: The ladder.
        rung: What answered.
        prints: Its fingerprint, with the file of a system that a test gave.
        results: The failed cases.
    """
    given = prints.digest != run.fingerprint(rung).digest or run.shared.extensions.system(rung, run.ladder) is not None
    own = given or rung.system is not None
    return {result.case.id: str(kind) for result in results if (kind := cause(rung, result, own=own))}
