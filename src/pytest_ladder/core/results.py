"""What one rung did on one eval set: each case's scores, the figures, and what they say against the thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_ladder.core.answers import Answer, CaseError, Usage
from pytest_ladder.core.cases import ALL, Case
from pytest_ladder.core.entries import Figure, Scores, Verdict
from pytest_ladder.core.names import unknown
from pytest_ladder.core.scores import Outcome, Score, Unscored
from pytest_ladder.core.thresholds import Check, verdict_of
from pytest_ladder.errors import InvalidRequest, message


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: its answers, and what each metric says of them."""

    case: Case
    answers: tuple[Answer, ...]
    """By repeat; those in error left out."""
    scores: Mapping[str, Outcome]
    """Metric -> the mean over the repeats; Unscored if any repeat is unscored or has no answer."""
    error: CaseError | None = None
    """Why the case has no answer, or not as many as it should."""
    unasked: bool = False
    """Whether it was left out because the verdict is certain without it, under `stop = "certain"`."""

    def value(self, metric: str) -> float | None:
        """The case's score by one metric; None where it is unscored."""
        outcome = self.scores.get(metric)
        return outcome.value if isinstance(outcome, Score) else None

    def unjudged(self, metric: str) -> bool:
        """Whether a judge failed at the case, so that it may deserve any score by the metric."""
        outcome = self.scores.get(metric)
        return isinstance(outcome, Unscored) and outcome.unjudged

    def within(self, slice_: str) -> bool:
        """Whether the case lies in a slice; every case lies in `all`."""
        return slice_ == ALL or slice_ in self.case.slices


@dataclass(frozen=True, repr=False)
class Evaluation:
    """What one rung did on the eval set: plain numbers for plain asserts."""

    ladder: str
    rung: str
    cases: tuple[CaseResult, ...]
    """In the order of the eval set."""
    scores: Scores
    """Each metric on `all` and on every slice of the eval set."""
    checks: tuple[Check, ...]
    """Each threshold and each declared limit."""
    verdict: Verdict
    clear_checks: tuple[Check, ...] = ()
    """Each check by interval whatever the rule, with bounds that share the error: what the gate goes by."""
    limits: Mapping[str, float | None] = field(default_factory=dict)
    """Each declared limit as measured: None where it cannot be measured."""
    errors: int = 0
    """Cases in error, or unscored by a metric that has a threshold for another reason than that a judge failed."""
    usage: Usage = field(default_factory=Usage)
    """What the answers consumed, also those that came from the recordings."""
    latency: Mapping[str, float | None] = field(default_factory=lambda: {"p50": None, "p95": None})
    """Seconds of an answer itself; None without answers."""
    repeats: int = 1
    asked: int = 0
    """Answers asked for in this run; the others were on record."""
    unasked: int = 0
    """Cases left out because the verdict is certain without them, under `stop = "certain"`."""
    model_returned: tuple[str, ...] = ()
    """Names that the models gave themselves, sorted."""
    recall: float | None = None
    """Mean share of a case's evidence among the documents retrieved for it; None where nothing was retrieved."""
    mixed_models: tuple[str, ...] = ()
    """Models asked for that answered under more than one name: these answers do not come from one system.

    Where there is one, the verdict is `error`."""

    def __repr__(self) -> str:
        """Name it without its cases: an assertion that fails shows this, and cases may be private."""
        return f"<Evaluation of {self.rung}: {self.verdict}, {len(self.cases)} cases>"

    def score(self, metric: str, slice: str = ALL) -> float:  # noqa: A002 - the word of ladder.toml
        """The mean score of a metric on a slice, 0 to 1.

        Raises:
            InvalidRequest: no such metric or slice, or no case of it has a score.
        """
        figure = self.figure(metric, slice)
        if figure.mean is None:
            raise InvalidRequest(message(
                f"rung {self.rung!r}", f"no case of slice {slice!r} has a score by {metric!r}", got=figure.unscored,
                expected="at least one scored case", next_step="see the `error` and `scores` of its cases",
            ))  # fmt: skip
        return figure.mean

    def figure(self, metric: str, slice: str = ALL) -> Figure:  # noqa: A002 - the word of ladder.toml
        """The mean, the bounds and the counts of a metric on a slice.

        Raises:
            InvalidRequest: no such metric or slice.
        """
        where = f"rung {self.rung!r}"
        if metric not in self.scores:
            raise InvalidRequest(unknown(where, "metric", metric, self.scores))
        if slice not in self.scores[metric]:
            raise InvalidRequest(unknown(where, "slice", slice, self.scores[metric]))
        return self.scores[metric][slice]

    @property
    def met(self) -> bool:
        """Whether every threshold and limit is met."""
        return self.verdict is Verdict.MET

    @property
    def clear(self) -> Verdict:
        """The verdict by interval whatever the rule, with the error shared among rungs and thresholds."""
        return self.verdict if self.verdict is Verdict.ERROR else verdict_of(self.clear_checks)

    @property
    def gating(self) -> tuple[str, ...]:
        """The metrics that have a threshold, in its order."""
        return tuple(dict.fromkeys(check.metric for check in self.checks if check.kind == "threshold"))

    def missed(self) -> tuple[Check, ...]:
        """The checks that are not met: short, inconclusive or in error."""
        return tuple(check for check in self.checks if check.verdict is not Verdict.MET)

    def worst(self, n: int, metric: str | None = None, slice: str = ALL) -> tuple[CaseResult, ...]:  # noqa: A002 - the word of ladder.toml
        """Up to n cases of a slice that score below 1, the lowest first, then by id.

        Without a metric it is a case's lowest score by the metrics that have a threshold. Cases without a score
        are not among them.

        Raises:
            InvalidRequest: no such metric or slice.
        """
        metrics = self.gating or tuple(self.scores) if metric is None else (metric,)
        for name in metrics:
            self.figure(name, slice)
        ranked = []
        for result in self.cases:
            values = [value for name in metrics if (value := result.value(name)) is not None]
            if values and min(values) < 1.0 and result.within(slice):
                ranked.append((min(values), result.case.id, result))
        return tuple(result for *_, result in sorted(ranked, key=lambda row: row[:2])[:n])


def failed_cases(evaluation: Evaluation, missed: Sequence[Check] | None = None) -> tuple[CaseResult, ...]:
    """The cases to diagnose, in the order of the eval set.

    A case fails if, by some metric that has a threshold, it scores below 1 and lies in a slice whose check for that
    metric is not met. Cases in error or without a score are not failures: nothing is known of them.

    Args:
        evaluation: Of which the cases are.
        missed: The checks that are not met, in place of its own: those of a look at the hold-out set, whose own cases
            are better left unseen.
    """
    known = evaluation.missed() if missed is None else missed
    checks = [check for check in known if check.kind == "threshold" and not check.note]

    def fails(result: CaseResult) -> bool:
        return any(
            (value := result.value(check.metric)) is not None and value < 1.0 and result.within(check.slice)
            for check in checks
        )

    return tuple(result for result in evaluation.cases if fails(result))
