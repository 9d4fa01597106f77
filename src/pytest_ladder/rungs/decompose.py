"""The rung `decompose`: several model calls for one answer, by a strategy."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ladder.core.ports import Kit, RungFactory, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs import options

STRATEGIES: Mapping[str, RungFactory] = {}
"""Strategy -> what builds its system."""


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
    return STRATEGIES[options.choice(spec, "strategy", "", tuple(STRATEGIES))](spec, kit)
