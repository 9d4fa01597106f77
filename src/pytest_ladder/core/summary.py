"""What a run has to tell of each ladder: finished records, ready to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_ladder.core.base_summary import BaseSummary
from pytest_ladder.core.case_summary import Details
from pytest_ladder.core.confidences import PLAIN, Confidences
from pytest_ladder.core.drift import Drift
from pytest_ladder.core.entries import RungEntry
from pytest_ladder.core.gains import Gain
from pytest_ladder.core.judged import JudgedMetric
from pytest_ladder.core.looks import Look
from pytest_ladder.core.request_figures import RequestFigures
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.searched import Searched
from pytest_ladder.core.selftested import SelfTested


class State(StrEnum):
    """How a rung stands at the end of a run."""

    SELECTED = "selected"
    MET = "met"
    SHORT = "short"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    NOT_NEEDED = "not needed"
    NOT_RUN = "not run"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why the gate stays shut."""

    code: str
    """One of the codes of the gate: `not_recorded`, `effort`, `undecided`, `stale`, `met`, ..."""
    reason: str
    mend: str
    """The next step that would remove it."""

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}. {self.mend}"


@dataclass(frozen=True, slots=True)
class Miss:
    """One failed case, for the worst-cases list; texts are None where privacy shows ids only."""

    case: str
    metric: str
    score: float | None
    input: str | None = None
    expected: str | None = None
    answer: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class RungRow:
    """One rung in the table."""

    id: str
    kind: Kind
    state: State
    entry: RungEntry | None = None
    """The current entry: measured in this run or standing in the log; None where there is none."""
    from_log: bool = False
    """Whether the entry was not measured in this run."""
    note: str = ""
    """Why it was skipped, or what is wrong with it."""
    misses: tuple[Miss, ...] = ()
    """Worst cases, for a rung measured in this run."""
    recall: float | None = None
    """Share of gold evidence among the retrieved documents, where cases carry evidence and the rung retrieves."""
    gain: Gain | None = None
    """Against the best cheaper rung; None where there is none, or nothing to compare."""
    versions: int = 0
    """Versions of the rung that the log has on today's eval set, this one among them: the more were tried, the more
    likely one is above its target by luck."""
    requests: RequestFigures | None = None
    """Its model calls; None where none is known: it made none, or it was not measured in this run."""
    searched: Searched | None = None
    """The search that wrote its prompt; None where none did."""


@dataclass(frozen=True, slots=True)
class LadderSummary:
    """One ladder at the end of a run."""

    name: str
    where: str
    """ladder.toml as typed from the rootdir."""
    task: str
    rows: tuple[RungRow, ...]
    """In climbing order."""
    thresholds: Mapping[str, Mapping[str, float]]
    limits: Mapping[str, float]
    """Declared ceilings by name."""
    selected: str | None
    decided: str
    """One sentence: which lever, and why; or what stands in the way."""
    recommendation: str = ""
    """One sentence: what to do next."""
    requested: bool = False
    """Whether fine-tuning was asked for in this run."""
    refusals: tuple[Refusal, ...] = ()
    allowed: bool = False
    """Whether the gate was asked and is open."""
    waivers: tuple[str, ...] = ()
    """One line for each waiver in force."""
    failures: tuple[str, ...] = ()
    """What fails the build apart from the figures: missing answers, a log out of date or altered; one text each."""
    notes: tuple[str, ...] = ()
    """Warnings of the run, one line each."""
    looks: tuple[tuple[Look, str], ...] = ()
    """Looks at the hold-out set, of this run or on record where the lever must hold there, each with its line."""
    too_few: tuple[str, ...] = ()
    """Thresholds that this eval set is too small to decide, one text each."""
    confidence: float = 0.95
    """As declared."""
    sure: Confidences = PLAIN
    """Of the bounds that are shown."""
    rule: str = "point"
    show: str = "text"
    cases: int = 0
    checklist: Mapping[str, str] = field(default_factory=dict)
    base: BaseSummary | None = None
    """The ladder against a git ref; None where it was compared with none."""
    drifts: tuple[Drift, ...] = ()
    """Rungs that were asked again."""
    judges: tuple[JudgedMetric, ...] = ()
    """Metrics that a model judges."""
    selftest: SelfTested | None = None
    """How far the verdicts can be trusted; None where it was not asked."""
    details: Details | None = None
    """Failing cases and trade-offs; None where no report asks for them."""
    obstacles: tuple[Refusal, ...] = ()
    """What stands before fine-tuning, asked for or not; empty where no report asks for it."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A whole run."""

    ladders: tuple[LadderSummary, ...]
    at: str
    version: str
    gone: tuple[str, ...] = ()
    """One line for each ladder that stood at the git ref and is nowhere today."""
