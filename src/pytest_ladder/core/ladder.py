"""The contract of a ladder, as read from ladder.toml; paths are absolute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import ALL, Case
from pytest_ladder.core.places import Lines, Source
from pytest_ladder.core.prices import Price
from pytest_ladder.core.rungs import REQUIRED, Kind, RungSpec
from pytest_ladder.core.scores import MetricSpec

CONFIDENT = "confident"
"""The rule under which an interval, not the mean alone, must be on one side of the threshold."""


@dataclass(frozen=True, slots=True)
class DecisionPolicy:
    """The `[decision]` table: how figures become verdicts."""

    rule: str = "point"
    """`point` or `confident`."""
    confidence: float = 0.95
    """Of each one-sided bound."""
    min_effect: float = 0.0
    max_error_rate: float = 0.0
    """Share of cases in error or unscored above which a rung is in error."""
    stop: str = "never"
    undecided: str = "refuse"
    """`refuse` or `allow`: what an undecided rung does at the gate."""
    de_escalate: str = "warn"
    confirm: str = "none"
    cluster: str | None = None
    """Key of the cases' metadata by which they go together; None where each stands for itself."""


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """The `[gate]` table: what must be on record before fine-tuning."""

    required: tuple[Kind, ...] = REQUIRED
    effort: Mapping[Kind, int] = field(default_factory=lambda: {Kind.PROMPT: 2})
    """How many different versions of a kind must have been measured; 1 where a kind is not named."""
    min_form_share: float = 0.5
    max_age_days: int = 90
    exempt: Mapping[str, str] = field(default_factory=dict)
    """Required kind -> why it is left out."""
    policy_change: str = "print"

    def effort_of(self, kind: Kind) -> int:
        """Versions asked of a kind, at least 1."""
        return self.effort.get(kind, 2 if kind is Kind.PROMPT else 1)


@dataclass(frozen=True, slots=True)
class Limits:
    """The `[limits]` table: ceilings that are thresholds too; None is no ceiling."""

    cost_per_case: float | None = None
    """USD."""
    latency_p95: float | None = None
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Label:
    """A human's word on why a case failed at a rung."""

    case: str
    rung: str
    kind: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Waiver:
    """A signed exception from the climb, of `waivers.toml`."""

    ladder: str
    kind: str
    reason: str
    approved_by: str
    expires: date


@dataclass(frozen=True, slots=True)
class Ladder:
    """All that ladder.toml says, checked."""

    name: str
    path: Path
    """ladder.toml itself."""
    rootdir: Path
    """pytest's rootdir: paths stay inside it."""
    task: str
    evalset: str
    """Path as written, relative to the ladder's folder; so are all other paths here."""
    rungs: tuple[RungSpec, ...]
    """In climbing order."""
    metrics: tuple[MetricSpec, ...]
    thresholds: Mapping[str, Mapping[str, float]]
    """Metric -> slice -> least mean score."""
    limits: Limits = Limits()
    decision: DecisionPolicy = DecisionPolicy()
    gate: GatePolicy = GatePolicy()
    profile: Mapping[str, Json] = field(default_factory=dict)
    dev: str | None = None
    holdout: str | None = None
    model: str | None = None
    model_options: Mapping[str, Json] = field(default_factory=dict)
    repeats: int = 1
    seed: int = 0
    budget_usd: float = 5.0
    prices: Mapping[str, Price] = field(default_factory=dict)
    """Model -> its price, as declared."""
    store: str = "commit"
    """`commit` or `local`."""
    show: str = "text"
    """`text` or `ids`."""
    redact: tuple[str, ...] = ()
    """`file.py:function` each."""
    unproven: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Judged metric -> why it may not decide: its agreement with people is not shown. A threshold on it stays open."""
    lines: Lines | None = field(default=None, compare=False, repr=False)
    """Where in ladder.toml its keys stand."""

    def deciding(self, case: Case) -> tuple[str, ...]:
        """The metrics with a threshold on all cases or on a slice of this one: unscored by any, it is in error."""
        slices = {ALL, *case.slices}
        return tuple(metric for metric, row in self.thresholds.items() if not slices.isdisjoint(row))

    @property
    def folder(self) -> Path:
        """The folder that is the ladder."""
        return self.path.parent

    @property
    def where(self) -> str:
        """ladder.toml as the user would type it from the rootdir."""
        try:
            return self.path.relative_to(self.rootdir).as_posix()
        except ValueError:
            return str(self.path)

    def at(self, *path: str | int) -> str:
        """A key of ladder.toml as messages name it: `path:line: [table] key`."""
        return Source(self.where, self.lines).at(*path)

    def at_model(self, rung: RungSpec) -> str:
        """Where ladder.toml names the model of a rung: in the rung's table, or for the whole ladder."""
        return self.at("rungs", rung.id, "model") if "model" in rung.table else self.at("model")

    def rung(self, rung_id: str) -> RungSpec:
        """The rung of that id; KeyError where there is none."""
        for rung in self.rungs:
            if rung.id == rung_id:
                return rung
        raise KeyError(rung_id)

    def cheaper(self, rung_id: str) -> tuple[RungSpec, ...]:
        """The rungs below one, in climbing order."""
        ids = [rung.id for rung in self.rungs]
        return self.rungs[: ids.index(rung_id)]

    def kinds(self, kind: Kind) -> tuple[RungSpec, ...]:
        """The rungs of one kind, in climbing order."""
        return tuple(rung for rung in self.rungs if rung.kind is kind)
