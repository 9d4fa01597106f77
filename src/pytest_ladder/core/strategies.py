"""The strategies of the rung `decompose`, and which of its keys each of them reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

STRATEGIES = ("query_decomposition", "prompt_chain", "plan_and_execute", "tool_agent")

USED_BY: Mapping[str, tuple[str, ...]] = {
    "prompt": ("query_decomposition", "tool_agent"),
    "plan_prompt": ("query_decomposition", "plan_and_execute"),
    "planner": ("query_decomposition", "plan_and_execute"),
    "planner_options": ("query_decomposition", "plan_and_execute"),
    "placeholder": ("query_decomposition", "plan_and_execute"),
    "step_separator": ("query_decomposition",),
    "merge": ("query_decomposition",),
    "merge_prompt": ("query_decomposition",),
    "chain": ("prompt_chain",),
    "step_prompt": ("plan_and_execute",),
    "answer_prompt": ("plan_and_execute",),
    "replan": ("plan_and_execute",),
    "tools": ("tool_agent",),
    "tool_mode": ("tool_agent",),
    "tool_prompt": ("tool_agent",),
    "tool_rules": ("tool_agent",),
    "max_tool_calls": ("tool_agent",),
    "max_cost": ("tool_agent",),
    "max_result": ("tool_agent",),
}
"""Key -> the strategies that read it; a key that is not here is read by all, or is for them to refuse."""


class Misplaced(NamedTuple):
    """A key that a strategy does not read."""

    key: str
    fault: str
    expected: str


def misplaced(options: Mapping[str, object]) -> Iterator[Misplaced]:
    """The keys of a rung's table that its strategy does not read; none where it has no known one."""
    strategy = options.get("strategy")
    for key, users in USED_BY.items():
        if key in options and strategy in STRATEGIES and strategy not in users:
            expected = " or ".join(f'strategy = "{user}"' for user in users) + " with this key"
            yield Misplaced(key, f"the strategy `{strategy}` does not use it", expected)
