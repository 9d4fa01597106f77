"""How sure each side of a verdict must be, so that a whole ladder is as sure as was promised."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ladder.core.ladder import CONFIDENT, Ladder
from pytest_ladder.core.multiplicity import shared


@dataclass(frozen=True, slots=True)
class Confidences:
    """How sure each bound must be; they differ, because each side of a verdict can be wrong in its own ways."""

    met: float
    """Of the lower bound, that "met" goes by."""
    short: float
    """Of the upper bound, that "short" goes by."""

    @classmethod
    def of(cls, ladder: Ladder) -> Confidences:
        """Of the figures of a ladder: under `point`, where no verdict hangs on them, each as declared."""
        plain = ladder.decision.confidence
        return cls.deciding(ladder) if ladder.decision.rule == CONFIDENT else cls(plain, plain)

    @classmethod
    def deciding(cls, ladder: Ladder) -> Confidences:
        """Of bounds that decide.

        A false lever is named if *any* of the declared rungs is wrongly found to meet the target: they share the error
        of "met". That *every* threshold must hold at once asks for no share. A rung is wrongly short if *any* of its
        thresholds is: these share the error of "short". That is the first step of Holm's procedure, by which the rung
        is short or not; its later steps could only call more thresholds of a rung short that is short already.
        """
        thresholds = sum(map(len, ladder.thresholds.values()))
        plain = ladder.decision.confidence
        return cls(shared(plain, max(1, len(ladder.rungs))), shared(plain, max(1, thresholds)))


PLAIN = Confidences(0.95, 0.95)
"""The bounds of a ladder that says nothing of them."""
