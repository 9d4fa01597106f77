"""Rungs that together meet what none of them meets alone: what a router could be made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_ladder.core.cases import ALL
from pytest_ladder.core.entries import RungEntry
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.rungs import Kind, RungSpec


def complements(ladder: Ladder, rungs: Sequence[RungSpec], current: Mapping[str, RungEntry]) -> str:
    """Say which rung meets every threshold on which slice, by the means, where it takes two rungs or more.

    Args:
        ladder: The contract; its thresholds on `all` are left aside.
        rungs: Rungs that were measured, in climbing order, none of which meets the target.
        current: Rung id -> its entry.

    Returns:
        `few_shot meets talk, rag meets orders`, the cheapest for each slice; empty where a slice is met by none, where
        one rung meets them all, and where a router is among the rungs already.
    """
    cheap = [rung for rung in rungs if rung.kind is not Kind.FINE_TUNE]
    if any("router" in rung.options for rung in cheap):
        return ""
    names = dict.fromkeys(name for row in ladder.thresholds.values() for name in row if name != ALL)
    able = {name: [rung.id for rung in cheap if _meets(ladder, name, current[rung.id])] for name in names}
    if not all(able.values()) or any(all(rung.id in those for those in able.values()) for rung in cheap):
        return ""
    chosen: dict[str, list[str]] = {}
    for name, those in able.items():
        chosen.setdefault(those[0], []).append(name)
    order = [rung.id for rung in cheap if rung.id in chosen]
    return ", ".join(f"{rung} meets {' and '.join(chosen[rung])}" for rung in order)


def _meets(ladder: Ladder, name: str, entry: RungEntry) -> bool:
    """Whether a rung's mean is high enough on a slice, by every metric that is asked for there."""
    asked = [(metric, row[name]) for metric, row in ladder.thresholds.items() if name in row]
    figures = [(entry.scores.get(metric, {}).get(name), least) for metric, least in asked]
    return all(figure is not None and figure.mean is not None and figure.mean >= least for figure, least in figures)
