"""The rung `decompose`: several model calls for one answer, by a strategy."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ladder.core.ports import Kit, RungFactory, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.plan_and_execute import build_plan_and_execute
from pytest_ladder.rungs.prompt_chain import build_prompt_chain
from pytest_ladder.rungs.query_decomposition import build_query_decomposition
from pytest_ladder.rungs.tool_agent import build_tool_agent

STRATEGIES: Mapping[str, RungFactory] = {
    "query_decomposition": build_query_decomposition,
    "prompt_chain": build_prompt_chain,
    "plan_and_execute": build_plan_and_execute,
    "tool_agent": build_tool_agent,
}
"""Strategy -> what builds its system."""

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


def build_decompose(spec: RungSpec, kit: Kit) -> System:
    """Build the system of the rung's `strategy`.

    Raises:
        InvalidFile: no strategy is named, or a key that cannot be used.
    """
    if "strategy" not in spec.options:
        expected = " | ".join(STRATEGIES)
        raise InvalidFile(
            message(options.where(spec, "strategy"), "how the task is taken apart is not said", expected=expected)
        )
    strategy = options.choice(spec, "strategy", "", tuple(STRATEGIES))
    _check(spec, strategy)
    return STRATEGIES[strategy](spec, kit)


def _check(spec: RungSpec, strategy: str) -> None:
    """Refuse a key of another strategy."""
    for key, users in USED_BY.items():
        if key in spec.options and strategy not in users:
            expected = " or ".join(f'strategy = "{user}"' for user in users if user in STRATEGIES)
            fault = f"the strategy `{strategy}` does not use it"
            raise InvalidFile(message(options.where(spec, key), fault, expected=f"{expected} with this key"))
