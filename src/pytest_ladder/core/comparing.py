"""Two evaluations to pairs of scores: which cases they share, and what each scored in both."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ladder.core.cases import ALL
from pytest_ladder.core.pairing import Pairs
from pytest_ladder.core.results import Evaluation


def pairs_of(before: Evaluation, after: Evaluation, metric: str, clusters: Mapping[str, str] | None = None) -> Pairs:
    """The scores of two evaluations by one metric, on the cases that both asked alike.

    A case is shared if it has the same id and the same input in both, as the input digest tells: a case that was
    rewritten is another one, and is left out on both sides. The slices are those of the later evaluation. A case's
    score is the mean of its repeats; a case without a score is passed over.

    Args:
        before: Of one system.
        after: Of the other, or of the same later on.
        metric: Which score.
        clusters: Case id -> what it shares with others that are not independent of it.
    """
    asked = {result.case.id: result.case.input_digest for result in before.cases}
    shared = {r.case.id for r in after.cases if asked.get(r.case.id) == r.case.input_digest}
    return Pairs(
        _scores(before, metric, shared), _scores(after, metric, shared), slices_of(after), dict(clusters or {})
    )


def _scores(evaluation: Evaluation, metric: str, shared: set[str]) -> dict[str, float]:
    found = ((result.case.id, result.value(metric)) for result in evaluation.cases if result.case.id in shared)
    return {id_: value for id_, value in found if value is not None}


def slices_of(evaluation: Evaluation) -> dict[str, list[str]]:
    """Slice -> ids of its cases: `all` first, the others by name."""
    names = sorted({name for result in evaluation.cases for name in result.case.slices} - {ALL})
    return {name: [r.case.id for r in evaluation.cases if r.within(name)] for name in (ALL, *names)}
