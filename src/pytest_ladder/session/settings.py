"""What a run was asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Record(StrEnum):
    """What may be asked."""

    NEW = "new"
    """Reuse what is on record, ask for the rest."""
    NONE = "none"
    """Ask nothing, write nothing."""
    ALL = "all"
    """Ask for everything again."""


class Climb(StrEnum):
    """How far to climb."""

    NEEDED = "needed"
    """Up to the first rung that meets the target."""
    ALL = "all"
    """Every rung, but never train."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of one run."""

    record: Record = Record.NEW
    climb: Climb = Climb.NEEDED
    rungs: tuple[str, ...] = ()
    """Only these rung ids; empty for all."""
    fine_tune: bool = False
    holdout: bool = False
    concurrency: int = 16
    timeout_s: float = 600.0
    """For one answer."""
    max_calls: int | None = None
    max_cost_usd: float | None = None
    max_tokens: int | None = None
    max_time_s: float | None = None
    """For the whole run."""
    limit: int | None = None
    """Only the first N cases of each slice: a smoke run."""
    reports: tuple[Path, ...] = ()
    requests: bool = True
    """Whether anybody is shown what the model calls of a rung came to."""
    drift: int | None = None
    """Ask so many recorded cases again, to see whether the model has changed."""
    selftest: bool = False
    """Whether to judge the gate itself on what is on record."""
    base: str | None = None
    """The git ref to compare with."""

    @property
    def read_only(self) -> bool:
        """Whether nothing may be asked or written."""
        return self.record is Record.NONE
