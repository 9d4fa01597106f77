"""Metrics that a model judges, and what people say of the same answers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from pytest_ladder.core.agreement import Agreement
from pytest_ladder.core.answers import Usage
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.entries import RungEntry
from pytest_ladder.core.judging import YES_NO
from pytest_ladder.core.looks import is_look
from pytest_ladder.core.scores import MetricSpec
from pytest_ladder.errors import InvalidFile, message

JUDGE = "judge"
DEEPEVAL = "deepeval:"
FAIL_PASS = ("fail", "pass")
CUT = 0.5
"""Least score that passes, where a metric names no `threshold` of its own."""


def is_deepeval(metric: MetricSpec) -> bool:
    """Whether a metric is one of deepeval's."""
    return metric.scorer.startswith(DEEPEVAL)


def is_judged(metric: MetricSpec) -> bool:
    """Whether a model has a say in a metric's scores, so that it must agree with people before it may decide."""
    return metric.scorer == JUDGE or (is_deepeval(metric) and "model" in metric.options)


def classes_of(metric: MetricSpec) -> tuple[str, ...]:
    """What can be said by a judged metric, from the lowest to the highest."""
    scale = metric.options.get("scale", YES_NO)
    return tuple(scale) if metric.scorer == JUDGE else FAIL_PASS


def class_of(metric: MetricSpec, score: float) -> int:
    """The class of a score: of a judge the nearest word, of others whether it reaches the metric's `threshold`."""
    if metric.scorer == JUDGE:
        return round(score * (len(classes_of(metric)) - 1))
    cut = metric.options.get("threshold", CUT)
    return int(score >= (cut if isinstance(cut, int | float) else CUT))


@dataclass(frozen=True, slots=True)
class Judgement:
    """A person's word on one answer."""

    case: str
    rung: str
    metric: str
    by: str
    at: datetime
    score: float | None = None
    """0 to 1; None where a verdict is given."""
    verdict: str | None = None
    """One word of the judge's scale; `pass` or `fail` for other metrics."""
    fingerprint: str = ""
    """The version that answered, or its first digits; empty for the one that the log had last when the label was
    made."""
    repeat: int = 0
    where: str = ""
    """`path:line`."""

    def place(self, metric: MetricSpec) -> int:
        """Which class the person gave.

        Raises:
            InvalidFile: the word is none of the metric's.
        """
        if self.score is not None:
            return class_of(metric, self.score)
        words = [word.casefold() for word in classes_of(metric)]
        if (self.verdict or "").casefold() not in words:
            raise InvalidFile(
                message(self.where, "wrong 'verdict'", got=self.verdict, expected=" or ".join(classes_of(metric)))
            )
        return words.index((self.verdict or "").casefold())

    def version(self, entries: Sequence[RungEntry]) -> str:
        """The fingerprint of the answer that was labelled; empty where the log does not tell.

        Args:
            entries: Of the label's rung, in the order of the log.
        """
        own = [entry for entry in entries if not is_look(entry)]
        if self.fingerprint:
            known = [entry.fingerprint for entry in entries]
            return next((name for name in known if _begins(name, self.fingerprint)), "")
        before = [entry for entry in own if datetime.fromisoformat(entry.at) <= self.at]
        return sorted(before, key=lambda entry: entry.at)[-1].fingerprint if before else ""


def check_words(labels: Iterable[Judgement], metrics: Iterable[MetricSpec]) -> None:
    """Raise InvalidFile on a label whose word is none of its metric's, or that the judge itself gave.

    Labels of other metrics are passed over.
    """
    judged = {metric.name: metric for metric in metrics if is_judged(metric)}
    for label in labels:
        if label.metric in judged:
            label.place(judged[label.metric])
            _check_person(label, judged[label.metric])


def _check_person(label: Judgement, metric: MetricSpec) -> None:
    """Raise InvalidFile where a label is by the judge's model, by its whole name or by its last part."""
    model = str(metric.options.get("model", "")).casefold()
    if model and label.by.strip().casefold() in {model, *re.split(r"[/#]", model)[-1:]}:
        fault = "the judge cannot be held against its own labels"
        raise InvalidFile(message(label.where, fault, got=label.by, expected="the name of a person in 'by'"))


def judges_itself(metrics: Iterable[MetricSpec], models: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Say which rungs are judged by a model that answers there.

    Args:
        metrics: Of the ladder.
        models: Rung id -> the models that it asks.
    """
    for metric in metrics:
        model = metric.options.get("model")
        rungs = [rung for rung, asked in models.items() if is_judged(metric) and model in asked]
        if rungs:
            yield (
                f"{model} judges its own answers by {metric.name} ({', '.join(rungs)}): models favour what they say "
                "themselves. Name another judge, or label answers of these rungs too"
            )


def _begins(digest: str, written: str) -> bool:
    return digest.removeprefix("sha256:").startswith(written.removeprefix("sha256:"))


@dataclass(frozen=True, slots=True)
class JudgeUsage:
    """What a metric's judge consumed for the answers of one rung."""

    needed: Usage
    """Of all its calls, when they were made."""
    made: Usage = field(default_factory=Usage)
    """Of those that were made in this run; the others were on record."""

    def as_dict(self) -> dict[str, Json]:
        """It as a JSON object."""
        return {"needed": asdict(self.needed), "made": asdict(self.made)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Json]) -> JudgeUsage:
        """Read what `as_dict` wrote."""
        return cls(Usage(**value["needed"]), Usage(**value["made"]))

    def __add__(self, other: JudgeUsage) -> JudgeUsage:
        return JudgeUsage(self.needed + other.needed, self.made + other.made)


NO_USE = JudgeUsage(Usage())


@dataclass(frozen=True, slots=True)
class JudgedMetric:
    """A judged metric at the end of a run."""

    metric: str
    gates: bool
    """Whether it has a threshold."""
    agreement: Agreement
    usage: JudgeUsage = NO_USE
    """Of this run, over all its rungs: not among what the rungs themselves consumed."""

    @property
    def triage(self) -> bool:
        """Whether its scores decide nothing: agreement with people is not shown."""
        return not self.agreement.shown
