"""What the log tells against today's evidence: no proof of anything, and yet a reviewer should read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.entries import Entry, RungEntry, Verdict
from pytest_ladder.core.hybrids import one_way
from pytest_ladder.core.looks import is_look, shared_cases
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.session.measuring.results import RungResult


def history(
    log: Sequence[Entry], current: Mapping[str, RungEntry], below: Sequence[RungSpec], cases: int, today: date
) -> tuple[str, ...]:
    """What stands in the log of a ladder that a fine-tuning should be read with, in a few words each.

    Args:
        log: Every entry, this run's among them.
        current: Rung id -> its current entry.
        below: The rungs below fine-tuning.
        cases: Of today's eval set.
        today: The clock's.
    """
    entries = [e for e in log if isinstance(e, RungEntry) and not is_look(e)]
    return tuple(dict.fromkeys([
        *_shrunk(entries, cases), *_met_before(entries, current, below), *_relabelled(entries, current, below),
        *_same_answers(entries, current, below), *_of_tomorrow(log, today),
    ]))  # fmt: skip


def _shrunk(entries: Sequence[RungEntry], cases: int) -> Iterator[str]:
    most = max((entry.cases for entry in entries), default=0)
    if most > cases:
        yield f"an eval set of {cases} cases that had {most} before"


def _met_before(
    entries: Sequence[RungEntry], current: Mapping[str, RungEntry], below: Sequence[RungSpec]
) -> Iterator[str]:
    for rung in below:
        now = current.get(rung.id)
        met = [entry for entry in entries if entry.rung == rung.id and entry.verdict is Verdict.MET]
        if now is None or now.verdict is Verdict.MET or not met:
            continue
        same = any(entry.fingerprint == now.fingerprint for entry in met)
        yield f"{rung.id} that met {'other cases or thresholds' if same else 'them in another version'} before"


def _relabelled(
    entries: Sequence[RungEntry], current: Mapping[str, RungEntry], below: Sequence[RungSpec]
) -> Iterator[str]:
    for rung in below:
        others = {str(e.rung_kind) for e in entries if e.rung == rung.id and e.rung_kind is not rung.kind}
        if rung.id in current and others:
            yield f"{rung.id} that was of the kind {', '.join(sorted(others))} before"


def _same_answers(
    entries: Sequence[RungEntry], current: Mapping[str, RungEntry], below: Sequence[RungSpec]
) -> Iterator[str]:
    """Answers of one kind that are, to the last one, those of a cheaper kind."""
    for rung in below:
        now = current.get(rung.id)
        if now is None:
            continue
        cheaper = [
            e.rung
            for e in entries
            if e.answers == now.answers and e.rung != rung.id and e.rung_kind.order < rung.kind.order
        ]
        if cheaper:
            yield f"{rung.id} that answers every case as {cheaper[0]} does"


def _of_tomorrow(log: Sequence[Entry], today: date) -> Iterator[str]:
    newest = max((datetime.fromisoformat(entry.at).date() for entry in log if entry.at), default=today)
    if newest > today + timedelta(days=1):
        yield f"a log of {newest} on a clock of {today}"


def one_way_streets(results: Mapping[str, RungResult]) -> tuple[str, ...]:
    """The rungs whose router had a choice and sent every case the same way: they are the rung that it leads to.

    Args:
        results: Rung id -> its result.
    """
    found = []
    for rung, result in results.items():
        if way := one_way(answer for case in result.evaluation.cases for answer in case.answers):
            found.append(f"{rung} that sends every case to {way}")
    return tuple(found)


def overlap(evalset: EvalSet, holdout: EvalSet | None) -> str:
    """Say how many cases of the hold-out set are in the eval set too; empty where none is, or there is no such set."""
    shared = len(shared_cases(evalset, holdout)) if holdout else 0
    return f"a hold-out set of which {shared} of {len(holdout)} cases are in the eval set" if holdout and shared else ""


def own_systems(current: Mapping[str, RungEntry], declared: Mapping[str, str]) -> tuple[str, ...]:
    """The rungs whose answers come from a system that their test gave.

    Args:
        current: Rung id -> its current entry.
        declared: Rung id -> the fingerprint of the rung as ladder.toml declares it.
    """
    ids = [rung for rung, entry in current.items() if rung in declared and entry.fingerprint != declared[rung]]
    return (f"{', '.join(ids)} answered by a system that the test gave",) if ids else ()
