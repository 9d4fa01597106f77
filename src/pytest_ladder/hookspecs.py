"""The hooks that other plugins and `conftest.py` files may implement. Imported in every pytest run: no third party."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_ladder.core.canonical import Json
    from pytest_ladder.core.cases import Case
    from pytest_ladder.core.entries import DecisionEntry, RungEntry
    from pytest_ladder.core.extensions import Indexer
    from pytest_ladder.core.gate_request import GateRequest
    from pytest_ladder.core.ladder import Ladder
    from pytest_ladder.core.results import CaseResult
    from pytest_ladder.core.rungs import RungSpec
    from pytest_ladder.core.summary import Refusal


@pytest.hookspec(firstresult=True)
def pytest_ladder_system(rung: RungSpec, ladder: Ladder) -> Callable[..., Any] | None:
    """Give the system of a rung that names none: `f(case)` or `f(case, llm)`, sync or async; None leaves it.

    The file that defines it belongs to the rung's fingerprint. A `system` in ladder.toml, or one that the test gives,
    goes before it.
    """


@pytest.hookspec(firstresult=True)
def pytest_ladder_scorer(name: str, options: Mapping[str, Json]) -> Callable[..., Any] | None:
    """Give the scorer of a name that is not built in: `f(case, answer)`, sync or async, as `file.py:function` is.

    `options` are those of the metric's table. Names and options belong to the contract, code does not: change the
    name or an option when the scorer changes.
    """


@pytest.hookspec(firstresult=True)
def pytest_ladder_retriever(name: str, options: Mapping[str, Json]) -> Indexer | None:
    """Give a retriever of a name that is not built in: what takes the documents and returns one with `search`.

    `options` are the rung's `retriever_options`. Names and options belong to the rung's fingerprint, code does not.
    """


@pytest.hookspec(firstresult=True)
def pytest_ladder_classify_failure(case: Case, result: CaseResult) -> str | None:
    """Say why a case failed that no label speaks of: a kind of failure; None where it cannot be told."""


@pytest.hookspec
def pytest_ladder_gate(request: GateRequest) -> Refusal | Sequence[Refusal] | None:
    """Refuse a fine-tuning for a reason of your own; nothing that is returned can open the gate."""


@pytest.hookspec
def pytest_ladder_rung_finished(entry: RungEntry) -> None:
    """Take note of what a rung has shown: once for each that this run measured, at its end, on the controller."""


@pytest.hookspec
def pytest_ladder_decided(decision: DecisionEntry) -> None:
    """Take note of what a run decides: once for each ladder whose evidence suffices, at its end, on the controller."""
