"""Looks at the hold-out set: what one says of a rung that meets the target, and how many there were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.intervals import least_n
from pytest_ladder.core.ladder import CONFIDENT, Ladder
from pytest_ladder.core.thresholds import LEAST_LATENCIES, Check, asked, more_cases, run_checks, worth
from pytest_ladder.errors import message

LOOK = "hold-out"
"""How the reason of an entry begins that is a look at the hold-out set."""
HOLDOUT = "holdout"
"""`[decision] confirm`, where the lever must also hold on the hold-out set."""
SHOWN = 3
"""How many cases a message lists."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one version of a rung did on the hold-out set."""

    entry: RungEntry
    number: int
    """Which look at this set it is, from 1: every version of every rung that was held against it counts once."""
    elsewhere: int = 0
    """Versions that were held against other hold-out sets."""


def is_look(entry: RungEntry) -> bool:
    """Whether an entry is of the hold-out set."""
    return entry.reason.startswith(LOOK)


def confirms(ladder: Ladder) -> bool:
    """Whether the lever must also hold on the hold-out set."""
    return ladder.decision.confirm == HOLDOUT


def alone(ladder: Ladder, rung_id: str, answers: int) -> Ladder:
    """The contract by which a rung is held against the hold-out set.

    It has no other rung, so that the bounds are as sure as declared: a false lever must be taken for met twice, and on
    the eval set the rungs have shared the error already. A set with too few answers for a percentile of latency leaves
    that limit to the eval set.

    Args:
        ladder: The whole contract.
        rung_id: Which rung is looked at.
        answers: To the hold-out set, repeats counted.
    """
    limits = ladder.limits if answers >= LEAST_LATENCIES else replace(ladder.limits, latency_p95=None)
    return replace(ladder, rungs=(ladder.rung(rung_id),), limits=limits)


def confirmed(own: Verdict, look: Verdict | None) -> Verdict:
    """What counts of a rung: its verdict on the eval set and, where that is met and a look was taken, the look's."""
    return look if own is Verdict.MET and look is not None else own


def look_of(entry: RungEntry, looks: Iterable[RungEntry]) -> Look:
    """Count a look among others.

    Args:
        entry: The look.
        looks: Every look on record, in the order in which they were taken; the entry itself may be among them.
    """
    known = list(looks)
    here = list(dict.fromkeys(_version(other) for other in known if other.evalset == entry.evalset))
    mine = _version(entry)
    number = here.index(mine) + 1 if mine in here else len(here) + 1
    return Look(entry, number, len({(e.evalset, *_version(e)) for e in known if e.evalset != entry.evalset}))


def _version(entry: RungEntry) -> tuple[str, str, str]:
    return entry.rung, entry.fingerprint, entry.answers


# --- words ---------------------------------------------------------------------------------------------------------


def look_words(ladder: Ladder, look: Look) -> str:
    """A look in one line: rung, verdict, figures, and which look at the set it is."""
    verdict = "undecided" if look.entry.verdict is Verdict.INCONCLUSIVE else str(look.entry.verdict)
    figures = ", ".join(_line(check, noise=True) for check in _checks(ladder, look.entry))
    return f"{look.entry.rung} {verdict}: {figures}, {counted_words(look)}"


def counted_words(look: Look) -> str:
    """Which look at this set it is, and how many others were taken at other sets."""
    here = f"{ordinal(look.number)} look at this set"
    return f"{here}, {look.elsewhere} at other sets" if look.elsewhere else here


def unheld(ladder: Ladder, entry: RungEntry, *, mend: bool = True) -> str:
    """Why a rung that meets the target on the eval set is not the lever; empty where its look is met.

    Args:
        ladder: The contract.
        entry: The look.
        mend: Whether to say how many more cases would decide what is undecided.
    """
    if entry.verdict is Verdict.MET:
        return ""
    if entry.verdict is Verdict.ERROR:
        what = f"{entry.errors} cases have no answer or no score" if entry.errors else "answers of more than one model"
        return f"met on the eval set, in error on the hold-out set: {what}"
    checks = _checks(ladder, entry)
    missed = ", ".join(_line(check) for check in checks if check.verdict is not Verdict.MET)
    if entry.verdict is Verdict.SHORT:
        return f"met on the eval set, not on the hold-out set: {missed}"
    more = more_in_holdout(ladder, entry.rung, checks) if mend else ""
    return f"met on the eval set, undecided on the hold-out set: {missed}" + (f"; {more} would tell" if more else "")


