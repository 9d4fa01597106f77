"""A ladder against a git ref: what got worse, which rules changed, whether history was rewritten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_ladder.core.base_summary import BaseSummary, Flips
from pytest_ladder.core.gate import Code
from pytest_ladder.core.policy import changes, refuses
from pytest_ladder.errors import InvalidFile
from pytest_ladder.report import base as words
from pytest_ladder.session.base.answers import Comparer
from pytest_ladder.session.base.ladder import BaseLadder, policy_of
from pytest_ladder.session.base_tree import LOG, Base, Gone
from pytest_ladder.session.concluding.finish import Outcome


@dataclass(frozen=True, slots=True)
class Failure:
    """What fails the build, as a report of its own."""

    name: str
    """`regression`, `policy` or `log`."""
    text: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A ladder against its base."""

    summary: BaseSummary
    failures: tuple[Failure, ...] = ()


def judge(base: Base, outcome: Outcome, *, smoke: bool) -> Judged:
    """Hold a finished ladder against what stood at the base.

    Args:
        base: The merge base.
        outcome: The ladder at the end of the run.
        smoke: Whether the run asked a few cases only: then nothing is compared but the rules.

    Raises:
        LadderError: git cannot be read.
    """
    ladder = outcome.standing.ladder
    path = base.path_of(ladder)
    if path is None:
        told = f"not at {base.tree.shown}: nothing to compare"
        return Judged(BaseSummary(base.tree.ref, base.tree.commit, notes=(told,)))
    try:
        with TemporaryDirectory(prefix="ladder-base-") as folder:
            found = _found(base, path, Path(folder).resolve(), outcome, smoke)
    except OSError as error:
        raise InvalidFile(f"{ladder.where}: the base cannot be written out for reading ({error}).") from None
    return Judged(found, tuple(_failures(base, path, outcome, found)))


def _found(base: Base, path: str, into: Path, outcome: Outcome, smoke: bool) -> BaseSummary:
    run, tree = outcome.standing.run, base.tree
    summary = BaseSummary(tree.ref, tree.commit, rewritten=run.rewritten)
    notes = [] if path == tree.of(run.ladder.path) else [f"it stood at {path}"]
    try:
        there = BaseLadder(tree, path, into)
    except InvalidFile as fault:
        told = f"its ladder.toml at {tree.shown} cannot be read by this version: nothing is compared. {fault}"
        return replace(summary, notes=(*notes, told))
    now = policy_of(run.ladder, run.waivers, run.whole, run.holdout)
    before = there.policy(now.files)
    comparer = Comparer(run, there, (before, now))
    flips: tuple[Flips, ...] = ()
    lost = ""
    if smoke:
        notes.append("a smoke run: answers are not compared")
    else:
        standing = outcome.standing
        today = {id_: standing.results[id_].evaluation for id_ in standing.current if id_ in standing.results}
        flips = comparer.flips(today, outcome.decision.selected)
        notes += _lever(there.lever, outcome.decision.selected)
        lost = "" if outcome.decision.selected or not outcome.decision.complete else there.lever or ""
    return replace(
        summary, flips=flips, lost_lever=lost, changes=changes(before, now), refused=refuses(before.ladder, now.ladder),
        notes=tuple(dict.fromkeys([*notes, *there.notes, *comparer.notes])), confidence=comparer.confidence,
    )  # fmt: skip


def _lever(before: str | None, now: str | None) -> list[str]:
    return [f"the lever changed from {before or 'none'} to {now or 'none'}"] if before and before != now else []


def _failures(base: Base, path: str, outcome: Outcome, found: BaseSummary) -> Iterator[Failure]:
    where = outcome.standing.ladder.where
    if found.rewritten:
        mend = f"Put the lines back: `git show {base.tree.commit[:10]}:{Path(path).parent.as_posix()}/{LOG}` has them."
        yield Failure("log", f"{where}: {Code.ALTERED}: {found.rewritten}. {mend}")
    if found.regressions:
        yield Failure("regression", "\n".join(_regression(where, found)))
    if found.refused and found.laxer:
        yield Failure("policy", "\n".join(_policy(where, found)))


def _regression(where: str, found: BaseSummary) -> Iterator[str]:
    yield f"regression against {found.shown}"
    yield f"  {where}"
    for flips in found.regressions:
        yield f"  {words.told(flips)}"
        yield f"    {words.lost(flips)}"
    yield "  Mend what these cases lost, or let a change of its own raise `[decision] min_effect` first."


def _policy(where: str, found: BaseSummary) -> Iterator[str]:
    yield f'the policy is laxer than at {found.shown}, and `[gate] policy_change = "fail"` refuses that'
    yield f"  {where}"
    yield from (f"  {change.text}" for change in found.laxer)
    yield "  Take it back, or let whoever owns the policy merge it without this check, in a change of its own."


def gone_line(base: Base, gone: Gone) -> str:
    """Tell of a ladder that is nowhere today."""
    return f"{gone.path}: the ladder {gone.name} stood at {base.tree.shown} and is gone"


def gone_failure(base: Base, gone: Gone) -> Failure:
    """What fails where a ladder is gone whose own policy refuses that."""
    mend = (
        'Its `[gate] policy_change = "fail"` refuses that: put it back, or let its owner merge this without this check.'
    )
    return Failure("policy", f"{gone_line(base, gone)}. {mend}")
