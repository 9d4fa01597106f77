"""One rule that is not what it was, and which way it moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.ladder import Ladder, Waiver

SHOWN = 10
"""How many ids a change lists."""


class Direction(StrEnum):
    """Which way a rule moved."""

    LAXER = "laxer"
    """It asks less, or it cannot be told from the files whether it does."""
    STRICTER = "stricter"
    OTHER = "other"
    """Worth knowing, and no easier to pass."""


@dataclass(frozen=True, slots=True)
class Change:
    """One rule that is not what it was."""

    text: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything by which a ladder is judged."""

    ladder: Ladder
    waivers: tuple[Waiver, ...] = ()
    evalset: EvalSet | None = None
    """None where it cannot be read: then its cases are not compared."""
    holdout: EvalSet | None = None
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Metric -> file that its scorer uses -> digest of the content."""


def laxer(text: str) -> Change:
    """A rule that asks less, or may."""
    return Change(text, Direction.LAXER)


def stricter(text: str) -> Change:
    """A rule that asks more."""
    return Change(text, Direction.STRICTER)


def other(text: str) -> Change:
    """A change that is no easier to pass."""
    return Change(text, Direction.OTHER)


def moved(name: str, old: float, new: float, *, more_is_laxer: bool) -> Iterator[Change]:
    """A figure that went up or down."""
    if old != new:
        word = "raised" if new > old else "lowered"
        text = f"{name} {word} from {old:g} to {new:g}"
        yield laxer(text) if (new > old) == more_is_laxer else stricter(text)


def counted(ids: Sequence[str], what: str) -> str:
    """How many cases, and which."""
    return f"{len(ids)} {'case' if len(ids) == 1 else 'cases'} {what}: {listed(ids)}"


def listed(names: Sequence[str]) -> str:
    """Up to ten names."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
