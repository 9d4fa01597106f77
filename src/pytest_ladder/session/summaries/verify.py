"""The log against the recordings, without running a test: what `ladder verify` and `ladder status` tell."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_ladder.core.canonical import short
from pytest_ladder.core.entries import Verdict
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.core.summary import State
from pytest_ladder.session.concluding.finish import Outcome, finish
from pytest_ladder.session.concluding.standing import Standing
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.measuring.results import Report, RungResult
from pytest_ladder.store.paths import relative

SHOWN = 5
"""How many cases a fault lists."""


def standing_of(run: LadderRun) -> Outcome:
    """How a ladder stands by its log alone."""
    return finish(run, [], requested=False, interrupted=True)


def verify(run: LadderRun) -> tuple[Outcome, tuple[str, ...]]:
    """Recompute every rung that a climb would reach from its recordings, and compare with the log.

    Rungs above the lever are only checked for changes made by hand.

    Returns:
        How the ladder stands, and what is wrong, one text each; none where all agrees.
    """
    standing = Standing(run, {}, {}, datetime.now(UTC).date())
    reports: list[Report] = []
    faults: list[str] = []
    lever = False
    for rung in run.ladder.rungs:
        result = standing.results.get(rung.id)
        if result is None:
            faults += _missing(run, standing, rung) if not lever or standing.altered(rung.id) else []
        elif not lever or result.altered:
            faults += _unlooked(run, result) if result.missing else []
            state = State.ERROR if result.altered or result.missing else State(str(result.verdict))
            reports.append(Report.of(str(run.ladder.path), str(state), result, requested=False, smoke=False))
            lever = lever or result.verdict is Verdict.MET
    outcome = finish(run, reports, requested=False, interrupted=False)
    return outcome, (*faults, *outcome.failures)


def _unlooked(run: LadderRun, result: RungResult) -> list[str]:
    where = f"{run.ladder.where} ({run.ladder.name}): rung {result.rung}"
    names = ", ".join(result.missing[:SHOWN]) + (", ..." if len(result.missing) > SHOWN else "")
    return [
        f"{where}: its answers to the hold-out set are not all on record ({names}). "
        f"Run `pytest --ladder --ladder-rung={result.rung}` and commit."
    ]


def _missing(run: LadderRun, standing: Standing, rung: RungSpec) -> list[str]:
    where = f"{run.ladder.where} ({run.ladder.name}): rung {rung.id}"
    fault = standing.altered(rung.id)
    if fault:
        return [f"{where}: altered: {fault} Restore the recordings from git."]
    if rung.kind is Kind.FINE_TUNE:  # it is measured only once it is justified
        return []
    prompt = run.found_paths.get(rung.id)
    if prompt is not None and not prompt.exists():
        return [
            f"{where}: the prompt that its search finds, {relative(prompt, run.shared.rootdir)}, is missing. "
            f"Run `pytest --ladder --ladder-rung={rung.id}` and commit it."
        ]
    whose = "its answers, or those of its judges," if run.agreements.all() else "its answers"
    return [
        f"{where}: {whose} to today's eval set are not all on record for fingerprint "
        f"{short(standing.prints(rung).digest)}. Run `pytest --ladder --ladder-rung={rung.id}` and commit."
    ]
