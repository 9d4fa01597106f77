"""What the gate looks at: the evidence of each rung below fine-tuning, and what is known of their failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.ladder import Ladder, Waiver
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.summary import Refusal


@dataclass(frozen=True, slots=True)
class RungEvidence:
    """What is on record of one rung below fine-tuning."""

    id: str
    kind: Kind
    current: RungEntry | None
    """The entry that matches the working tree and whose answers are in the recordings."""
    clear: Verdict | None = None
    """Its verdict by interval, whatever the ladder's rule."""
    outdated: str = ""
    """Why no entry is current although there is one: which digest differs."""
    altered: str = ""
    """What does not match, where recorded evidence was changed."""
    missing: str = ""
    """How many more cases of which slice would make an unclear verdict clear."""
    unheld: str = ""
    """Why it is not the lever although it meets the target: what it did on the hold-out set, which must confirm it."""
    unlooked: bool = False
    """Whether that is not on record."""


@dataclass(frozen=True, slots=True)
class GateRequest:
    """All that the gate looks at."""

    ladder: Ladder
    rungs: tuple[RungEvidence, ...]
    """Every rung below fine-tuning, in climbing order."""
    efforts: Mapping[Kind, int]
    """Kind -> different versions measured on today's inputs."""
    diagnosis: Mapping[FailureKind, int]
    """Of the best cheaper rung's failed cases."""
    diagnosed_rung: str | None
    today: date
    reviewed: Mapping[FailureKind, int] | None = None
    """The same, counting only what a person or a plugin says: what the record alone shows exempts no rung. None: the
    same as `diagnosis`."""
    only_limits: bool = False
    """Whether the best cheaper rung meets every threshold of quality and misses only `[limits]`."""
    waivers: tuple[Waiver, ...] = ()
    altered: tuple[str, ...] = ()
    """What is wrong with the log as a whole."""
    history: tuple[str, ...] = ()
    """What the log tells against the evidence; it refuses nothing, and is told where fine-tuning is allowed."""
    extra: tuple[Refusal, ...] = field(default_factory=tuple)
    """Refusals of other gate rules."""
