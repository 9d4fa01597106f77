"""Whether a model's word may decide: how far it agrees with people's, chance apart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from pytest_ladder.errors import InvalidRequest, message

LEAST_LABELS = 100
"""Answers that people must have judged."""
LEAST_OF_A_CLASS = 20
"""Of these, in each class by the people's word."""
LEAST_KAPPA = 0.6
"""What the lower bound must reach: `substantial` agreement begins here (Landis and Koch, Biometrics 33, 1977)."""
CONFIDENCE = 0.95
"""Of the lower bound, one-sided."""
NOT_SHOWN = "agreement with humans not shown"
ASKED = (
    f"{LEAST_LABELS} labelled answers, {LEAST_OF_A_CLASS} of each class, and a lower bound of Cohen's kappa of "
    f"{LEAST_KAPPA:g}"
)
"""What shows it, in words."""


@dataclass(frozen=True, slots=True)
class Kappa:
    """Agreement of two raters beyond chance."""

    value: float
    """1 for perfect agreement, 0 for chance, below for worse."""
    error: float
    """Its asymptotic standard error, at least 0."""

    def low(self, confidence: float = CONFIDENCE) -> float:
        """The one-sided lower bound: by the delta method, on the scale of log(1 - kappa).

        On kappa's own scale the bound claims too much: with 100 labels it lies above the truth in 7 % of samples.
        """
        apart = 1 - self.value
        if apart < 1e-12:
            return 1.0
        return 1 - apart * math.exp(NormalDist().inv_cdf(confidence) * self.error / apart)


def cohen_kappa(pairs: Sequence[tuple[int, int]], classes: int) -> Kappa | None:
    """Cohen's kappa of two raters, its weights falling in line with the distance of two classes.

    With two classes that is the plain kappa. None where it is not defined: no pair, or both raters know one class
    alone.

    Source: Cohen, "Weighted kappa", Psychological Bulletin 70 (1968); the standard error is that of Fleiss, Cohen and
    Everitt, "Large sample standard errors of kappa and weighted kappa", Psychological Bulletin 72 (1969).

    Args:
        pairs: What the one and the other said, each a class from 0, in the order of the scale.
        classes: How many there are, at least 2.

    Raises:
        InvalidRequest: fewer than 2 classes, or a pair outside them.
    """
    if classes < 2 or any(not 0 <= said < classes for pair in pairs for said in pair):
        raise InvalidRequest(message("kappa", "wrong classes", got=classes, expected="2 or more, and pairs of them"))
    if not pairs:
        return None
    shares = {pair: count / len(pairs) for pair, count in Counter(pairs).items()}
    rows = [math.fsum(share for (i, _), share in shares.items() if i == one) for one in range(classes)]
    columns = [math.fsum(share for (_, j), share in shares.items() if j == one) for one in range(classes)]
    weights = [[1 - abs(i - j) / (classes - 1) for j in range(classes)] for i in range(classes)]
    seen = math.fsum(share * weights[i][j] for (i, j), share in shares.items())
    chance = math.fsum(weights[i][j] * rows[i] * columns[j] for i in range(classes) for j in range(classes))
    if chance > 1 - 1e-12:
        return None
    by_row = [math.fsum(w * share for w, share in zip(line, columns, strict=True)) for line in weights]
    by_column = [math.fsum(weights[i][j] * rows[i] for i in range(classes)) for j in range(classes)]
    spread = math.fsum(
        share * (weights[i][j] * (1 - chance) - (by_row[i] + by_column[j]) * (1 - seen)) ** 2
        for (i, j), share in shares.items()
    )
    variance = (spread - (seen * chance - 2 * chance + seen) ** 2) / (len(pairs) * (1 - chance) ** 4)
    return Kappa((seen - chance) / (1 - chance), math.sqrt(max(0.0, variance)))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a metric that a model judges agrees with people's labels."""

    metric: str
    labels: int
    """Labelled answers that the model has judged too."""
    least_class: str
    """The class with the fewest labels."""
    least_labels: int
    kappa: Kappa | None = None
    """None where it is not defined."""
    classes: Sequence[tuple[str, int]] = ()
    """Each class, from the lowest to the highest, and its labels."""

    @property
    def shown(self) -> bool:
        """Whether the metric may decide."""
        return not self.why

    @property
    def why(self) -> str:
        """Why it may not; empty where it may."""
        if few := [*self._few()]:
            return f"{NOT_SHOWN}: {', '.join(few)}"
        if self.kappa is None or self.kappa.low() < LEAST_KAPPA:
            return f"{NOT_SHOWN}: {self._figures}, at least {LEAST_KAPPA:g} is asked"
        return ""

    def _few(self) -> Iterator[str]:
        """What is short of labels, in all and by class, and how many are missing."""
        if self.labels < LEAST_LABELS:
            yield f"{self.labels} of {LEAST_LABELS} labels ({LEAST_LABELS - self.labels} more)"
        for name, labels in self.classes or ((self.least_class, self.least_labels),):
            if labels < LEAST_OF_A_CLASS:
                yield f"{labels} of {LEAST_OF_A_CLASS} labels of {name!r} ({LEAST_OF_A_CLASS - labels} more)"

    @property
    def words(self) -> str:
        """It in one line."""
        return self.why or f"agreement with humans shown: {self._figures}"

    @property
    def _figures(self) -> str:
        if self.kappa is None:
            return "kappa is not defined"
        low = math.floor(self.kappa.low() * 100) / 100
        return f"kappa {self.kappa.value:.2f}, no less than {low:.2f} at {100 * CONFIDENCE:.0f} %, {self.labels} labels"


def agreement(metric: str, classes: Sequence[str], pairs: Sequence[tuple[int, int]]) -> Agreement:
    """Hold a metric against people's labels.

    Args:
        metric: Its name.
        classes: What can be said, from the lowest to the highest; at least 2.
        pairs: (by people, by the model) for each labelled answer, as places in `classes`.
    """
    by_people = Counter(people for people, _ in pairs)
    least = min(range(len(classes)), key=lambda place: by_people[place])
    kappa = cohen_kappa(pairs, len(classes))
    counts = tuple((name, by_people[place]) for place, name in enumerate(classes))
    return Agreement(metric, len(pairs), classes[least], by_people[least], kappa, counts)
