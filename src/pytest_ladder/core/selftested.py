"""The gate of one ladder, judged on its recordings: a finished record, ready to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_ladder.core.health import Note
from pytest_ladder.core.selftest import SelfTest


@dataclass(frozen=True, slots=True)
class SelfTested:
    """How far the verdicts of one ladder can be trusted."""

    rungs: Mapping[str, SelfTest]
    """Rung id -> its test, in climbing order."""
    left_out: Mapping[str, str]
    """Rung id -> why it could not be tested."""
    health: tuple[Note, ...] = ()
    """What is worth knowing of the eval set."""
