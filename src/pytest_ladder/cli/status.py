"""How a ladder stands by its log, as `ladder status` shows it."""

from __future__ import annotations

from dataclasses import replace

from pytest_ladder.core.canonical import short
from pytest_ladder.core.health import Note, health
from pytest_ladder.core.summary import LadderSummary, RungRow
from pytest_ladder.report.numbers import plural
from pytest_ladder.session.concluding.finish import Outcome
from pytest_ladder.session.concluding.standing import Standing
from pytest_ladder.session.evidence import unbacked
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.summaries.summary import summarise

SHOWN = 4
"""How many cases a note lists."""


def logged(outcome: Outcome) -> LadderSummary:
    """The summary of a ladder of which nothing was measured now: no row is marked as standing in the log."""
    summary = summarise(outcome, [])
    return replace(summary, rows=tuple(_row(row, outcome.standing) for row in summary.rows))


def _row(row: RungRow, standing: Standing) -> RungRow:
    result = standing.results.get(row.id) if row.entry else None
    return replace(row, from_log=False, recall=result.evaluation.recall if result else None)


def fitness(outcome: Outcome) -> str:
    """What is worth knowing of the eval set, one note a line below a heading; empty where there is nothing."""
    notes = health(outcome.standing.ladder, outcome.standing.run.whole)
    if not notes:
        return ""
    return "\n".join([f"{outcome.standing.ladder.name}, the eval set:", *(f"  {_noted(note)}" for note in notes)])


def _noted(note: Note) -> str:
    shown = ", ".join(note.cases[:SHOWN])
    more = f" and {len(note.cases) - SHOWN} more" if len(note.cases) > SHOWN else ""
    return f"{note.text} ({shown}{more})" if note.cases else note.text


def obstacles(outcome: Outcome) -> str:
    """What stands before fine-tuning, one reason a line below a heading."""
    refusals = outcome.standing.refusals
    told = [f"{refusal.code}: {refusal.reason}" for refusal in refusals] or ["nothing: the gate is open"]
    told += [f"a run fails: {failure}" for failure in outcome.failures]
    return "\n".join([f"{outcome.standing.ladder.name}, before fine-tuning:", *(f"  {line}" for line in told)])


def agreeing(run: LadderRun) -> str:
    """How many entries of the log agree with the recordings, and which have nothing behind them."""
    evalsets = [run.whole, *([run.holdout] if run.holdout else [])]
    bare = () if run.local else unbacked(run.log, run.folder, evalsets, run.shared.rootdir)
    if not bare:
        return f"{plural(len(run.log), 'entry agrees', 'entries agree')} with the recordings"
    names = ", ".join(f"{entry.rung} {short(entry.id)}" for entry in bare)
    left = f"{len(run.log) - len(bare)} of {plural(len(run.log), 'entry', 'entries')} agree with the recordings"
    verb = "counts" if len(bare) == 1 else "count"
    return f"{left}; no recorded answers stand behind {names}, which {verb} for nothing"
