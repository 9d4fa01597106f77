"""Whether a failed case failed by its tools."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case
from pytest_ladder.core.causes import cause
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.results import CaseResult
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.core.tool_causes import tool_fault

ORDER = {"name": "order", "arguments": {"number": "7"}}
OTHER = {"name": "order", "arguments": {"number": "8"}}
WHO = {"name": "identify"}


def step(kind: str, name: Any = "order", **more: Any) -> dict[str, Any]:
    return {"step": kind, "name": name, "arguments": {}, **more}


WORKED, BROKE = step("tool", result="sent"), step("tool", error="KeyError: '7'")
REFUSED, TOO_EARLY = step("refused", rule="parameters"), step("refused", rule="after")
UNMET = {"valid": False, "attempts": 3, "error": "required, and not called: order"}


@pytest.mark.parametrize(
    ("expected", "calls", "steps", "validation", "fault"),
    [
        ([ORDER], [], [], None, "not called"),
        ([ORDER, WHO], [ORDER], [WORKED], None, "not called"),
        ([ORDER, ORDER], [ORDER], [WORKED], None, "not called"),
        ([ORDER], [], [TOO_EARLY], None, "not called"),
        ([ORDER], [OTHER], [WORKED], None, "wrong arguments"),
        ([ORDER], [], [REFUSED], None, "wrong arguments"),
        ([ORDER, WHO], [], [REFUSED], None, "not called"),
        ([ORDER], [ORDER], [BROKE], None, "failed"),
        ([], [ORDER], [BROKE], None, "failed"),
        ([ORDER], [ORDER, ORDER], [BROKE, WORKED], None, ""),
        ([ORDER], [ORDER], [WORKED, BROKE], None, "failed"),
        ([ORDER, WHO], [{"name": "identify", "arguments": {"x": 1}}, ORDER], [WORKED], None, ""),
        ([], [], [], None, ""),
        ([], [ORDER], [WORKED], None, ""),
        ([], [], [{"step": "reminded", "missing": ["order"]}], UNMET, "not called"),
        ([], [], [], UNMET, ""),
        ([], [], ["tool", {"step": "tool"}, step("tool", name=3, error="x"), 5], None, ""),
        ([{"what": "ever"}], [], [], None, ""),
    ],
)  # fmt: skip
def test_the_trace_and_the_cases_tools_tell(
    expected: list[Any], calls: list[Any], steps: list[Any], validation: Any, fault: str
):
    case = Case("c", "q", tools=tuple(expected))
    answer = Answer("wrong", tool_calls=tuple(calls), steps=tuple(steps), validation=validation)

    assert tool_fault(case, answer) == fault
    found = cause(RungSpec("agent", Kind.DECOMPOSE), CaseResult(case, (answer,), {}))
    assert found == (FailureKind.TOOL_USE if fault else None)


def test_a_rung_without_tools_fails_by_tool_use_where_the_case_asks_for_one():
    case = Case("c", "q", tools=(ORDER,), evidence=("kb-1",))

    assert cause(RungSpec("prompt", Kind.PROMPT), CaseResult(case, (Answer("wrong"),), {})) is FailureKind.TOOL_USE


def test_of_a_system_that_tells_of_no_call_nothing_is_told():
    case = Case("c", "q", tools=(ORDER,))
    rung = RungSpec("prompt", Kind.PROMPT)

    assert cause(rung, CaseResult(case, (Answer("wrong"),), {}), own=True) is None
    assert cause(rung, CaseResult(case, (Answer("wrong", tool_calls=(OTHER,)),), {}), own=True) is FailureKind.TOOL_USE
