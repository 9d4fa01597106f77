"""From recorded answers and their scores to an evaluation: a pure function, recomputed and never trusted."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_ladder.core.answers import CaseError, Record, Usage
from pytest_ladder.core.cases import Case, EvalSet, clusters
from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.curtailment import Tally, outer
from pytest_ladder.core.entries import Figure, Scores, Verdict
from pytest_ladder.core.intervals import Sample, percentile
from pytest_ladder.core.ladder import CONFIDENT, Ladder
from pytest_ladder.core.results import CaseResult, Evaluation, failed_cases
from pytest_ladder.core.scores import Outcome, Unscored, merged
from pytest_ladder.core.thresholds import LEAST_LATENCIES, Check, asked, ceilings, run_checks, verdict_of

__all__ = ["CaseResult", "Evaluation", "Outcomes", "failed_cases", "grade"]

Outcomes = Mapping[tuple[str, int, str], Outcome]
"""(case id, repeat, metric) -> what the scorer said."""


def grade(
    ladder: Ladder, rung_id: str, evalset: EvalSet, records: Sequence[Record], errors: Sequence[CaseError],
    outcomes: Outcomes, asked: int = 0, unasked: Collection[str] = (), binary: Collection[str] = (),
) -> Evaluation:  # fmt: skip
    """Grade a rung's answers on an eval set.

    A record for a case or a repeat that is not asked today is left out; of several for one key the last counts. A
    repeat without record, outcome and error counts as missing; one with an outcome alone counts as answered, for
    ladders that commit scores in place of answers. The order of the cases does not matter to any figure.

    Args:
        ladder: The contract: metrics, thresholds, limits, repeats, and how to decide.
        rung_id: Which rung answered.
        evalset: Today's cases.
        records: The answers.
        errors: Cases that got no answer.
        outcomes: What each metric says of each answer.
        asked: How many of the answers were asked for in this run.
        unasked: Ids of the cases that no verdict needs: bounds enclose every way in which they could have ended.
        binary: Metrics whose cases can only score 0 or 1.
    """
    table = _Table.of(ladder, evalset, records, errors, outcomes, unasked)
    cases = tuple(table.result(case) for case in evalset)
    values = _Values.of(ladder, evalset, cases, binary)
    scores = values.figures()
    kept = table.kept(evalset)
    usage, latency = _usage(kept), _latency(kept)
    limits = _limits(ladder, len(kept), usage, latency)
    checks = values.checks(limits)
    broken = sum(_broken(result, ladder.deciding(result.case)) for result in cases)
    mixed = _mixed(kept)
    verdict = Verdict.ERROR if mixed or _hollow(ladder, cases) else _verdict(ladder, checks, broken, len(evalset))
    clear = checks if ladder.decision.rule == CONFIDENT else values.checks(limits, CONFIDENT)
    return Evaluation(
        ladder=ladder.name, rung=rung_id, cases=cases, scores=scores, checks=checks, errors=broken, limits=limits,
        verdict=verdict, clear_checks=clear, usage=usage, latency=latency,
        repeats=ladder.repeats, asked=asked, unasked=sum(result.unasked for result in cases), recall=_recall(cases),
        mixed_models=mixed,
        model_returned=tuple(sorted({call.reply.model_returned for record in kept for call in record.calls})),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Table:
    """Records and errors by case and repeat."""

    metrics: tuple[str, ...]
    repeats: range
    records: Mapping[tuple[str, int], Record]
    errors: Mapping[str, CaseError]
    outcomes: Outcomes
    unasked: Collection[str]

    @classmethod
    def of(
        cls,
        ladder: Ladder,
        evalset: EvalSet,
        records: Iterable[Record],
        errors: Iterable[CaseError],
        outcomes: Outcomes,
        unasked: Collection[str],
    ) -> _Table:
        repeats = range(ladder.repeats)
        by_key = {(r.case, r.repeat): r for r in records if r.repeat in repeats}
        by_case: dict[str, CaseError] = {}
        for error in errors:
            by_case.setdefault(error.case, error)
        there = {*by_key, *((case, repeat) for case, repeat, _ in outcomes)}
        for case in evalset:
            if case.id in unasked:
                continue
            gap = next((repeat for repeat in repeats if (case.id, repeat) not in there), None)
            if gap is not None:
                by_case.setdefault(case.id, CaseError(case.id, gap, "there is no answer", "missing"))
        return cls(tuple(metric.name for metric in ladder.metrics), repeats, by_key, by_case, outcomes, unasked)

    def kept(self, evalset: EvalSet) -> list[Record]:
        """The records that count, in the order of the eval set."""
        keys = ((case.id, repeat) for case in evalset for repeat in self.repeats)
        return [self.records[key] for key in keys if key in self.records]

    def result(self, case: Case) -> CaseResult:
        answers = tuple(self.records[case.id, r].answer for r in self.repeats if (case.id, r) in self.records)
        error = self.errors.get(case.id)
        scores = {metric: self._mean(case.id, metric, error) for metric in self.metrics}
        return CaseResult(case, answers, scores, error, case.id in self.unasked)

    def _mean(self, case: str, metric: str, error: CaseError | None) -> Outcome:
        if case in self.unasked:
            return _UNASKED
        if error is not None:
            return Unscored(f"{error.kind}: {error.message}")
        return merged([self.outcomes.get((case, repeat, metric), _NOT_SCORED) for repeat in self.repeats])


_UNASKED = Unscored("not asked: the verdict is certain without it")
_NOT_SCORED = Unscored("the scorer was not asked")


@dataclass(frozen=True, slots=True)
class _Values:
    """The scores of the cases, and how to bound their means."""

    ladder: Ladder
    evalset: EvalSet
    by_id: Mapping[str, CaseResult]
    clusters: Mapping[str, str]
    binary: Collection[str]
    made: dict[tuple[str, str, Confidences, float | None], Figure] = field(default_factory=dict)
    """Figures that were bounded already: thresholds ask for the same ones several times."""
    samples: dict[tuple[str, str, float | None], _Scored] = field(default_factory=dict)
    """What was gathered already: the same scores are bounded at several confidences."""

    @classmethod
    def of(cls, ladder: Ladder, evalset: EvalSet, results: Sequence[CaseResult], binary: Collection[str]) -> _Values:
        by_id = {result.case.id: result for result in results}
        return cls(ladder, evalset, by_id, clusters(evalset, ladder.decision.cluster), binary)

    def figures(self) -> Scores:
        """Each metric on `all` and on every slice."""
        sure = Confidences.of(self.ladder)
        names = [metric.name for metric in self.ladder.metrics]
        return {name: {slice_: self._figure(name, slice_, sure) for slice_ in self.evalset.slices} for name in names}

    def checks(self, limits: Mapping[str, float | None], rule: str | None = None) -> tuple[Check, ...]:
        """Each threshold and each declared limit, by a rule in place of the ladder's own.

        A case that a judge failed at may deserve any score: what is decided is decided whatever that is.
        """
        sure = Confidences.of(self.ladder) if rule is None else Confidences.deciding(self.ladder)
        known = run_checks(self._asked(sure), limits, self.ladder, rule)
        if not any(self._unjudged(metric, slice_) for metric, slice_, _ in asked(self.ladder)):
            return known
        least, most = (run_checks(self._asked(sure, end), limits, self.ladder, rule) for end in (0.0, 1.0))
        return tuple(self._whatever(*ends) for ends in zip(known, least, most, strict=True))

    def _whatever(self, check: Check, least: Check, most: Check) -> Check:
        """A check as it stands whatever the cases deserve that its judge failed at."""
        if check.kind != "threshold" or check.verdict is Verdict.ERROR or check.note:
            return check
        if least.verdict is most.verdict:
            return replace(check, verdict=least.verdict)
        return replace(check, verdict=Verdict.INCONCLUSIVE, unjudged=self._unjudged(check.metric, check.slice))

    def _unjudged(self, metric: str, slice_: str) -> int:
        return sum(self.by_id[case.id].unjudged(metric) for case in self.evalset.slices.get(slice_, ()))

    def _asked(self, sure: Confidences, unjudged: float | None = None) -> Scores:
        """Each threshold's figure; with `unjudged` in place of the scores that a judge failed to give."""
        found: dict[str, dict[str, Figure]] = {}
        for metric, slice_, _ in asked(self.ladder):
            found.setdefault(metric, {})[slice_] = self._figure(metric, slice_, sure, unjudged)
        return found

    def _value(self, case: Case, metric: str, unjudged: float | None) -> float | None:
        result = self.by_id[case.id]
        value = result.value(metric)
        return unjudged if value is None and result.unjudged(metric) else value

    def _figure(self, metric: str, slice_: str, sure: Confidences, unjudged: float | None = None) -> Figure:
        key = metric, slice_, sure, unjudged
        if key not in self.made:
            self.made[key] = self._bounded(*key)
        return self.made[key]

    def _bounded(self, metric: str, slice_: str, sure: Confidences, unjudged: float | None) -> Figure:
        key = metric, slice_, unjudged
        if key not in self.samples:
            self.samples[key] = self._scored(*key)
        scored = self.samples[key]
        if scored.sample is None:
            return Figure(None, 0, None, None, scored.unscored)
        values = scored.sample.values
        if scored.unasked:
            tally = Tally.of(values, scored.unasked, metric in self.binary)
            limits = outer(tally, sure, self.ladder.seed)
        else:
            limits = scored.sample.bounds(sure.met, sure.short)
        return Figure(scored.sample.mean, len(values), limits.low, limits.high, scored.unscored)

    def _scored(self, metric: str, slice_: str, unjudged: float | None) -> _Scored:
        cases = self.evalset.slices.get(slice_, ())
        known = {case.id: value for case in cases if (value := self._value(case, metric, unjudged)) is not None}
        unasked = sum(self.by_id[case.id].unasked for case in cases)
        groups = [self.clusters.get(id_, f"\0{id_}") for id_ in known] if self.clusters else []
        sample = Sample(list(known.values()), self.ladder.seed, clusters=groups) if known else None
        return _Scored(sample, unasked, len(cases) - len(known) - unasked)


