"""Why cases failed, where no label says it: by a plugin, else by the record itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_ladder.core.causes import cause
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.hybrids import sent_to
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
    found = {result.case.id: _cause(run, rung, result, own) for result in results}
    return {case: str(kind) for case, kind in found.items() if kind}


def _cause(run: LadderRun, rung: RungSpec, result: CaseResult, own: bool) -> FailureKind | None:
    """Of the rung itself; of a router, of the one rung to which it sent the case."""
    to = {sent_to(answer) for answer in result.answers}
    sent = next((other for other in run.ladder.rungs if to == {other.id}), None)
    if sent is None:
        return cause(rung, result, own=own)
    given = sent.system is not None or run.shared.extensions.system(sent, run.ladder) is not None
    return cause(sent, result, own=given)
