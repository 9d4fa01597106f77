"""Thresholds and limits: what figures say against them, and which can never be confirmed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from pytest_ladder.core.cases import ALL, EvalSet, clusters
from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.entries import Figure, Scores, Verdict
from pytest_ladder.core.intervals import SLACK, binomial_high, binomial_low, effective_n, least_n
from pytest_ladder.core.ladder import CONFIDENT, Ladder, Limits
from pytest_ladder.core.names import unknown
from pytest_ladder.errors import message

LEAST_LATENCIES = 60
"""Answers that a 95th percentile of latency needs."""
MOST_MISSING = 100_000
"""More missing cases than this are as good as never."""
NO_FIGURE = Figure(None, 0, None, None)


@dataclass(frozen=True, slots=True)
class Check:
    """One threshold or limit, and what was measured against it."""

    metric: str
    """The metric, or the name of the limit."""
    slice: str
    threshold: float
    """Least mean score; for a limit the most that is allowed, in its own unit."""
    figure: Figure | None
    """What was measured against a threshold; None for a limit."""
    verdict: Verdict
    kind: str = "threshold"
    """`threshold` or `limit`."""
    value: float | None = None
    """What was measured against a limit; None where it cannot be measured."""
    note: str = ""
    """Why nothing is decided by it, whatever the figure; empty where something is."""
    unjudged: int = 0
    """Cases that a judge failed at and whose scores would decide; 0 where the verdict is the same whatever they are."""

    @property
    def noisy(self) -> bool:
        """Whether the threshold lies within the interval: another sample of cases might give another verdict."""
        return self.figure is not None and within_noise(self.figure, self.threshold)


def check_threshold(figure: Figure, threshold: float, rule: str) -> Verdict:
    """Hold a figure against a threshold, by the rule `point` or `confident`; a figure without cases is an error."""
    if figure.n == 0 or figure.mean is None or figure.low is None or figure.high is None:
        return Verdict.ERROR
    if rule != CONFIDENT:
        return Verdict.MET if figure.mean >= threshold - SLACK else Verdict.SHORT
    if figure.low >= threshold - SLACK:
        return Verdict.MET
    return Verdict.SHORT if figure.high < threshold - SLACK else Verdict.INCONCLUSIVE


def within_noise(figure: Figure, threshold: float) -> bool:
    """Whether a figure's interval reaches over the threshold, to both sides."""
    return bool(figure.n) and check_threshold(figure, threshold, CONFIDENT) is Verdict.INCONCLUSIVE


def check_limit(value: float | None, ceiling: float) -> Verdict:
    """Hold a measured value against its ceiling; inconclusive where it could not be measured."""
    if value is None:
        return Verdict.INCONCLUSIVE
    return Verdict.MET if value <= ceiling + SLACK else Verdict.SHORT


def run_checks(
    scores: Scores, measured: Mapping[str, float | None], ladder: Ladder, rule: str | None = None
) -> tuple[Check, ...]:
    """Check every threshold and every declared limit of a ladder.

    Args:
        scores: Figures by metric and slice; one that is missing counts as a figure without cases.
        measured: Values of the declared limits, by name.
        ladder: Whose thresholds and limits are asked.
        rule: In place of the ladder's own rule.
    """
    rule = rule or ladder.decision.rule
    checks = []
    for metric, slice_, threshold in asked(ladder):
        figure = scores.get(metric, {}).get(slice_, NO_FIGURE)
        verdict, note = check_threshold(figure, threshold, rule), ladder.unproven.get(metric, "")
        if note and verdict is not Verdict.ERROR:
            verdict = Verdict.INCONCLUSIVE
        checks.append(Check(metric, slice_, threshold, figure, verdict, note=note))
    for name, ceiling in ceilings(ladder.limits).items():
        value = measured.get(name)
        checks.append(Check(name, ALL, ceiling, None, check_limit(value, ceiling), "limit", value))
    return tuple(checks)


