"""Judge the gate itself: how often its verdicts would flip, and the smallest gain its eval set can show."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from pytest_ladder.core.cases import ALL, EvalSet
from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.entries import Figure, Verdict
from pytest_ladder.core.intervals import bounds
from pytest_ladder.core.ladder import CONFIDENT, Ladder
from pytest_ladder.core.power import POWER, detectable_effect, detectable_mean
from pytest_ladder.core.thresholds import Check, asked, check_threshold, verdict_of
from pytest_ladder.errors import InvalidRequest, message

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

RESAMPLES = 200
"""Eval sets drawn from the one there is: enough to tell a share to within a few per cent."""

Repeats = Mapping[str, Mapping[str, Sequence[float]]]
"""Metric -> case id -> the score of each repeat."""


@dataclass(frozen=True, slots=True)
class Stability:
    """How far one threshold's verdict can be trusted."""

    metric: str
    slice: str
    n: int
    threshold: float
    mean: float
    verdict: Verdict
    flips: float
    """Share of the resampled eval sets that give another verdict, 0 to 1."""
    detectable: float | None
    """The smallest gain that a paired comparison on this slice would show, at 80 % power, with a system that is right
    on other cases as chance has it; None where no gain could be shown."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """How far one rung's verdict can be trusted; its limits of cost and latency are not looked at."""

    verdict: Verdict
    """Of the thresholds, on the cases that every metric with a threshold could score."""
    flips: float
    """Share of the resampled eval sets that give another verdict, 0 to 1."""
    resamples: int
    checks: tuple[Stability, ...]
    repeats: int
    aa_pairs: int
    """Pairs of repeats, each judged as an evaluation of its own; 0 with a single repeat."""
    aa_flips: int
    """Pairs whose verdicts differ, although nothing but chance does: true A/A flips."""

    @property
    def aa_rate(self) -> float | None:
        """Share of the pairs of repeats whose verdicts differ; None with a single repeat."""
        return self.aa_flips / self.aa_pairs if self.aa_pairs else None


