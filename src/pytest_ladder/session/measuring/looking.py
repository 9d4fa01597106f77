"""Looks at the hold-out set: taken by a rung's run, counted over a ladder's log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pytest_ladder.core.entries import Entry, RungEntry
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.looks import LOOK, Look, confirms, is_look, look_of, unheld
from pytest_ladder.session.evidence import rung_entries, said
from pytest_ladder.session.measuring.results import Report, RungResult


def with_look(ladder: Ladder, result: RungResult, look: RungResult) -> RungResult:
    """A rung's result with what it did on the hold-out set.

    Where the lever must hold there, what is missing or altered of the look is missing or altered of the rung.

    Args:
        ladder: The contract.
        result: On the eval set.
        look: On the hold-out set.
    """
    entry = replace(look.entry, reason=LOOK) if look.entry else None
    if not confirms(ladder):
        return replace(result, holdout=entry)
    return replace(
        result, holdout=entry, confirmation=replace(look, misses=()), unheld=unheld(ladder, entry) if entry else "",
        missing=(*result.missing, *look.missing), altered=result.altered or look.altered,
        spent=result.spent or look.spent,
        unverifiable=result.unverifiable or look.unverifiable,
        notes=tuple(dict.fromkeys([*result.notes, *look.notes])),
    )  # fmt: skip


def looks_of(log: Iterable[Entry]) -> list[RungEntry]:
    """Every look of a log, in the order in which they were taken."""
    return sorted((e for e in log if isinstance(e, RungEntry) and is_look(e)), key=lambda entry: entry.at)


def sealed_looks(
    log: Sequence[Entry], reports: Sequence[Report], changed: Iterable[str], at: str
) -> tuple[dict[str, RungEntry], list[RungEntry]]:
    """The looks of a run with their ids.

    Args:
        log: Of the ladder.
        reports: Of this run, in climbing order.
        changed: Rungs whose recordings were changed by hand: their looks are left out.
        at: The time of those that are new.

    Returns:
        Rung id -> its look: an old one that says the same, or a new one; and the new ones.
    """
    current: dict[str, RungEntry] = {}
    new: list[RungEntry] = []
    for report in reports:
        if not report.holdout or report.smoke or report.rung in changed:
            continue
        candidate = RungEntry.from_dict(report.holdout)
        old = said([entry for entry in rung_entries(log, report.rung) if is_look(entry)], candidate)
        if old is None:
            number = look_of(candidate, [*looks_of(log), *new]).number
            old = replace(candidate, reason=f"{LOOK}, look {number}").sealed(at)
            new.append(old)
        current[report.rung] = old
    return current, new


def counted(log: Iterable[Entry], looks: Mapping[str, RungEntry]) -> dict[str, Look]:
    """Rung id -> its look, with its number among all on record; looks that the log does not hold yet come last."""
    known = looks_of(log)
    ids = {entry.id for entry in known}
    known += [entry for entry in looks.values() if entry.id not in ids]
    return {rung: look_of(entry, known) for rung, entry in looks.items()}