@dataclass(frozen=True, slots=True)
class _Scored:
    """The scores of a slice by one metric."""

    sample: Sample | None
    """None where no case has a score."""
    unasked: int
    unscored: int


def _limits(ladder: Ladder, answers: int, usage: Usage, latency: Mapping[str, float | None]) -> dict[str, float | None]:
    """Each declared limit as measured: mean cost of an answer in USD, 95th percentile of latency in seconds."""
    measured = {
        "cost_per_case": usage.cost_usd / answers if answers else None,
        "latency_p95": latency["p95"] if answers >= LEAST_LATENCIES else None,
    }
    return {name: measured[name] for name in ceilings(ladder.limits)}


def _verdict(ladder: Ladder, checks: Sequence[Check], broken: int, cases: int) -> Verdict:
    if cases == 0 or broken / cases > ladder.decision.max_error_rate:
        return Verdict.ERROR
    return verdict_of(checks)


def _hollow(ladder: Ladder, cases: Sequence[CaseResult]) -> bool:
    """Whether a metric that decides on a slice could not score more of its answers than may be in error."""
    for metric, slice_, _ in asked(ladder):
        known = [result for result in cases if result.within(slice_) and result.error is None and not result.unasked]
        lacking = sum(result.value(metric) is None and not result.unjudged(metric) for result in known)
        if lacking > ladder.decision.max_error_rate * len(known):
            return True
    return False


