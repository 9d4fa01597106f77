"""Verdicts to the selected lever, or to the next rung and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_ladder.core.advice import Situation, advise
from pytest_ladder.core.complements import complements
from pytest_ladder.core.diagnosis import CALLS_FOR, called_for
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.entries import DecisionEntry, RungEntry, Verdict
from pytest_ladder.core.ladder import CONFIDENT, Ladder
from pytest_ladder.core.looks import Look, confirmed, confirms, counted_words, unheld
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
    looks: tuple[str, ...] = ()
    """Ids of the rungs on whose looks at the hold-out set it rests as well."""

    def entry(self, ladder: str, ids: Mapping[str, str], looks: Mapping[str, str] | None = None) -> DecisionEntry:
        """The decision for the log, with the ids of the entries it rests on: of each rung its own, then its look's.

        Args:
            ladder: Its name.
            ids: Rung id -> id of its entry.
            looks: Rung id -> id of its look.
        """
        found = [(ids[rung], (looks or {})[rung] if rung in self.looks else "") for rung in self.rests_on]
        rests_on = tuple(id_ for pair in found for id_ in pair if id_)
        return DecisionEntry(ladder, self.selected, rests_on, self.recommendation, self.reason)


def decide(
    ladder: Ladder,
    current: Mapping[str, RungEntry],
    diagnosis: Mapping[FailureKind, int],
    gate_open: Callable[[], bool],
    concessions: Callable[[], Sequence[str]] = tuple,
    only_limits: bool = False,
    looks: Mapping[str, Look] | None = None,
    plateau: Callable[[], str] = str,
    cost_usd: float = 0.0,
) -> Decision:
    """Select the lever from the current entries.

    Where the ladder asks its lever to hold on the hold-out set too, a rung that meets the target counts for what its
    look says; one without a look leaves the decision open.

    Args:
        ladder: The contract.
        current: Rung id -> its current entry; a rung without one is left out.
        diagnosis: Of the best cheaper rung's failures.
        gate_open: Tells whether fine-tuning is justified; asked only where no rung meets the target.
        concessions: Tells by what exceptions it is, for the reason; asked only where fine-tuning is the lever or next.
        only_limits: Whether the best cheaper rung misses nothing but cost or latency.
        looks: Rung id -> its look at the hold-out set; a rung without one is left out.
        plateau: Tells whether prompting has levelled off, in a few words; asked only where no rung meets the target.
        cost_usd: Of one answer of the best cheaper rung.
    """
    looks = looks if looks is not None and confirms(ladder) else {}
    current = {rung: _counted(entry, looks.get(rung)) for rung, entry in current.items()}
    seen: list[RungSpec] = []
    for rung in ladder.rungs:
        entry = current.get(rung.id)
        if entry is None:
            if rung.kind is Kind.FINE_TUNE:
                continue
            break
        if entry.verdict is Verdict.ERROR or _unlooked(ladder, entry, looks):
            break
        seen.append(rung)
        if entry.verdict is Verdict.MET:
            granted = concessions() if rung.kind is Kind.FINE_TUNE else ()
            return _selected(ladder, seen, current, granted, looks)
    else:
        open_ = gate_open()
        return _none(
            ladder, seen, current,
            _advice(
                ladder, seen, diagnosis, open_, only_limits, plateau(), complements(ladder, seen, current), cost_usd
            ),
            concessions() if open_ else (), looks,
        )  # fmt: skip
    return _incomplete(ladder, current, rung, looks, called_for(diagnosis))


def _counted(entry: RungEntry, look: Look | None) -> RungEntry:
    """An entry with the verdict that counts."""
    return replace(entry, verdict=confirmed(entry.verdict, look.entry.verdict if look else None))


def _unlooked(ladder: Ladder, entry: RungEntry, looks: Mapping[str, Look]) -> bool:
    """Whether a rung that meets the target has no look that could confirm it."""
    return confirms(ladder) and entry.verdict is Verdict.MET and entry.rung not in looks


def _advice(
    ladder: Ladder, seen: Sequence[RungSpec], diagnosis: Mapping[FailureKind, int], gate_open: bool, only_limits: bool,
    plateau: str, together: str, cost_usd: float,
) -> str:  # fmt: skip
    tried = frozenset(rung.kind for rung in seen)
    return advise(Situation(ladder, tried, diagnosis, gate_open, only_limits, plateau, together, cost_usd))


def _selected(
    ladder: Ladder,
    seen: Sequence[RungSpec],
    current: Mapping[str, RungEntry],
    granted: Sequence[str],
    looks: Mapping[str, Look],
) -> Decision:
    lever, below = seen[-1], seen[:-1]
    undecided = tuple(r.id for r in below if current[r.id].verdict is Verdict.INCONCLUSIVE)
    reason = f"{lever.id} is the lowest rung that meets every threshold"
    if lever.id in looks:
        reason += f" and holds on the hold-out set ({counted_words(looks[lever.id])})"
    reason += "".join(f"; {told}" for told in _told(ladder, below, current, looks))
    told = _with(reason, granted)
    ids = tuple(r.id for r in seen)
    return Decision(lever.id, True, ids, told, f"ship {lever.id}", undecided, _among(ids, looks))


def _among(ids: Sequence[str], looks: Mapping[str, Look]) -> tuple[str, ...]:
    return tuple(rung for rung in ids if rung in looks)


def _none(
    ladder: Ladder,
    seen: Sequence[RungSpec],
    current: Mapping[str, RungEntry],
    recommendation: str,
    granted: Sequence[str],
    looks: Mapping[str, Look],
) -> Decision:
    reason = "no rung on record meets the target"
    if seen:
        parts = _told(ladder, seen, current, looks)
        reason += ": " + "; ".join(part.removeprefix("below the target: ") for part in parts)
    undecided = tuple(r.id for r in seen if current[r.id].verdict is Verdict.INCONCLUSIVE)
    told = _with(reason, granted)
    ids = tuple(r.id for r in seen)
    return Decision(None, bool(seen), ids, told, recommendation, undecided, _among(ids, looks))


def _told(
    ladder: Ladder, rungs: Sequence[RungSpec], current: Mapping[str, RungEntry], looks: Mapping[str, Look]
) -> Iterator[str]:
    """How rungs that do not meet the target miss it: those that are short, then those that are undecided."""
    for what, undecided in (("below the target", False), ("undecided", True)):
        those = [rung for rung in rungs if (current[rung.id].verdict is Verdict.INCONCLUSIVE) is undecided]
        if those:
            yield f"{what}: " + ", ".join(f"{r.id} ({_miss(ladder, current[r.id], looks.get(r.id))})" for r in those)


def _miss(ladder: Ladder, entry: RungEntry, look: Look | None) -> str:
    return unheld(ladder, look.entry, mend=False) if look else shortfall(ladder, entry)


def _with(reason: str, granted: Sequence[str]) -> str:
    return f"{reason}; fine-tuning allowed with: {', '.join(granted)}" if granted else reason


def _incomplete(
    ladder: Ladder, current: Mapping[str, RungEntry], rung: RungSpec, looks: Mapping[str, Look],
    failure: FailureKind | None,
) -> Decision:  # fmt: skip
    if rung.id in current and _unlooked(ladder, current[rung.id], looks):
        reason = f"{rung.id} meets the target on the eval set, but its look at the hold-out set is not on record"
        return Decision(None, False, (), reason, f"run `pytest --ladder --ladder-rung={rung.id}`")
    what = "is in error" if rung.id in current else "has no current record"
    met = [r.id for r in ladder.rungs if r.id in current and current[r.id].verdict is Verdict.MET]
    reason = f"{met[0]} meets the target, but the cheaper rung {rung.id} {what}" if met else f"{rung.id} {what}"
    why = f": most failures are of kind {failure}" if failure and not met and rung.kind in CALLS_FOR[failure] else ""
    return Decision(None, False, (), reason, f"run `pytest --ladder --ladder-rung={rung.id}`{why}")


def shortfall(ladder: Ladder, entry: RungEntry) -> str:
    """The widest miss of an entry against the thresholds, in a few words; the widest doubt where it is undecided."""
    if entry.verdict is Verdict.INCONCLUSIVE:
        return _doubt(ladder, entry)
    misses = [
        (figure.mean - least, f"{metric}[{name}] {_apart(figure.mean, least)}")
        for metric, slices in sorted(ladder.thresholds.items())
        for name, least in sorted(slices.items())
        if (figure := entry.scores.get(metric, {}).get(name)) and figure.mean is not None and figure.mean < least
        if metric not in ladder.unproven
    ]
    if misses:
        return min(misses)[1]
    for name, ceiling in (("cost_per_case", ladder.limits.cost_per_case), ("latency_p95", ladder.limits.latency_p95)):
        value = entry.limits.get(name)
        if ceiling is not None and value is not None and value > ceiling:
            return f"{name} {value:.6g} > {ceiling:.6g}"
    return str(entry.verdict)


def _doubt(ladder: Ladder, entry: RungEntry) -> str:
    """The figure of an undecided entry whose lower bound is the furthest below its threshold."""
    doubts = [
        (figure.low - least, f"{metric}[{name}] {figure.mean:.3f} in [{figure.low:.2f}, {figure.high:.2f}]")
        for metric, slices in sorted(ladder.thresholds.items())
        for name, least in sorted(slices.items())
        if metric not in ladder.unproven
        and (figure := entry.scores.get(metric, {}).get(name))
        and None not in (figure.mean, figure.low, figure.high)
        and figure.low is not None and figure.low < least
    ]  # fmt: skip
    unproven = [f"{metric}: {why}" for metric, why in ladder.unproven.items() if metric in ladder.thresholds]
    if unproven and not (doubts and ladder.decision.rule == CONFIDENT):
        return ", ".join(unproven)
    unmeasured = [f"{name} could not be measured" for name, value in entry.limits.items() if value is None]
    return min(doubts)[1] if doubts else ", ".join(unmeasured) or str(entry.verdict)


def _apart(mean: float, least: float) -> str:
    """Two figures with as many decimals as it takes to see which is the lower."""
    decimals = next((d for d in range(2, 6) if f"{mean:.{d}f}" != f"{least:.{d}f}"), 6)
    return f"{mean:.{decimals}f} < {least:.{decimals}f}"
