"""Rung kinds and what builds their systems."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ladder.core.ports import Kit, RungFactory, System
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.rungs.decompose import build_decompose
from pytest_ladder.rungs.fine_tune import build_fine_tune
from pytest_ladder.rungs.hybrids.routing import build_router
from pytest_ladder.rungs.optimization.optimize import build_optimize
from pytest_ladder.rungs.prompt import build_few_shot, build_prompt
from pytest_ladder.rungs.retrieval.advanced_rag import build_advanced_rag
from pytest_ladder.rungs.retrieval.rag import build_rag

FACTORIES: Mapping[Kind, RungFactory] = {
    Kind.PROMPT: build_prompt,
    Kind.FEW_SHOT: build_few_shot,
    Kind.OPTIMIZE: build_optimize,
    Kind.RAG: build_rag,
    Kind.ADVANCED_RAG: build_advanced_rag,
    Kind.DECOMPOSE: build_decompose,
    Kind.FINE_TUNE: build_fine_tune,
}
"""What builds the system of each kind."""


def build(spec: RungSpec, kit: Kit) -> System:
    """Build the built-in system of a rung: its router, or that of its kind.

    Raises:
        InvalidFile: a key of the rung, or a file that it names, cannot be used.
    """
    if "router" in spec.options:
        return build_router(spec, kit)
    return FACTORIES[spec.kind](spec, kit)