def _broken(result: CaseResult, deciding: Iterable[str]) -> bool:
    if result.unasked:
        return False
    lacking = (metric for metric in deciding if result.value(metric) is None and not result.unjudged(metric))
    return result.error is not None or any(True for _ in lacking)


def _usage(records: Iterable[Record]) -> Usage:
    return sum((record.usage for record in records), Usage())


def _latency(records: Sequence[Record]) -> dict[str, float | None]:
    seconds = [record.latency_s for record in records]
    return {f"p{q}": percentile(seconds, q) if seconds else None for q in (50, 95)}


def _recall(results: Sequence[CaseResult]) -> float | None:
    """Mean share of a case's evidence among what was retrieved for any of its answers.

    Over the answered cases with evidence; None where there is none, or where no answer retrieved anything. A case
    for which nothing was found counts 0 as soon as the rung retrieved for another.
    """
    if not any(answer.retrieved for result in results for answer in result.answers):
        return None
    shares = [
        len(set(result.case.evidence) & {id_ for answer in result.answers for id_ in answer.retrieved})
        / len(set(result.case.evidence))
        for result in results
        if result.case.evidence and result.answers
    ]
    return math.fsum(shares) / len(shares) if shares else None


def _mixed(records: Sequence[Record]) -> tuple[str, ...]:
    """The models asked for that returned more than one name."""
    names: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        for call in record.calls:
            names[call.model_requested].add(call.reply.model_returned)
    return tuple(sorted(model for model, returned in names.items() if len(returned) > 1))
