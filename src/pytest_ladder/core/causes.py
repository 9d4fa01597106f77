"""What the record itself shows of why a case failed, where nobody has labelled it."""

from __future__ import annotations

from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.results import CaseResult
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.core.tool_causes import tool_fault

NO_RETRIEVAL = frozenset({Kind.PROMPT, Kind.FEW_SHOT, Kind.OPTIMIZE, Kind.FINE_TUNE})
"""The kinds that put no document before the model, unless they name a corpus."""


def cause(rung: RungSpec, result: CaseResult, *, own: bool = False) -> FailureKind | None:
    """Say why a case failed, as far as its tools, its evidence and its steps tell; None where they do not.

    A tool that the case asks for was not called, or with wrong arguments, or a tool failed: `tool_use`.

    The evidence was not before the model: `facts` of a rung that retrieves nothing, `retrieval` of one that does. Part
    of it was, and the case takes several steps: `reasoning`, for what the next step needs cannot be searched for before
    the first one is answered. As much of it was as an answer needs (`Case.needs`), and one step would do: noise,
    reasoning and form look alike from outside.

    Args:
        rung: What answered.
        result: The failed case; without answers nothing is told.
        own: Whether a system of the user's answered: where that names no document, it may have read one all the same.
    """
    silent = own and not any(answer.tool_calls for answer in result.answers)  # it may have called without telling
    if not silent and any(tool_fault(result.case, answer) for answer in result.answers):
        return FailureKind.TOOL_USE
    evidence = set(result.case.evidence)
    if not (evidence and result.answers):
        return None
    shown = {document for answer in result.answers for document in answer.retrieved}
    if not shown:
        return None if own else _without(rung)
    found = evidence & shown
    if found and len(result.case.steps) > 1:
        return FailureKind.REASONING
    return None if len(found) >= result.case.needs else FailureKind.RETRIEVAL


def _without(rung: RungSpec) -> FailureKind | None:
    """Of a built-in system that showed the model no document."""
    if "corpus" in rung.options:
        return FailureKind.RETRIEVAL
    return FailureKind.FACTS if rung.kind in NO_RETRIEVAL else None
