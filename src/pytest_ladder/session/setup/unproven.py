"""Judged metrics that may not decide: their judges have not been shown to agree with people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from pytest_ladder.core.agreement import Agreement
from pytest_ladder.core.judged import is_judged
from pytest_ladder.core.scores import MetricSpec


class Unproven(Mapping[str, str]):
    """Judged metric -> why it may not decide; those whose agreement is shown are left out. Measured when asked."""

    def __init__(self, metrics: Sequence[MetricSpec], agreements: Callable[[], Mapping[str, Agreement]]) -> None:
        """Look at the judged ones among the metrics; `agreements` gives what is known when it is asked for."""
        self._judged = frozenset(metric.name for metric in metrics if is_judged(metric))
        self._agreements = agreements

    def __getitem__(self, metric: str) -> str:
        if metric in self._judged and (why := self._agreements()[metric].why):
            return why
        raise KeyError(metric)

    def __iter__(self) -> Iterator[str]:
        return (metric for metric in sorted(self._judged) if metric in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
