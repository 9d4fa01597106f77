"""What the decision rests on: the entries with their digests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_ladder.core.canonical import short
from pytest_ladder.core.entries import RungEntry
from pytest_ladder.core.summary import LadderSummary
from pytest_ladder.report import numbers
from pytest_ladder.report.text import one_line


@dataclass(frozen=True, slots=True)
class Proof:
    """One entry."""

    rung: str
    verdict: str
    at: str
    entry: str
    """Its id, short."""
    fingerprint: str
    answers: str
    model: str
    versions: str
    whole: tuple[tuple[str, str], ...]
    """Everything else there is to tell, by name."""


def proofs(ladder: LadderSummary) -> tuple[Proof, ...]:
    """The current entries of a ladder, in climbing order."""
    entries = ladder.details.entries if ladder.details else ()
    versions = {row.id: row.versions for row in ladder.rows}
    return tuple(_proof(entry, versions.get(entry.rung, 0)) for entry in entries)


def _proof(entry: RungEntry, versions: int) -> Proof:
    return Proof(
        rung=one_line(entry.rung), verdict=str(entry.verdict), at=one_line(entry.at), entry=short(entry.id),
        fingerprint=short(entry.fingerprint), answers=short(entry.answers), model=_model(entry),
        versions=numbers.count(versions), whole=tuple((name, one_line(text)) for name, text in _whole(entry) if text),
    )  # fmt: skip


def _model(entry: RungEntry) -> str:
    return one_line(", ".join(entry.model_returned) or entry.model or "-")


def _whole(entry: RungEntry) -> Iterator[tuple[str, str]]:
    yield "entry", entry.id
    yield "eval set", entry.evalset
    yield "contract", entry.contract
    yield "fingerprint", entry.fingerprint
    yield "answers", entry.answers
    yield "cases", f"{numbers.count(entry.cases)}, {numbers.plural(entry.repeats, 'answer')} each"
    if entry.answered < entry.cases:
        yield "ended early", numbers.asked(entry.answered, entry.cases)
    yield "model asked for", entry.model or ""
    yield "model that answered", ", ".join(entry.model_returned)
    yield "reason", entry.reason
    yield "after", ", ".join(entry.after)
    yield from sorted(entry.artifacts.items())
    yield from ((str(name), str(value)) for name, value in sorted(entry.environment.items()) if value)
    if isinstance(entry.waiver, dict):
        yield "waiver", ", ".join(f"{name}: {value}" for name, value in sorted(entry.waiver.items()))