def verdict_of(checks: Sequence[Check]) -> Verdict:
    """One verdict of many: an error wins, then short, then inconclusive; met only if there are checks and all are."""
    found = {check.verdict for check in checks}
    if found == {Verdict.MET}:
        return Verdict.MET
    for verdict in (Verdict.ERROR, Verdict.SHORT):
        if verdict in found:
            return verdict
    return Verdict.INCONCLUSIVE


def missing_cases(figure: Figure, threshold: float, sure: Confidences) -> int | None:
    """Estimate how many more cases with the same mean would put the interval on one side of the threshold.

    0 where it is already; None where no number up to 100,000 would. Scores that spread less than 0 and 1 do
    count for more cases, in the ratio in which their interval is narrower, and cases in clusters for fewer.
    """
    if figure.mean is None or figure.low is None or figure.high is None or not figure.n:
        return least_n(threshold, sure.met)
    if check_threshold(figure, threshold, CONFIDENT) is not Verdict.INCONCLUSIVE:
        return 0
    mean, above = figure.mean, figure.mean >= threshold
    weight = _weight(figure, mean, sure, above)

    def clear(n: int) -> bool:
        size = n * weight
        if above:
            return binomial_low(mean * size, size, sure.met) >= threshold - SLACK
        return binomial_high(mean * size, size, sure.short) < threshold - SLACK

    return _least_more(figure.n, clear)


def more_cases(ladder: Ladder, checks: Sequence[Check]) -> str:
    """Say how many more cases of which slice would decide the checks that are undecided; empty where none is.

    What rests on a judge whose agreement with people is not shown wants labels instead.

    Args:
        ladder: Of which the checks are.
        checks: By interval, with the bounds that decide.
    """
    sure, told = Confidences.deciding(ladder), []
    for check in checks:
        if check.note and (labels := f"labels of {check.metric} in judgements.jsonl ({check.note})") not in told:
            told.append(labels)
        if check.unjudged and (words := f"the verdicts of {check.metric} that its judge failed at") not in told:
            told.append(words)
        if check.figure is None or not check.noisy or check.note or check.unjudged:
            continue
        more = missing_cases(check.figure, check.threshold, sure)
        many = f"about {more} more" if more else f"more than {MOST_MISSING:,} more"
        told.append(f"{many} cases for {check.metric}[{check.slice}]")
    return ", ".join(told)


def impossible(ladder: Ladder, evalset: EvalSet) -> list[str]:
    """Say which thresholds and limits no answer could ever settle on this eval set; empty where all can be."""
    return [
        *_empty_slices(ladder, evalset), *_unknown_cluster(ladder, evalset), *_unconfirmable(ladder, evalset),
        *_too_few_latencies(ladder, evalset),
    ]  # fmt: skip


def asked(ladder: Ladder) -> Iterator[tuple[str, str, float]]:
    """Each threshold as (metric, slice, least mean), in the order written."""
    for metric, row in ladder.thresholds.items():
        for slice_, threshold in row.items():
            yield metric, slice_, threshold


def ceilings(limits: Limits) -> dict[str, float]:
    """The declared limits by name."""
    return {name: value for name, value in asdict(limits).items() if value is not None}


def _weight(figure: Figure, mean: float, sure: Confidences, above: bool) -> float:
    """How many all-or-nothing cases one case of this figure is worth."""
    if above:
        binary, width = mean - binomial_low(mean * figure.n, figure.n, sure.met), mean - (figure.low or 0.0)
    else:
        binary, width = binomial_high(mean * figure.n, figure.n, sure.short) - mean, (figure.high or 1.0) - mean
    return (binary / width) ** 2 if width > 0 and binary > 0 else 1.0


