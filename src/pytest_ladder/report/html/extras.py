"""What a run may tell besides the climb: searched prompts, model calls, judges, drift, and a self-test."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ladder.core.summary import LadderSummary
from pytest_ladder.report import requests, selftest
from pytest_ladder.report.columns import Column, Columns
from pytest_ladder.report.drift import drift_facts, drift_words
from pytest_ladder.report.judged import judged_words
from pytest_ladder.report.searching import searched_words


@dataclass(frozen=True, slots=True)
class Fold:
    """A part that is folded up: tables, then lines."""

    title: str
    tables: tuple[tuple[str, tuple[Column, ...]], ...] = ()
    """What each table holds, and its columns."""
    lines: tuple[str, ...] = ()


def folds(ladder: LadderSummary) -> tuple[Fold, ...]:
    """The parts that this run has."""
    judged = Fold("judged by a model", lines=tuple(map(judged_words, ladder.judges)))
    drift = tuple("; ".join(filter(None, [drift_words(one), drift_facts(one)])) for one in ladder.drifts)
    searched = Fold("searched prompts", lines=tuple(f"{r.id}: {searched_words(r)}" for r in ladder.rows if r.searched))
    found = (searched, judged, Fold("drift", lines=drift), _selftest(ladder), _requests(ladder))
    return tuple(fold for fold in found if fold.tables or fold.lines)


def _selftest(ladder: LadderSummary) -> Fold:
    found = ladder.selftest
    if found is None:
        return Fold(selftest.HEADING)
    shown = ((selftest.HEADING, _shown(selftest.columns_of_selftest(found, unicode=True))),) if found.rungs else ()
    lines = tuple(f"{label}: {text}" for label, text, _ in selftest.selftest_lines(found))
    return Fold(selftest.HEADING, shown, lines)


def _requests(ladder: LadderSummary) -> Fold:
    known = requests.known_of(ladder.rows)
    if not known:
        return Fold(requests.HEADING)
    tables = [(requests.HEADING, _shown(requests.columns_of_requests(known, unicode=True)))]
    if any(figures.parts for _, figures in known):
        tables.append((requests.PARTS_HEADING, _shown(requests.columns_of_parts(known, unicode=True))))
    return Fold(requests.HEADING, tuple(tables))


def _shown(columns: Columns) -> tuple[Column, ...]:
    return (columns.rung, columns.state, *columns.figures)