def more_in_holdout(ladder: Ladder, rung_id: str, checks: Sequence[Check]) -> str:
    """How many more cases of the hold-out set would decide checks of a look; empty where none is undecided."""
    more = more_cases(alone(ladder, rung_id, LEAST_LATENCIES), checks)
    return f"{more} (cases of the hold-out set)" if more else ""


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`."""
    ending = "th" if 10 < number % 100 < 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _checks(ladder: Ladder, entry: RungEntry) -> tuple[Check, ...]:
    return run_checks(entry.scores, _measured(entry), alone(ladder, entry.rung, entry.cases * entry.repeats))


def _measured(entry: RungEntry) -> dict[str, float | None]:
    return {name: value for name, value in entry.limits.items() if value is None or isinstance(value, float | int)}


def _line(check: Check, *, noise: bool = False) -> str:
    figure = check.figure
    if figure is None:
        value = "not measured" if check.value is None else f"{check.value:.6g}"
        return f"{check.metric} {value}, at most {check.threshold:.6g}"
    if figure.mean is None:
        return f"{check.metric}[{check.slice}] without a score"
    sign = "<" if figure.mean < check.threshold and check.verdict is not Verdict.MET else ">="
    if check.verdict is Verdict.INCONCLUSIVE:
        sign = "not clearly below" if sign == "<" else "not clearly above"
    within = ", within noise" if noise and check.noisy and check.verdict is not Verdict.INCONCLUSIVE else ""
    return f"{check.metric}[{check.slice}] {_beside(figure.mean, check.threshold, sign)} (n = {figure.n}{within})"


def _beside(mean: float, least: float, sign: str) -> str:
    """Two figures with as many decimals as it takes to tell them apart, where they differ."""
    decimals = next((d for d in range(2, 6) if f"{mean:.{d}f}" != f"{least:.{d}f}"), 6)
    decimals = 2 if abs(mean - least) < 1e-6 else decimals
    return f"{mean:.{decimals}f} {sign} {least:.{decimals}f}"


# --- whether a look can tell anything --------------------------------------------------------------------------------


def unfit(ladder: Ladder, evalset: EvalSet, holdout: EvalSet) -> list[str]:
    """Say why a hold-out set could never confirm a lever; empty where it can."""
    return [*_shared(ladder, evalset, holdout), *_empty_slices(ladder, holdout), *_unconfirmable(ladder, holdout)]


def shared_cases(evalset: EvalSet, holdout: EvalSet) -> list[str]:
    """Ids of the hold-out set's cases that are in the eval set too, by what is asked, in file order."""
    known = {case.input_digest for case in evalset}
    return [case.id for case in holdout if case.input_digest in known]


def _shared(ladder: Ladder, evalset: EvalSet, holdout: EvalSet) -> Iterator[str]:
    ids = shared_cases(evalset, holdout)
    if ids:
        named = ", ".join(ids[:SHOWN]) + (f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else "")
        yield message(
            ladder.at("holdout"), f"{len(ids)} of its {len(holdout)} cases are in the eval set too ({named})",
            expected="cases that no rung was chosen on, for `confirm` asks them",
            next_step=f"take them out of {ladder.holdout} or out of {ladder.evalset}",
        )  # fmt: skip


def _empty_slices(ladder: Ladder, holdout: EvalSet) -> Iterator[str]:
    for metric, slice_, _ in asked(ladder):
        if not holdout.slices.get(slice_):
            yield message(
                ladder.at("thresholds", metric, slice_), "no case of the hold-out set is in this slice", got=slice_,
                expected="at least one, for `confirm` asks every threshold there too",
                next_step=f"add cases of it to {ladder.holdout}",
            )  # fmt: skip


def _unconfirmable(ladder: Ladder, holdout: EvalSet) -> Iterator[str]:
    if ladder.decision.rule != CONFIDENT:
        return
    confidence = ladder.decision.confidence
    for metric, slice_, threshold in asked(ladder):
        n, least = worth(ladder, holdout, slice_), least_n(threshold, confidence)
        if n and (least is None or n < least):
            yield message(
                ladder.at("thresholds", metric, slice_),
                f"n = {n} of the hold-out set cannot confirm {threshold:g} at {confidence:.4g} "
                "even with a perfect score",
                expected=f"n >= {least}" if least else "a threshold below 1: no number of cases confirms 1",
                next_step=f"add cases to {ladder.holdout}, lower the threshold, or use rule = \"point\"",
            )  # fmt: skip
