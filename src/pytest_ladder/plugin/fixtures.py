"""The fixtures of ladder tests. Imported in every pytest run: pytest and the standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_ladder.core.cases import EvalSet
    from pytest_ladder.plugin.handles import LadderHandle, LlmHandle, RungHandle


@pytest.fixture
def rung(request: pytest.FixtureRequest) -> RungHandle:
    """The rung under test: `rung.check()` evaluates it on the eval set and asserts every threshold."""
    from pytest_ladder.plugin.context import context

    return context(request.config).rung_handle(request)


@pytest.fixture
def ladder(request: pytest.FixtureRequest) -> LadderHandle:
    """The ladder of the test: `ladder.spec` is its contract, `ladder.log` its escalation log."""
    from pytest_ladder.plugin.context import context

    return context(request.config).ladder_handle(request)


@pytest.fixture
def evalset(request: pytest.FixtureRequest) -> EvalSet:
    """The cases of the ladder's eval set."""
    from pytest_ladder.plugin.context import context

    return context(request.config).ladder_handle(request).evalset


@pytest.fixture
def llm(request: pytest.FixtureRequest) -> LlmHandle:
    """The model of the rung, or of the ladder: `llm.chat(messages)` counts, bounds, records and replays."""
    from pytest_ladder.plugin.context import context

    return context(request.config).llm_handle(request)


@pytest.fixture
def tuned_model(request: pytest.FixtureRequest) -> LlmHandle:
    """The fine-tuned model. Using it is a request for fine-tuning: the gate is asked first."""
    from pytest_ladder.plugin.context import context
    from pytest_ladder.plugin.tuned import tuned

    found = context(request.config)
    return tuned(found, found.of_test(request))
