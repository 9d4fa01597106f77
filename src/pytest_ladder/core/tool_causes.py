"""Whether a failed case failed by its tools: one was not called, got wrong arguments, or failed."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case
from pytest_ladder.core.scorers.tools import ToolCalls
from pytest_ladder.core.scores import Score, Scored

NOT_CALLED = "not called"
WRONG_ARGUMENTS = "wrong arguments"
FAILED = "failed"

_CALLED = ToolCalls(measure="recall")
_RIGHTLY = ToolCalls(measure="recall", arguments=True)


def tool_fault(case: Case, answer: Answer) -> str:
    """What went wrong with the tools, by the case's `tools` and the answer's trace; empty where nothing shows.

    A tool that was called again after it had failed, and then gave a result, has not failed.

    Returns:
        `not called`, `wrong arguments` or `failed`, the first that holds.
    """
    scored = Scored(case, answer, {})
    if case.tools and _short(_CALLED, scored):
        refused = {
            step["name"] for step in _steps(answer, "refused") if step.get("rule") in ("parameters", "arguments")
        }
        called = {call.get("name") for call in answer.tool_calls if isinstance(call, Mapping)}
        wanted = {tool.get("name") for tool in case.tools if isinstance(tool, Mapping)}
        return WRONG_ARGUMENTS if (wanted - called) and (wanted - called) <= refused else NOT_CALLED
    if case.tools and _short(_RIGHTLY, scored):
        return WRONG_ARGUMENTS
    if (
        _steps(answer, "reminded")
        and isinstance(answer.validation, Mapping)
        and answer.validation.get("valid") is False
    ):
        return NOT_CALLED
    last = {step["name"]: "error" in step for step in _steps(answer, "tool")}
    return FAILED if any(last.values()) else ""


def _short(measure: ToolCalls, scored: Scored) -> bool:
    outcome = measure(scored)
    return isinstance(outcome, Score) and outcome.value < 1.0


def _steps(answer: Answer, kind: str) -> list[Mapping[str, object]]:
    """The steps of a kind that name a tool; a system of the user's own may write anything there."""
    found = [step for step in answer.steps if isinstance(step, Mapping) and step.get("step") == kind]
    return [step for step in found if kind == "reminded" or isinstance(step.get("name"), str)]
