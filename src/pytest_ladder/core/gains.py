"""What each rung brought over the best cheaper one, and whether the climb has levelled off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_ladder.core.cases import ALL
from pytest_ladder.core.comparing import pairs_of
from pytest_ladder.core.differences import Comparison, Difference
from pytest_ladder.core.entries import Verdict
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.pairing import compare_family
from pytest_ladder.core.power import is_plateau
from pytest_ladder.core.results import Evaluation
from pytest_ladder.core.rungs import Kind


@dataclass(frozen=True, slots=True)
class Gain:
    """A rung against the best cheaper rung, on the cases that both answered."""

    over: str
    """Id of the best cheaper rung: most thresholds met, then the highest mean; ties to the cheaper."""
    metrics: Mapping[str, Comparison]
    """Metric with a threshold -> the comparison, slice by slice; differences are this rung's less the other's."""

    def plateaus(self, metric: str) -> tuple[str, ...]:
        """Slices in which the gain has levelled off, although the least effect that counts would have shown."""
        found = self.metrics[metric]
        return tuple(n for n, one in found.slices.items() if is_plateau(one, found.min_effect, found.confidence))

    @property
    def plateau(self) -> bool:
        """Whether the gain has levelled off on the whole set, by every metric."""
        return all(ALL in self.plateaus(metric) for metric in self.metrics)

    def slices(self, verdict: Difference) -> tuple[tuple[str, str], ...]:
        """Metric and slice of each comparison with that verdict, the whole set apart."""
        return tuple((m, name) for m, found in self.metrics.items() for name in found.those(verdict) if name != ALL)


def gains(ladder: Ladder, evaluations: Sequence[Evaluation], clusters: Mapping[str, str]) -> dict[str, Gain]:
    """Compare each rung with the best of those before it.

    Every metric and slice of one rung is a family of its own for Holm's correction: each rung is asked whether it
    brought anything. A rung in error is neither compared nor compared with.

    Args:
        ladder: Thresholds, confidence, `min_effect` and seed.
        evaluations: Of the rungs with current evidence, in climbing order.
        clusters: Case id -> what it shares with others that are not independent of it.

    Returns:
        Rung id -> its gain; the first rung has none, nor has one that shares no scored case with the best cheaper one.
    """
    found: dict[str, Gain] = {}
    sound = [evaluation for evaluation in evaluations if evaluation.verdict is not Verdict.ERROR]
    for place, after in enumerate(sound[1:], 1):
        gain = _gain(ladder, max(sound[:place], key=quality), after, clusters)
        if gain is not None:
            found[after.rung] = gain
    return found


def quality(evaluation: Evaluation) -> tuple[int, float]:
    """What rungs are ranked by: thresholds and limits met, then the mean score over the thresholds."""
    met = sum(check.verdict is Verdict.MET for check in evaluation.checks)
    means = [check.figure.mean for check in evaluation.checks if check.figure and check.figure.mean is not None]
    return met, round(sum(means) / len(means), 6) if means else 0.0


def _gain(ladder: Ladder, before: Evaluation, after: Evaluation, clusters: Mapping[str, str]) -> Gain | None:
    pairs = {metric: pairs_of(before, after, metric, clusters) for metric in ladder.thresholds}
    shared = {metric: found for metric, found in pairs.items() if found.both}
    if not shared:
        return None
    policy = ladder.decision
    compared = compare_family(
        shared, confidence=policy.confidence, min_effect=policy.min_effect, seed=ladder.seed
    )  # fmt: skip
    return Gain(before.rung, compared)


FORM_RUNGS = (Kind.PROMPT, Kind.FEW_SHOT, Kind.OPTIMIZE)
"""The kinds that work on form by words alone, cheapest first."""


def form_plateau(ladder: Ladder, found: Mapping[str, Gain]) -> str:
    """Whether prompting has levelled off, in a few words; empty where it has not.

    It has where the last rung that works on form by words alone is a plateau over the best before it.
    """
    ids = [rung.id for rung in ladder.rungs if rung.kind in FORM_RUNGS and rung.id in found]
    if not ids or not found[ids[-1]].plateau:
        return ""
    return f"{ids[-1]} brought no more than {found[ids[-1]].over}"
