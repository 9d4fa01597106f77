"""Named ways to climb wrongly: a rung tried before the one that the order or the diagnosis calls for.

The order speaks as soon as a rung is measured. The diagnosis speaks only where it is as large and as clear as an
exemption needs it (50 diagnosed failures, at most 5 % of them the rung's, by the upper bound), and only of a rung that
brought nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_ladder.core.diagnosis import CALLS_FOR, called_for, diagnosed, exempts
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.gains import FORM_RUNGS
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.rungs import Kind, declaration

RETRIEVING = (Kind.RAG, Kind.ADVANCED_RAG)
BEYOND_FORM = (*RETRIEVING, Kind.DECOMPOSE)
"""The kinds that are tried for other failures than those of form."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A rung with current evidence."""

    id: str
    kind: Kind
    diagnosis: Mapping[FailureKind, int]
    """Why its cases fail; empty where none does."""
    versions: int = 1
    """Versions measured on today's eval set."""
    over: str = ""
    """The best cheaper rung; empty where there is none to compare with."""
    better: bool = False
    """Whether it is shown to be better than that one, by some metric in some slice."""


def failure_modes(ladder: Ladder, tried: Sequence[Tried], best: str = "") -> tuple[str, ...]:
    """Tell what was climbed out of turn, a line each: what, why, and the next step.

    Args:
        ladder: Which rungs are declared, and which are required: the order of what is not required is the user's own.
        tried: The rungs below fine-tuning with current evidence, in climbing order.
        best: Id of the best of them.
    """
    return (*_order(ladder, tried), *_wrong_lever(tried), *_words_for_facts(ladder, tried, best))


def _order(ladder: Ladder, tried: Sequence[Tried]) -> Iterator[str]:
    kinds, required = {one.kind for one in tried}, ladder.gate.required
    found = [one.id for one in tried if one.kind in RETRIEVING]
    words = [kind for kind in (Kind.PROMPT, Kind.FEW_SHOT) if kind in required]
    if found and words and not kinds & set(FORM_RUNGS):
        yield (
            f"naive RAG first: {_and(found)} measured with no prompt or few-shot rung on record, so what retrieval "
            f"brings cannot be told: {_next(ladder, words[0])}"
        )
    advanced = [one.id for one in tried if one.kind is Kind.ADVANCED_RAG]
    if advanced and Kind.RAG in required and Kind.RAG not in kinds:
        yield (
            f"advanced retrieval first: {_and(advanced)} measured before naive RAG has stalled, so its steps may be "
            f"paid for nothing: {_next(ladder, Kind.RAG)}"
        )


def _wrong_lever(tried: Sequence[Tried]) -> Iterator[str]:
    """Rungs that brought nothing, for failures that their kind does not mend, by the rung whose failures these are."""
    below = {one.id: one for one in tried}
    missed: defaultdict[str, list[str]] = defaultdict(list)
    for one in tried:
        idle = one.kind in BEYOND_FORM and not one.better and one.over in below
        if idle and exempts(one.kind, below[one.over].diagnosis):
            missed[one.over].append(one.id)
    for over, ids in missed.items():
        failure = called_for(below[over].diagnosis)
        assert failure is not None
        mends = ", ".join(CALLS_FOR[failure])
        these = "they do" if len(ids) > 1 else "it does"
        yield (
            f"wrong lever: {_and(ids)} tried for failures that {these} not mend and brought nothing: "
            f"{_share(below[over], failure)}, which calls for {mends}"
        )


def _words_for_facts(ladder: Ladder, tried: Sequence[Tried], best: str) -> Iterator[str]:
    """More versions of prompts than the gate asks for, while what is missing is knowledge and no rung brings it."""
    known = next((one for one in tried if one.id == best), None)
    if known is None or any(one.kind in BEYOND_FORM for one in tried) or Kind.RAG not in ladder.gate.required:
        return
    failure = called_for(known.diagnosis)
    beyond = [kind for kind in FORM_RUNGS if _versions(tried, kind) > _asked(ladder, kind)]
    if failure is FailureKind.FACTS and beyond and exempts(Kind.PROMPT, known.diagnosis):
        counts = {kind: _versions(tried, kind) for kind in FORM_RUNGS}
        told = _and([f"{count} of {kind}" for kind, count in counts.items() if count])
        yield (
            f"prompts for facts: versions were measured, {told}, and {_share(known, failure)}, which no wording mends: "
            f"{_next(ladder, Kind.RAG)}"
        )


def _versions(tried: Sequence[Tried], kind: Kind) -> int:
    return sum(one.versions for one in tried if one.kind is kind)


def _asked(ladder: Ladder, kind: Kind) -> int:
    """Versions that the gate asks for."""
    return ladder.gate.effort_of(kind) if kind in ladder.gate.required else 0


def _share(below: Tried, failure: FailureKind) -> str:
    total = diagnosed(below.diagnosis)
    return f"{below.diagnosis[failure]} of the {total} diagnosed failures of {below.id} are of kind {failure}"


def _next(ladder: Ladder, kind: Kind) -> str:
    """How evidence of a kind is got."""
    declared = ladder.kinds(kind)
    return f"run `pytest --ladder --ladder-rung={declared[0].id}`" if declared else f"declare {declaration(kind)}"


def _and(names: Sequence[str]) -> str:
    """Names in a list."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