def _least_more(n: int, clear: Callable[[int], bool]) -> int | None:
    """The fewest cases on top of n that make it clear, by bisection; at least 1."""
    low, high = n, n + MOST_MISSING
    if not clear(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if clear(middle) else (middle, high)
    return high - n


def _empty_slices(ladder: Ladder, evalset: EvalSet) -> Iterator[str]:
    for metric, slice_, _ in asked(ladder):
        if not evalset.slices.get(slice_):
            yield unknown(ladder.at("thresholds", metric, slice_), "slice: no case is in it", slice_, evalset.slices)


def _unconfirmable(ladder: Ladder, evalset: EvalSet) -> Iterator[str]:
    if ladder.decision.rule != CONFIDENT:
        return
    sure = Confidences.of(ladder).met
    for metric, slice_, threshold in asked(ladder):
        n, least = worth(ladder, evalset, slice_), least_n(threshold, sure)
        if n and (least is None or n < least):
            yield message(
                ladder.at("thresholds", metric, slice_),
                f"n = {n} cannot confirm {threshold:g} at {_sure(ladder, sure)} even with a perfect score",
                expected=_expected(ladder, threshold, least),
                next_step="add cases, lower the threshold, or use rule = \"point\"",
            )  # fmt: skip


def _sure(ladder: Ladder, sure: float) -> str:
    plain, rungs = ladder.decision.confidence, len(ladder.rungs)
    return f"{plain:.4g}" if sure == plain else f"{_percent(sure)} ({_percent(plain)} over {rungs} rungs)"


def _expected(ladder: Ladder, threshold: float, least: int | None) -> str:
    if least is None:
        return "a threshold below 1: no number of cases confirms 1"
    alone = least_n(threshold, ladder.decision.confidence)
    return f"n >= {least}" + (f" ({alone} for one rung alone)" if alone != least else "")


@dataclass(frozen=True, slots=True)
class TooFew:
    """A threshold that an eval set is too small to decide, though it is no error."""

    metric: str
    slice: str
    threshold: float
    cases: int
    worth: int
    """As many independent cases as they count for."""
    least: int | None
    """The fewest that could decide it; None where no number does."""
    confidence: float

    def __str__(self) -> str:
        """A sentence without its end."""
        many = f"{self.cases} cases" + (f", worth {self.worth}," if self.worth < self.cases else "")
        need = f"with every case right it takes {self.least}" if self.least else "no number does"
        what = f"{self.metric}[{self.slice}] >= {self.threshold:g}"
        return f"{many} cannot show {what} at {_percent(self.confidence)}: {need}"


def undecidable(ladder: Ladder, evalset: EvalSet) -> tuple[TooFew, ...]:
    """The thresholds that this eval set is too small to decide: an interval will always hold them.

    Under `point` that is no error; under `confident` it is one, see `impossible`.
    """
    sure, found = Confidences.of(ladder), []
    for metric, slice_, threshold in asked(ladder):
        n, least = worth(ladder, evalset, slice_), least_n(threshold, sure.met)
        if n and (least is None or n < least):
            cases = len(evalset.slices[slice_])
            found.append(TooFew(metric, slice_, threshold, cases, n, least, sure.met))
    return tuple(found)


def worth(ladder: Ladder, evalset: EvalSet, slice_: str) -> int:
    """How many independent cases a slice is worth."""
    cases = evalset.slices.get(slice_, ())
    groups = clusters(cases, ladder.decision.cluster)
    return effective_n([groups.get(case.id, f"\0{case.id}") for case in cases]) if groups else len(cases)


def _unknown_cluster(ladder: Ladder, evalset: EvalSet) -> Iterator[str]:
    key = ladder.decision.cluster
    if key is not None and len(evalset) and not clusters(evalset, key):
        known = sorted({name for case in evalset for name in case.metadata})
        where = ladder.at("decision", "cluster")
        yield unknown(where, "key: no case has it in its `metadata`", key, known)


def _percent(share: float) -> str:
    return f"{math.floor(1000 * share + SLACK) / 10:g} %"


def _too_few_latencies(ladder: Ladder, evalset: EvalSet) -> Iterator[str]:
    answers = len(evalset) * ladder.repeats
    if ladder.limits.latency_p95 is not None and answers < LEAST_LATENCIES:
        yield message(
            ladder.at("limits", "latency_p95"), f"{len(evalset)} cases x {ladder.repeats} repeats are too few",
            got=answers, expected=f"at least {LEAST_LATENCIES} answers",
            next_step="add cases, raise `repeats`, or remove the limit",
        )  # fmt: skip
