"""Answers asked again, held against those on record: has the model behind a name changed?"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from pytest_ladder.core.answers import Record
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import ALL
from pytest_ladder.core.differences import Difference, SliceComparison
from pytest_ladder.core.mcnemar import least_differing
from pytest_ladder.core.multiplicity import shared
from pytest_ladder.core.pairing import Pairs, compare_family
from pytest_ladder.core.power import detectable, detectable_effect
from pytest_ladder.core.selftest import Repeats


class Finding(StrEnum):
    """What asking again came to."""

    CHANGED = "changed"
    """The answers score otherwise than those on record, or another model gave them."""
    NO_DIFFERENCE = "no_difference"
    """None was shown; `DriftMetric.detectable` says how large one had to be."""
    NO_CONCLUSION = "no_conclusion"
    """`Drift.stopped` says why."""


@dataclass(frozen=True, slots=True)
class DriftMetric:
    """One metric on the cases that were asked again; differences are new minus recorded."""

    metric: str
    n: int
    """Cases with a score in both."""
    before: float | None
    after: float | None
    wins: int
    losses: int
    difference: float | None
    low: float | None
    high: float | None
    """Bounds that together hold the difference at the ladder's confidence."""
    p_value: float
    """Of there being no difference in either direction, after Holm over the metrics."""
    changed: bool
    detectable: float | None
    """The smallest true difference that so many cases show with 80 % power; None where they can show none."""

    @classmethod
    def of(cls, metric: str, found: SliceComparison, confidence: float, metrics: int) -> DriftMetric:
        """What a comparison says, tested at `confidence` in each direction among so many metrics."""
        return cls(
            metric, found.n, found.before, found.after, found.wins, found.losses, found.difference, found.low,
            found.high, min(1.0, 2 * min(found.adjusted_gain, found.adjusted_loss)),
            found.verdict in (Difference.BETTER, Difference.WORSE), _detectable(found, shared(confidence, metrics)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drift:
    """One rung, asked again."""

    rung: str
    wanted: int
    """Cases that the user named."""
    cases: int
    """Cases that were asked again."""
    recorded: int
    """Cases that were on record before the run."""
    answers: int = 0
    """New answers, each with one on record."""
    texts_differ: int = 0
    """Of these, answers whose text is another."""
    renamed: Mapping[str, Sequence[Sequence[str]]] | None = None
    """Model asked for -> the names it gave itself on record, and now; only where a new name is among the latter."""
    latency: Sequence[float | None] = (None, None)
    """Median seconds of an answer, on record and now."""
    tokens: Sequence[float | None] = (None, None)
    """Mean tokens of an answer, prompt and completion together, on record and now."""
    confidence: float = 0.95
    """Of there being no false alarm, in either direction and over all metrics."""
    metrics: Sequence[DriftMetric] = ()
    stopped: str = ""
    """Why nothing can be concluded; empty where something can."""
    judge: str = ""
    """The metric whose judge was asked again, of the recorded answers; empty where the rung itself was."""

    @property
    def changed(self) -> tuple[DriftMetric, ...]:
        """The metrics that tell the new answers from those on record."""
        return tuple(found for found in self.metrics if found.changed)

    @property
    def finding(self) -> Finding:
        """What it comes to; a difference that was shown counts even where not all was asked."""
        if self.changed or self.renamed:
            return Finding.CHANGED
        return Finding.NO_CONCLUSION if self.stopped else Finding.NO_DIFFERENCE

    def as_dict(self) -> dict[str, Json]:
        """Plain values, as they cross from a worker."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Json]) -> Drift:
        """Read what `as_dict` wrote."""
        return cls(**{**value, "metrics": tuple(DriftMetric(**row) for row in value["metrics"])})


def compared(
    before: Repeats, after: Repeats, *, confidence: float, clusters: Mapping[str, str], seed: int
) -> tuple[DriftMetric, ...]:
    """Test new scores against recorded ones, case by case, in both directions: a gain is a change too.

    Each direction takes half of the error, and the metrics share it by Holm. Where nothing changed and answers vary by
    chance alone, recorded and new ones are exchangeable, and the test keeps its level whatever the scores.

    Args:
        before: Metric -> case id -> the score of each recorded answer.
        after: The same of the new ones.
        confidence: Of there being no false alarm at all.
        clusters: Case id -> what it shares with cases that are not independent of it.
        seed: Of the bootstrap.
    """
    each = 1 - (1 - confidence) / 2
    pairs = {}
    for metric, rows in before.items():
        old, new = _means(rows), _means(after.get(metric, {}))
        pairs[metric] = Pairs(old, new, {ALL: [case for case in old if case in new]}, clusters)
    found = compare_family(pairs, confidence=each, seed=seed)
    return tuple(DriftMetric.of(metric, one.slices[ALL], each, len(found)) for metric, one in found.items())


def _detectable(found: SliceComparison, confidence: float) -> float | None:
    """The smallest difference that the pairs could show.

    Where none differs there is no spread to reckon with, not even of graded scores: a difference is then taken to turn
    a whole case from right to wrong, or the other way.
    """
    return detectable(found, confidence) if found.moved else detectable_effect(found.units, 0.0, confidence)


def least_cases(confidence: float, metrics: int) -> int:
    """The fewest cases that can show a difference at all, tested in both directions among so many metrics."""
    return least_differing(shared(1 - (1 - confidence) / 2, max(1, metrics)))


def blind(found: Drift) -> Iterator[str]:
    """Say of each metric that could show no difference, however large, why not."""
    least = least_cases(found.confidence, len(found.metrics))
    for metric in found.metrics:
        if metric.detectable is None:
            told = f"{metric.n} scored cases are too few to show any difference of {metric.metric}"
            yield f"{told}: it takes {least} or more" if metric.n < least else told


def _means(rows: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {case: statistics.fmean(row) for case, row in rows.items()}


def renamed(before: Sequence[Record], after: Sequence[Record]) -> dict[str, list[list[str]]]:
    """Model asked for -> its names on record and now, for each model that gives itself a name not on record."""
    old, new = _names(before), _names(after)
    return {
        model: [sorted(old[model]), sorted(names)]
        for model, names in new.items()
        if old.get(model) and names - old[model]
    }


def _names(records: Sequence[Record]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for record in records:
        for call in record.calls:
            found.setdefault(call.model_requested, set()).add(call.reply.model_returned)
    return found


def texts_differ(before: Sequence[Record], after: Sequence[Record]) -> tuple[int, int]:
    """New answers that have one on record, and how many of them say something else; line ends apart."""
    old = {(record.case, record.repeat): _text(record) for record in before}
    both = [record for record in after if (record.case, record.repeat) in old]
    return len(both), sum(_text(record) != old[record.case, record.repeat] for record in both)


def _text(record: Record) -> str:
    return record.answer.text.replace("\r\n", "\n")


def median_latency(records: Sequence[Record]) -> float | None:
    """Median seconds of an answer; None without answers."""
    return statistics.median(record.latency_s for record in records) if records else None


def mean_tokens(records: Sequence[Record]) -> float | None:
    """Mean tokens of an answer; None where no model was called."""
    usages = [record.usage for record in records if record.calls]
    return statistics.fmean(u.prompt_tokens + u.completion_tokens for u in usages) if usages else None
