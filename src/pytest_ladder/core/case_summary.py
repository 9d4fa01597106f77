"""What a report tells beyond the figures: the failing cases, what quality costs, and what the decision rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.entries import DecisionEntry, RungEntry
from pytest_ladder.core.tradeoff import Tradeoff

ERROR = "error"
"""The kind of a failure of which nothing is known: no answer, or one that could not be scored."""


@dataclass(frozen=True, slots=True)
class RungCase:
    """What one rung made of one case; texts are None or empty where privacy shows ids only."""

    scores: Mapping[str, float | None]
    """Metric that has a threshold, or whose judge failed at the case -> score, 0 to 1; None where it is unscored."""
    failed: bool
    """Whether any of them is below 1 or missing."""
    kind: str = ""
    """Of a failure: its label, `unknown` where it has none, or `error`."""
    answer: str | None = None
    """The answer; with several, each that differs, numbered."""
    note: str = ""
    """Why, in a few words: of the scorer, or the error."""
    answers: tuple[Answer, ...] = ()
    """The answers by repeat, each with the steps that led to it."""
    apart: tuple[str, ...] = ()
    """Metrics among the scores that do not apply to the rung: no score of theirs is lacking."""


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """A case that failed at one rung at least, with what every measured rung made of it."""

    case: str
    slices: tuple[str, ...]
    """Sorted, each once; `all` left out."""
    rungs: Mapping[str, RungCase]
    """Rung id -> what it made of the case, in climbing order."""
    input: str | None = None
    expected: str | None = None
    evidence: tuple[str, ...] = ()
    """Ids of the documents that hold the answer."""

    @property
    def low(self) -> bool:
        """Whether it scored below 1 at some rung."""
        return any(score is not None and score < 1 for found in self.rungs.values() for score in found.scores.values())

    @property
    def unscored(self) -> bool:
        """Whether it has no score at some rung."""
        return any(found.kind == ERROR or None in found.scores.values() for found in self.rungs.values())

    @property
    def failed(self) -> tuple[str, ...]:
        """The rungs at which it failed."""
        return tuple(rung for rung, found in self.rungs.items() if found.failed)


@dataclass(frozen=True, slots=True)
class Details:
    """What a full report shows of one ladder beyond its summary; gathered only where one is asked for."""

    cases: tuple[CaseSummary, ...] = ()
    """Every case that failed somewhere, in the order of the eval set."""
    tradeoffs: tuple[Tradeoff, ...] = ()
    """Quality against cost, by metric."""
    entries: tuple[RungEntry, ...] = ()
    """The current entries as they stand in the log, in climbing order."""
    decision: DecisionEntry | None = None
    """The decision on record that says what is selected now; None where there is none."""
    unverifiable: tuple[str, ...] = ()
    """Rungs judged by committed scores: their answers are not here."""
    documents: Mapping[str, str] = field(default_factory=dict)
    """Id -> title or first words, of the documents that rungs search."""


@dataclass(frozen=True, slots=True)
class ShownCase:
    """One case, and what measured rungs made of it."""

    ladder: str
    where: str
    case: CaseSummary
    """With every rung that was asked for and has answers to it, whether it failed or not."""
    show: str
    """`text`, or `ids` where no text is to be shown."""
    steps: tuple[str, ...] = ()
    """The sub-questions that should be asked, each with its answer."""
    tools: tuple[str, ...] = ()
    """The calls that should be made."""
    documents: Mapping[str, str] = field(default_factory=dict)
    """Id -> title or first words, of the documents that rungs search."""
    absent: Mapping[str, str] = field(default_factory=dict)
    """Rung without an answer to it -> why."""
