"""What plugins may add: systems, scorers, retrievers, a diagnosis, refusals of the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.entries import DecisionEntry, RungEntry
from pytest_ladder.core.gate_request import GateRequest
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.ports import Document, Retriever
from pytest_ladder.core.results import CaseResult
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.summary import Refusal

Indexer = Callable[[Sequence[Document]], Retriever]
"""Makes a retriever over documents."""


class Extensions(Protocol):
    """Whoever a run asks for what is not built in; each answer is None, or empty, where nobody knows."""

    def system(self, rung: RungSpec, ladder: Ladder) -> Callable[..., Any] | None:
        """A system `f(case)` or `f(case, llm)` in place of the built-in one of a rung."""

    def scorer(self, name: str, options: Mapping[str, Json]) -> Callable[..., Any] | None:
        """The scorer of that name, `f(case, answer)`."""

    def retriever(self, name: str, options: Mapping[str, Json]) -> Indexer | None:
        """The retriever of that name, to be called with the documents."""

    def classify(self, case: Any, result: CaseResult) -> str | None:
        """Why a case without a label failed: a kind of failure."""

    def gate(self, request: GateRequest) -> Sequence[Refusal]:
        """Further reasons why fine-tuning is not justified."""

    def rung_finished(self, entry: RungEntry) -> None:
        """Take note of what was measured."""

    def decided(self, decision: DecisionEntry) -> None:
        """Take note of a decision."""


class NoExtensions:
    """Nobody to ask."""

    def system(self, rung: RungSpec, ladder: Ladder) -> None:
        """No system."""

    def scorer(self, name: str, options: Mapping[str, Json]) -> None:
        """No scorer."""

    def retriever(self, name: str, options: Mapping[str, Json]) -> None:
        """No retriever."""

    def classify(self, case: Any, result: CaseResult) -> None:
        """No diagnosis."""

    def gate(self, request: GateRequest) -> tuple[Refusal, ...]:  # noqa: ARG002 - nobody looks at it
        """No refusal."""
        return ()

    def rung_finished(self, entry: RungEntry) -> None:
        """Nothing to do."""

    def decided(self, decision: DecisionEntry) -> None:
        """Nothing to do."""
