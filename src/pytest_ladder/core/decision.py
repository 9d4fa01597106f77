"""Verdicts to the selected lever, or to the next rung and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pytest_ladder.core.advice import Situation, advise
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.entries import DecisionEntry, RungEntry, Verdict
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.rungs import Kind, RungSpec


@dataclass(frozen=True, slots=True)
class Decision:
    """What the evidence says of a ladder."""

    selected: str | None
    """The lowest rung that meets every threshold, where every cheaper rung has current evidence."""
    complete: bool
    """Whether the evidence suffices for a decision: none of it is missing or in error."""
    rests_on: tuple[str, ...]
    """Ids of the rungs whose entries it rests on."""
    reason: str
    recommendation: str
    undecided: tuple[str, ...] = ()
    """Cheaper rungs whose verdict is not clear."""

    def entry(self, ladder: str, ids: Mapping[str, str]) -> DecisionEntry:
        """The decision for the log, with the ids of the entries it rests on."""
        rests_on = tuple(ids[rung] for rung in self.rests_on)
        return DecisionEntry(ladder, self.selected, rests_on, self.recommendation, self.reason)


def decide(
    ladder: Ladder,
    current: Mapping[str, RungEntry],
    diagnosis: Mapping[FailureKind, int],
    gate_open: Callable[[], bool],
    concessions: Callable[[], Sequence[str]] = tuple,
    only_limits: bool = False,
) -> Decision:
    """Select the lever from the current entries.

    Args:
        ladder: The contract.
        current: Rung id -> its current entry; a rung without one is left out.
        diagnosis: Of the best cheaper rung's failures.
        gate_open: Tells whether fine-tuning is justified; asked only where no rung meets the target.
        concessions: Tells by what exceptions it is, for the reason; asked only where fine-tuning is the lever or next.
        only_limits: Whether the best cheaper rung misses nothing but cost or latency.
    """
    seen: list[RungSpec] = []
    for rung in ladder.rungs:
        entry = current.get(rung.id)
        if entry is None:
            if rung.kind is Kind.FINE_TUNE:
                continue
            break
        if entry.verdict is Verdict.ERROR:
            break
        seen.append(rung)
        if entry.verdict is Verdict.MET:
            granted = concessions() if rung.kind is Kind.FINE_TUNE else ()
            return _selected(ladder, seen, current, granted)
    else:
        open_ = gate_open()
        return _none(
            ladder, seen, current, _advice(ladder, seen, diagnosis, open_, only_limits), concessions() if open_ else ()
        )
    return _incomplete(ladder, current, rung)


def _advice(
    ladder: Ladder, seen: Sequence[RungSpec], diagnosis: Mapping[FailureKind, int], gate_open: bool, only_limits: bool
) -> str:
    return advise(Situation(ladder, frozenset(rung.kind for rung in seen), diagnosis, gate_open, only_limits))


def _selected(
    ladder: Ladder, seen: Sequence[RungSpec], current: Mapping[str, RungEntry], granted: Sequence[str]
) -> Decision:
    lever, below = seen[-1], seen[:-1]
    undecided = tuple(r.id for r in below if current[r.id].verdict is Verdict.INCONCLUSIVE)
    reason = f"{lever.id} is the lowest rung that meets every threshold"
    if below:
        reason += "; below the target: " + ", ".join(f"{r.id} ({shortfall(ladder, current[r.id])})" for r in below)
    told = _with(reason, granted)
    return Decision(lever.id, True, tuple(r.id for r in seen), told, f"ship {lever.id}", undecided)


def _none(
    ladder: Ladder,
    seen: Sequence[RungSpec],
    current: Mapping[str, RungEntry],
    recommendation: str,
    granted: Sequence[str],
) -> Decision:
    reason = "no rung on record meets the target"
    if seen:
        reason += ": " + ", ".join(f"{r.id} ({shortfall(ladder, current[r.id])})" for r in seen)
    undecided = tuple(r.id for r in seen if current[r.id].verdict is Verdict.INCONCLUSIVE)
    told = _with(reason, granted)
    return Decision(None, bool(seen), tuple(r.id for r in seen), told, recommendation, undecided)


def _with(reason: str, granted: Sequence[str]) -> str:
    return f"{reason}; fine-tuning allowed with: {', '.join(granted)}" if granted else reason


def _incomplete(ladder: Ladder, current: Mapping[str, RungEntry], rung: RungSpec) -> Decision:
    what = "is in error" if rung.id in current else "has no current record"
    met = [r.id for r in ladder.rungs if r.id in current and current[r.id].verdict is Verdict.MET]
    reason = f"{met[0]} meets the target, but the cheaper rung {rung.id} {what}" if met else f"{rung.id} {what}"
    return Decision(None, False, (), reason, f"run `pytest --ladder --ladder-rung={rung.id}`")


def shortfall(ladder: Ladder, entry: RungEntry) -> str:
    """The widest miss of an entry against the thresholds, in a few words."""
    misses = [
        (figure.mean - least, f"{metric}[{name}] {_apart(figure.mean, least)}")
        for metric, slices in sorted(ladder.thresholds.items())
        for name, least in sorted(slices.items())
        if (figure := entry.scores.get(metric, {}).get(name)) and figure.mean is not None and figure.mean < least
    ]
    if misses:
        return min(misses)[1]
    for name, ceiling in (("cost_per_case", ladder.limits.cost_per_case), ("latency_p95", ladder.limits.latency_p95)):
        value = entry.limits.get(name)
        if ceiling is not None and value is not None and value > ceiling:
            return f"{name} {value:.6g} > {ceiling:.6g}"
    return str(entry.verdict)


def _apart(mean: float, least: float) -> str:
    """Two figures with as many decimals as it takes to see which is the lower."""
    decimals = next((d for d in range(2, 6) if f"{mean:.{d}f}" != f"{least:.{d}f}"), 6)
    return f"{mean:.{decimals}f} < {least:.{decimals}f}"
