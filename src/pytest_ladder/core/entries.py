"""The two kinds of entry of the escalation log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pytest_ladder.core.answers import Usage
from pytest_ladder.core.canonical import Json, digest, rounded
from pytest_ladder.core.cases import ALL
from pytest_ladder.core.rungs import Kind

SCHEMA = 1


class Verdict(StrEnum):
    """What a rung's figures say against the thresholds."""

    MET = "met"
    SHORT = "short"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric on one slice."""

    mean: float | None
    """Mean score of the scored answers, 0 to 1; None where there is none."""
    n: int
    """Scored cases."""
    low: float | None
    """One-sided lower bound at the ladder's confidence."""
    high: float | None
    """One-sided upper bound at the ladder's confidence."""
    unscored: int = 0
    """Cases without a score: in error, or refused by the scorer."""

    def as_dict(self) -> dict[str, Json]:
        """The figure as a JSON object."""
        return {"mean": self.mean, "n": self.n, "low": self.low, "high": self.high, "unscored": self.unscored}


Scores = Mapping[str, Mapping[str, Figure]]
"""Metric -> slice -> figure."""


@dataclass(frozen=True, slots=True)
class RungEntry:
    """What one version of a rung did on one eval set."""

    ladder: str
    rung: str
    rung_kind: Kind
    evalset: str
    contract: str
    fingerprint: str
    answers: str
    cases: int
    repeats: int
    scores: Scores
    verdict: Verdict
    model: str | None = None
    model_returned: tuple[str, ...] = ()
    limits: Mapping[str, Json] = field(default_factory=dict)
    """Measured value of each declared limit, by its name: None where it cannot be measured."""
    errors: int = 0
    """Cases without an answer, and answers that a gating metric could not score."""
    diagnosis: Mapping[str, int] = field(default_factory=dict)
    """Failure kind -> failed cases."""
    ceilings: Mapping[str, Json] = field(default_factory=dict)
    reason: str = ""
    """Why this rung was needed."""
    after: tuple[str, ...] = ()
    """Ids of the entries of the cheaper rungs it builds on."""
    usage: Usage = field(default_factory=Usage)
    latency: Mapping[str, float | None] = field(default_factory=dict)
    """`p50` and `p95` in seconds."""
    artifacts: Mapping[str, str] = field(default_factory=dict)
    """Path -> digest of each file that belongs to the fingerprint."""
    environment: Mapping[str, Json] = field(default_factory=dict)
    waiver: Json = None
    at: str = ""
    """UTC time of the measurement, ISO 8601 with seconds and `Z`."""
    id: str = ""

    def as_dict(self) -> dict[str, Json]:
        """The entry as a JSON object with figures rounded, `id` last where it has one."""
        usage = {
            "calls": self.usage.calls, "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens, "cost_usd": self.usage.cost_usd,
        }  # fmt: skip
        body = rounded({
            "schema": SCHEMA, "kind": "rung", "ladder": self.ladder, "rung": self.rung,
            "rung_kind": str(self.rung_kind), "at": self.at, "evalset": self.evalset, "contract": self.contract,
            "fingerprint": self.fingerprint, "answers": self.answers, "model": self.model,
            "model_returned": list(self.model_returned), "cases": self.cases, "repeats": self.repeats,
            "scores": {m: {s: f.as_dict() for s, f in row.items()} for m, row in self.scores.items()},
            "limits": dict(self.limits), "errors": self.errors, "verdict": str(self.verdict),
            "diagnosis": dict(self.diagnosis), "ceilings": dict(self.ceilings), "reason": self.reason,
            "after": list(self.after), "usage": usage, "latency": dict(self.latency),
            "artifacts": dict(self.artifacts), "environment": dict(self.environment), "waiver": self.waiver,
        })  # fmt: skip
        return {**body, "id": self.id} if self.id else body

    @classmethod
    def from_dict(cls, value: Mapping[str, Json]) -> RungEntry:
        """Read what `as_dict` wrote; the caller has checked the schema."""
        known = {k: v for k, v in value.items() if k not in ("schema", "kind")}
        known["rung_kind"] = Kind(value["rung_kind"])
        known["verdict"] = Verdict(value["verdict"])
        known["usage"] = Usage(**value["usage"])
        known["scores"] = {m: {s: Figure(**f) for s, f in row.items()} for m, row in value["scores"].items()}
        for key in ("model_returned", "after"):
            known[key] = tuple(known[key])
        return cls(**known)

    def sealed(self, at: str) -> RungEntry:
        """The entry with its time and its id."""
        timed = replace(self, at=at, id="")
        return replace(timed, id=digest(timed.as_dict()))

    @property
    def answered(self) -> int:
        """Cases that the verdict needed: fewer than `cases` where the rung ended early."""
        whole = [row[ALL] for row in self.scores.values() if ALL in row]
        return max((figure.n + figure.unscored for figure in whole), default=self.cases)

    @property
    def version(self) -> tuple[str, str, str]:
        """What must match the working tree for the entry to be the current one."""
        return self.evalset, self.contract, self.fingerprint

    def says_the_same(self, other: RungEntry) -> bool:
        """Whether nothing that would be worth a new entry differs."""
        mine, theirs = self.as_dict(), other.as_dict()
        keys = (
            "rung", "evalset", "contract", "fingerprint", "answers", "model_returned", "scores", "limits", "errors",
            "verdict",
        )  # fmt: skip
        return all(same(mine[key], theirs[key]) for key in keys)


@dataclass(frozen=True, slots=True)
class DecisionEntry:
    """Which lever was selected, and on which entries that rests."""

    ladder: str
    selected: str | None
    rests_on: tuple[str, ...]
    recommendation: str
    reason: str
    at: str = ""
    id: str = ""

    def as_dict(self) -> dict[str, Json]:
        """The decision as a JSON object, `id` last where it has one."""
        body: dict[str, Json] = {
            "schema": SCHEMA, "kind": "decision", "ladder": self.ladder, "at": self.at, "selected": self.selected,
            "rests_on": list(self.rests_on), "recommendation": self.recommendation, "reason": self.reason,
        }  # fmt: skip
        return {**body, "id": self.id} if self.id else body

    @classmethod
    def from_dict(cls, value: Mapping[str, Json]) -> DecisionEntry:
        """Read what `as_dict` wrote; the caller has checked the schema."""
        known = {k: v for k, v in value.items() if k not in ("schema", "kind")}
        known["rests_on"] = tuple(known["rests_on"])
        return cls(**known)

    def sealed(self, at: str) -> DecisionEntry:
        """The decision with its time and its id."""
        timed = replace(self, at=at, id="")
        return replace(timed, id=digest(timed.as_dict()))


Entry = RungEntry | DecisionEntry

TOLERANCE = 1e-6
"""Figures this near count as equal: the last rounded decimal may differ between machines."""


def same(one: Json, other: Json) -> bool:
    """Whether two JSON values are equal, figures within the tolerance."""
    if isinstance(one, float) or isinstance(other, float):
        if isinstance(one, int | float) and isinstance(other, int | float):
            return abs(one - other) <= TOLERANCE * 1.5
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
