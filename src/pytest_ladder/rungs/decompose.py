"""The rung `decompose`: several model calls for one answer, by a strategy."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ladder.core.ports import Kit, RungFactory, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.strategies import STRATEGIES, misplaced
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.decomposition.plan_and_execute import build_plan_and_execute
from pytest_ladder.rungs.decomposition.prompt_chain import build_prompt_chain
from pytest_ladder.rungs.decomposition.query_decomposition import build_query_decomposition
from pytest_ladder.rungs.tools.agent import build_tool_agent

FACTORIES: Mapping[str, RungFactory] = {
    "query_decomposition": build_query_decomposition,
    "prompt_chain": build_prompt_chain,
    "plan_and_execute": build_plan_and_execute,
    "tool_agent": build_tool_agent,
}
"""Strategy -> what builds its system."""


def build_decompose(spec: RungSpec, kit: Kit) -> System:
    """Build the system of the rung's `strategy`.

    Raises:
        InvalidFile: no strategy is named, or a key that cannot be used.
    """
    if "strategy" not in spec.options:
        fault, expected = "how the task is taken apart is not said", " | ".join(STRATEGIES)
        raise InvalidFile(message(options.where(spec, "strategy"), fault, expected=expected))
    for key, fault, expected in misplaced(spec.options):
        raise InvalidFile(message(options.where(spec, key), fault, expected=expected))
    return FACTORIES[options.choice(spec, "strategy", "", STRATEGIES)](spec, kit)
