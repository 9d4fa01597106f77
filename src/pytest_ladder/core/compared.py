"""Two rungs of one ladder, compared: a finished record, ready to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_ladder.core.differences import Comparison


@dataclass(frozen=True, slots=True)
class Compared:
    """What one rung gains and loses against another on today's eval set."""

    ladder: str
    where: str
    """ladder.toml as typed from the rootdir."""
    before: str
    """Id of the rung that is compared with."""
    after: str
    """Id of the rung that is looked at; differences are its scores less the other's."""
    cases: int
    """Of today's eval set."""
    metrics: Mapping[str, Comparison]
    """Metric -> the comparison, slice by slice; all of them are one family for Holm's correction."""
    confidence: float
    min_effect: float
    cluster: str | None = None
    """The key of the cases' metadata by which they are joined to clusters."""
    notes: tuple[str, ...] = ()
    """What a reader should know of the evidence, one text each."""