def selftest(
    ladder: Ladder, evalset: EvalSet, scores: Repeats, *, resamples: int = RESAMPLES,
    confidences: Confidences | None = None,
) -> SelfTest:  # fmt: skip
    """Test the verdict of one rung on its recorded scores.

    Eval sets of the same size are drawn from today's cases with replacement, each stratum of slices for itself, so
    that every slice keeps its size. With two repeats or more each is also judged alone: where the verdicts of two
    differ, the gate has flipped on one and the same system.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 6.

    Args:
        ladder: Thresholds, rule, confidence and seed.
        evalset: Today's cases.
        scores: Of one rung; cases that a metric with a threshold did not score are left out.
        resamples: Eval sets to draw. Under `confident` each takes a bootstrap of its own where scores are graded.
        confidences: In place of the ladder's own confidence on both sides.

    Raises:
        InvalidRequest: no thresholds, fewer than one resample, or a threshold in whose slice no case is scored.
    """
    table = _Table.of(ladder, evalset, scores, confidences)
    if resamples < 1:
        raise InvalidRequest(message("self-test", "too few resamples", got=resamples, expected="at least 1"))
    actual = table.judge(table.mean, None)
    drawn = [table.judge(table.mean, rows) for rows in table.draws(resamples, ladder.seed)]
    single = [verdict_of(table.judge(table.single(r), None)) for r in range(table.repeats)]
    pairs = list(combinations(single, 2)) if table.repeats > 1 else []
    verdict = verdict_of(actual)
    return SelfTest(
        verdict=verdict, flips=_share(verdict_of(checks) is not verdict for checks in drawn), resamples=resamples,
        checks=tuple(
            _stability(check, table.scores_of(check), [checks[i].verdict for checks in drawn], table.sure)
            for i, check in enumerate(actual)
        ),
        repeats=table.repeats, aa_pairs=len(pairs), aa_flips=sum(one is not other for one, other in pairs),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """The scores of the cases that every metric with a threshold could score."""

    ladder: Ladder
    sure: Confidences
    ids: tuple[str, ...]
    scores: Mapping[str, Array]
    """Metric -> score by case and repeat."""
    places: Mapping[str, Array]
    """Slice -> places of its cases."""
    strata: tuple[Array, ...]
    """Places of the cases that lie in just the same slices."""
    known: dict[tuple[int, int], tuple[float, float]]
    """Bounds already found, by slice size and sum, for scores that are all 0 or 1."""

    @classmethod
    def of(cls, ladder: Ladder, evalset: EvalSet, scores: Repeats, confidences: Confidences | None) -> _Table:
        import numpy as np

        metrics = list(dict.fromkeys(metric for metric, *_ in asked(ladder)))
        if not metrics:
            raise InvalidRequest(message("self-test", "the ladder has no thresholds", expected="at least one"))
        least = min((len(row) for metric in metrics for row in scores.get(metric, {}).values() if row), default=0)
        cases = [case for case in evalset if all(scores.get(metric, {}).get(case.id) for metric in metrics)]
        strata: defaultdict[frozenset[str], list[int]] = defaultdict(list)
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, case in enumerate(cases):
            strata[frozenset(case.slices)].append(place)
            for name in {ALL, *case.slices}:
                places[name].append(place)
        for metric, slice_, _ in asked(ladder):
            if slice_ not in places:
                raise InvalidRequest(message(f"self-test of {metric}", "no case of the slice is scored", got=slice_))
        return cls(
            ladder, confidences or Confidences.of(ladder), tuple(case.id for case in cases),
            {m: np.array([scores[m][case.id][:least] for case in cases], dtype=float) for m in metrics},
            {name: np.array(rows) for name, rows in places.items()},
            tuple(np.array(rows) for rows in strata.values()), {},
        )  # fmt: skip

    @property
    def repeats(self) -> int:
        """Answers that every case has."""
        return int(next(iter(self.scores.values())).shape[1])

    @property
    def mean(self) -> dict[str, Array]:
        """Metric -> each case's mean over its repeats."""
        return {metric: values.mean(axis=1) for metric, values in self.scores.items()}

    def single(self, repeat: int) -> dict[str, Array]:
        """Metric -> each case's score in one repeat."""
        return {metric: values[:, repeat] for metric, values in self.scores.items()}

    def scores_of(self, check: Check) -> list[float]:
        return [float(value) for value in self.mean[check.metric][self.places[check.slice]]]

    def draws(self, resamples: int, seed: int) -> list[Array]:
        """For each resample, which case stands in each place."""
        import numpy as np

        source = np.random.Generator(np.random.PCG64(abs(seed)))
        drawn = np.empty((resamples, len(self.ids)), dtype=int)
        for places in self.strata:
            drawn[:, places] = places[source.integers(0, len(places), (resamples, len(places)))]
        return list(drawn)

    def judge(self, values: Mapping[str, Array], rows: Array | None) -> list[Check]:
        """Check every threshold on a drawn eval set, or on the one there is."""
        checks = []
        for metric, slice_, threshold in asked(self.ladder):
            places = self.places[slice_]
            figure = self._figure(values[metric][places if rows is None else rows[places]])
            verdict = check_threshold(figure, threshold, self.ladder.decision.rule)
            checks.append(Check(metric, slice_, threshold, figure, verdict))
        return checks

    def _figure(self, values: Array) -> Figure:
        mean = math.fsum(values) / len(values)
        if self.ladder.decision.rule != CONFIDENT:
            return Figure(mean, len(values), mean, mean)
        if not ((values == 0) | (values == 1)).all():
            return Figure(mean, len(values), *self._bounds(values))
        key = (len(values), int(values.sum()))
        if key not in self.known:
            self.known[key] = self._bounds(values)
        return Figure(mean, len(values), *self.known[key])

    def _bounds(self, values: Array) -> tuple[float, float]:
        scores, seed = values.tolist(), self.ladder.seed
        found = bounds(scores, self.sure.met, seed, of_high=self.sure.short)
        return found.low, found.high


def _stability(check: Check, scores: Sequence[float], verdicts: Sequence[Verdict], sure: Confidences) -> Stability:
    assert check.figure is not None
    mean, n = check.figure.mean or 0.0, check.figure.n
    return Stability(
        check.metric, check.slice, n, check.threshold, mean, check.verdict,
        _share(verdict is not check.verdict for verdict in verdicts), _detectable(scores, mean, sure.short),
    )  # fmt: skip


def _detectable(scores: Sequence[float], mean: float, confidence: float) -> float | None:
    """The smallest gain over these scores, against a system whose scores vary as much and independently.

    None also where a mean cannot rise by so much.
    """
    if all(score in (0.0, 1.0) for score in scores):
        found = detectable_effect(len(scores), 2 * mean * (1 - mean), confidence, POWER)
    else:
        variance = math.fsum((score - mean) ** 2 for score in scores) / len(scores)
        found = detectable_mean(len(scores), math.sqrt(2 * variance), confidence, POWER)
    return found if found is not None and mean + found <= 1 else None


def _share(happened: Iterable[bool]) -> float:
    found = list(happened)
    return sum(found) / len(found)
