"""End a rung once no remaining case can change a verdict, and ask in an order that gets there soon.

Exact curtailment loses nothing: it looks at every score the remaining cases could still have, so a verdict that it
calls settled is the one the whole set would have given.

Source: Wetherill and Glazebrook, "Sequential Methods in Statistics" (1986), on curtailed sampling.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from pytest_ladder.core.canonical import DECIMALS
from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.entries import Figure, Verdict
from pytest_ladder.core.intervals import SLACK, Bounds, binomial_high, binomial_low, bounds
from pytest_ladder.core.ladder import CONFIDENT, Ladder
from pytest_ladder.core.thresholds import asked, check_threshold

Values = Mapping[str, Mapping[str, float | None]]
"""Metric -> case id -> score: None for a case that was asked and not scored, no key for one that was not asked."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One threshold part-way through a rung: where its figure can still end.

    An end in which remaining cases go wholly unscored is counted in, as long as the rung is not in error for it.
    """

    metric: str
    slice: str
    threshold: float
    answered: int
    """Cases with a score so far."""
    remaining: int
    """Cases not asked yet."""
    least: float
    """The final mean if every remaining case scored 0."""
    most: float
    """The final mean if every remaining case scored 1."""
    low: float
    """No end has a lower bound below this."""
    high: float
    """No end has an upper bound above this."""
    verdict: Verdict | None
    """The verdict of every end; None where two ends can still differ."""


@dataclass(slots=True)
class Tally:
    """The cases of one slice by one metric, counted one after another."""

    remaining: int
    """Cases not asked yet."""
    binary: bool = False
    """Whether the remaining ones can only score 0 or 1."""
    values: list[float] = field(default_factory=list)
    """The scores so far."""
    total: Fraction = Fraction(0)
    """Their exact sum: it does not depend on their order."""

    @classmethod
    def of(cls, values: Iterable[float], remaining: int, binary: bool) -> Tally:
        """Count cases that have these scores, with so many still to come."""
        known = list(values)
        tally = cls(remaining + len(known), binary)
        for value in known:
            tally.add(value)
        return tally

    def add(self, value: float | None) -> None:
        """Count one more case: its score, or None where it has none."""
        self.remaining -= 1
        if value is not None:
            self.values.append(value)
            self.total += Fraction(value)
            self.binary = self.binary and value in (0.0, 1.0)


def standings(
    ladder: Ladder,
    evalset: EvalSet,
    values: Values,
    confidences: Confidences | None = None,
    binary: Collection[str] = (),
) -> tuple[Standing, ...]:
    """Say of each threshold, in the order written, where it stands.

    Args:
        ladder: Whose thresholds and rule are asked.
        evalset: All cases, asked and not.
        values: What is known so far.
        confidences: In place of those that the ladder's own figures have.
        binary: Metrics whose cases can only score 0 or 1. Of others a remaining case may score anything between, so
            that under `confident` no end but the last case settles an inconclusive verdict.
    """
    sure = confidences or Confidences.of(ladder)
    found = []
    for metric, slice_, threshold in asked(ladder):
        known, tally = values.get(metric, {}), Tally(len(evalset.slices.get(slice_, ())), metric in binary)
        for case in evalset.slices.get(slice_, ()):
            if case.id in known:
                tally.add(known[case.id])
        found.append(standing((metric, slice_, threshold), tally, ladder, sure))
    return tuple(found)


def can_still_change(standings: Sequence[Standing], limits: bool = False) -> bool:
    """Whether any remaining case can change any verdict.

    Args:
        standings: Of every threshold.
        limits: Whether the ladder has ceilings of cost or latency: each remaining answer may break one, so a rung
            with ceilings is never curtailed.
    """
    return limits or any(standing.verdict is None for standing in standings)


def certain_verdict(standings: Sequence[Standing], limits: bool = False) -> Verdict | None:
    """The verdict of the whole rung where no remaining case can change that; None where one can.

    It may be known sooner than each threshold's own: one that is certainly missed makes the rung short. Errors of
    cases that were not asked are no ends: where too many cases are in error the rung is in error whatever this says.
    """
    found = {standing.verdict for standing in standings}
    if Verdict.ERROR in found:
        return Verdict.ERROR
    if Verdict.SHORT in found:
        return Verdict.SHORT
    if limits or None in found or not found:
        return None
    return Verdict.INCONCLUSIVE if Verdict.INCONCLUSIVE in found else Verdict.MET


def order(cases: Iterable[Case], seed: int) -> list[Case]:
    """Put cases in a seeded order in which every beginning holds each slice in about its share.

    Cases of the same slices form a stratum. Within it they are shuffled; the strata are then spread evenly, so that
    of any first k cases a stratum of share s has s * k, give or take one. Neither the order of the file nor the other
    strata matter to the order within a stratum, and a case that is added moves no two others of it past one another.
    """
    strata: defaultdict[tuple[str, ...], list[tuple[str, Case]]] = defaultdict(list)
    for case in cases:
        strata[tuple(sorted(set(case.slices)))].append((_hash(seed, case.id), case))
    placed = []
    for slices, members in strata.items():
        offset = int(_hash(seed, *slices)[:8], 16) / 2**32
        for rank, (shuffled, case) in enumerate(sorted(members, key=lambda member: member[0])):
            placed.append(((rank + offset) / len(members), shuffled, case))
    return [case for *_, case in sorted(placed, key=lambda row: row[:2])]


def _hash(seed: int, *parts: str) -> str:
    return hashlib.sha256("\0".join([str(seed), *parts]).encode("utf-8", "surrogatepass")).hexdigest()


def standing(what: tuple[str, str, float], tally: Tally, ladder: Ladder, sure: Confidences) -> Standing:
    """Say where one threshold stands.

    Args:
        what: Metric, slice and threshold.
        tally: Of the slice's cases by the metric.
        ladder: Whose rule is asked.
        sure: Of each bound.
    """
    n = len(tally.values) + tally.remaining
    if not n:
        return Standing(*what, 0, 0, 0.0, 1.0, 0.0, 1.0, Verdict.ERROR)
    ends = _ends(tally, sure, ladder.seed)
    if not tally.values:
        verdict = None
    elif ladder.decision.rule == CONFIDENT:
        verdict = _confident(ends, what[2], n)
    else:
        verdict = _point(ends, what[2], n)
    count = len(tally.values), tally.remaining
    return Standing(*what, *count, ends.least, ends.most, ends.low[0], ends.high[1], verdict)


def outer(tally: Tally, sure: Confidences, seed: int) -> Bounds:
    """The bounds that enclose those of every way in which the remaining cases can end."""
    ends = _ends(tally, sure, seed)
    return Bounds(*_outer(ends))


@dataclass(frozen=True, slots=True)
class _Ends:
    """The range of each figure over every way the remaining cases can end."""

    least: float
    most: float
    low: tuple[float, float]
    high: tuple[float, float]


def _ends(tally: Tally, sure: Confidences, seed: int) -> _Ends:
    """Both ends of the mean and of its two bounds.

    The bounds of scores that are all 0 or 1 grow with every success. Those of other scores lie between the binomial
    bounds of the same sum and the bounds of a perfect (or wholly wrong) score, see `intervals.bounds`; so do these,
    whatever the remaining scores are. The lower bound is the lowest where all remaining cases score 0.
    """
    n = len(tally.values) + tally.remaining
    worst, best = float(tally.total), float(tally.total + tally.remaining)
    least, most = worst / n, best / n
    if not tally.remaining:
        found = bounds(tally.values, sure.met, seed, of_high=sure.short)
        return _Ends(least, most, (found.low, found.low), (found.high, found.high))
    perfect, wrong = (0.0, 1.0) if tally.binary else ((1 - sure.met) ** (1 / n), 1 - (1 - sure.short) ** (1 / n))
    lows = binomial_low(_whole(worst), n, sure.met), max(binomial_low(_whole(best), n, sure.met), perfect)
    fewest, most_right = n - _whole(n - worst), n - _whole(n - best)
    highs = min(binomial_high(fewest, n, sure.short), wrong), binomial_high(most_right, n, sure.short)
    return _Ends(
        least, most, (min(round(lows[0], DECIMALS), least), min(round(lows[1], DECIMALS), most)),
        (max(round(highs[0], DECIMALS), least), max(round(highs[1], DECIMALS), most)),
    )  # fmt: skip


def _whole(total: float) -> int:
    return math.floor(total + SLACK)


def _point(ends: _Ends, threshold: float, n: int) -> Verdict | None:
    worst = check_threshold(Figure(ends.least, n, *_outer(ends)), threshold, "point")
    best = check_threshold(Figure(ends.most, n, *_outer(ends)), threshold, "point")
    return worst if worst is best else None


def _confident(ends: _Ends, threshold: float, n: int) -> Verdict | None:
    """Met and short are judged by the ends that help least, inconclusive by those that help most."""
    outer = check_threshold(Figure(ends.least, n, *_outer(ends)), threshold, CONFIDENT)
    if outer in (Verdict.MET, Verdict.SHORT):
        return outer
    inner = check_threshold(Figure(ends.least, n, ends.low[1], ends.high[0]), threshold, CONFIDENT)
    return inner if inner is Verdict.INCONCLUSIVE else None


def _outer(ends: _Ends) -> tuple[float, float]:
    return ends.low[0], ends.high[1]
