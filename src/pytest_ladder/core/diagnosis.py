"""Why cases failed, and which rung that calls for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.intervals import bounds
from pytest_ladder.core.ladder import Label
from pytest_ladder.core.rungs import Kind

CALLS_FOR: Mapping[FailureKind, tuple[Kind, ...]] = {
    FailureKind.FACTS: (Kind.RAG,),
    FailureKind.RETRIEVAL: (Kind.ADVANCED_RAG,),
    FailureKind.CONTEXT: (Kind.ADVANCED_RAG,),
    FailureKind.REASONING: (Kind.DECOMPOSE,),
    FailureKind.TOOL_USE: (Kind.DECOMPOSE,),
    FailureKind.FORM: (Kind.PROMPT, Kind.FEW_SHOT, Kind.OPTIMIZE, Kind.FINE_TUNE),
    FailureKind.ABSTENTION: (Kind.PROMPT,),
    FailureKind.ECONOMY: (Kind.FINE_TUNE,),
    FailureKind.UNKNOWN: (),
}
"""The rungs that mend a kind of failure, cheapest first. `unknown` justifies none."""

EXEMPT_SHARE = 0.05
"""A rung is exempt where its failure kinds are at most this share (upper bound) of the diagnosed failures."""

EXEMPT_LEAST = 50
"""Diagnosed failures that an exemption needs at least."""


def labelled(labels: Sequence[Label], rung_id: str) -> dict[str, str]:
    """Case id -> its label at a rung; the latest wins."""
    return {label.case: label.kind for label in sorted(labels, key=lambda x: x.at) if label.rung == rung_id}


def diagnose(
    failed: Iterable[str], labels: Sequence[Label], rung_id: str, told: Mapping[str, str] | None = None
) -> dict[FailureKind, int]:
    """Count the failed cases of a rung by their label; the latest label of a case wins.

    Args:
        failed: Case ids.
        labels: Of humans.
        rung_id: Which rung.
        told: Case id -> kind, by whatever else can tell it; a label goes before it.

    Returns:
        Failure kind -> cases, `unknown` for those without a label; empty where nothing failed.
    """
    known = {**(told or {}), **labelled(labels, rung_id)}
    return dict(Counter(FailureKind(known.get(case, FailureKind.UNKNOWN)) for case in failed))


def diagnosed(diagnosis: Mapping[FailureKind, int]) -> int:
    """How many failures have an established kind."""
    return sum(n for kind, n in diagnosis.items() if kind is not FailureKind.UNKNOWN)


def exempts(kind: Kind, diagnosis: Mapping[FailureKind, int], confidence: float = 0.95) -> bool:
    """Whether the diagnosis alone leaves a required kind of rung out.

    It takes at least 50 diagnosed failures, of which those that the kind would mend are at most 5 % by the
    one-sided Clopper-Pearson upper bound.
    """
    total = diagnosed(diagnosis)
    if total < EXEMPT_LEAST:
        return False
    mended = sum(n for failure, n in diagnosis.items() if kind in CALLS_FOR[failure])
    return bounds([1.0] * mended + [0.0] * (total - mended), confidence=confidence).high <= EXEMPT_SHARE


def called_for(diagnosis: Mapping[FailureKind, int]) -> FailureKind | None:
    """The most frequent established kind of failure; None where nothing is established. Ties: first in the list."""
    established = {kind: n for kind, n in diagnosis.items() if kind is not FailureKind.UNKNOWN and n}
    return max(established, key=lambda kind: (established[kind], -list(FailureKind).index(kind)), default=None)
