"""Asks the hooks of other plugins, and holds their answers to what was agreed."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.entries import DecisionEntry, RungEntry
from pytest_ladder.core.extensions import Indexer
from pytest_ladder.core.gate_request import GateRequest
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.names import unknown
from pytest_ladder.core.results import CaseResult
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.summary import Refusal
from pytest_ladder.errors import InvalidRequest, LadderError, message


class HookExtensions:
    """Extensions by pluggy hooks."""

    def __init__(self, hook: Any, *, notify: bool = True) -> None:
        """Ask a plugin manager's `hook`; with `notify` False nobody is told of what was measured and decided."""
        self._hook = hook
        self._notify = notify

    def system(self, rung: RungSpec, ladder: Ladder) -> Callable[..., Any] | None:
        """A system in place of the built-in one of a rung."""
        return self._callable("pytest_ladder_system", rung=rung, ladder=ladder)

    def scorer(self, name: str, options: Mapping[str, Json]) -> Callable[..., Any] | None:
        """The scorer of that name."""
        return self._callable("pytest_ladder_scorer", name=name, options=options)

    def retriever(self, name: str, options: Mapping[str, Json]) -> Indexer | None:
        """The retriever of that name."""
        return self._callable("pytest_ladder_retriever", name=name, options=options)

    def classify(self, case: Any, result: CaseResult) -> str | None:
        """Why a case failed."""
        hook = "pytest_ladder_classify_failure"
        kind = self._call(hook, case=case, result=result)
        if kind is not None and kind not in set(FailureKind):
            raise InvalidRequest(unknown(hook, "kind of failure", str(kind), [str(kind) for kind in FailureKind]))
        return None if kind is None else str(kind)

    def gate(self, request: GateRequest) -> Sequence[Refusal]:
        """Further refusals."""
        return [
            refusal for answer in self._call("pytest_ladder_gate", request=request) for refusal in _refusals(answer)
        ]

    def rung_finished(self, entry: RungEntry) -> None:
        """Tell of an entry."""
        if self._notify:
            self._call("pytest_ladder_rung_finished", entry=entry)

    def decided(self, decision: DecisionEntry) -> None:
        """Tell of a decision."""
        if self._notify:
            self._call("pytest_ladder_decided", decision=decision)

    def _callable(self, hook: str, **arguments: Any) -> Callable[..., Any] | None:
        found: Callable[..., Any] | None = self._call(hook, **arguments)
        if found is not None and not callable(found):
            raise InvalidRequest(message(hook, "it gave something else", got=found, expected="a function, or None"))
        return found

    def _call(self, hook: str, **arguments: Any) -> Any:
        try:
            return getattr(self._hook, hook)(**arguments)
        except LadderError:
            raise
        except Exception as error:
            told = f"it raised {type(error).__name__} ({error}){_place(error)}"
            raise InvalidRequest(message(hook, told, next_step="Mend the plugin or the conftest.py")) from error


def _place(error: Exception) -> str:
    """The line that raised, as ` at FILE:LINE`."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _refusals(answer: object) -> Iterator[Refusal]:
    """What one plugin says at the gate; raises InvalidRequest where it is no refusal, nor a list of them."""
    hook, fault, expected = "pytest_ladder_gate", "it gave something else", "a Refusal, a list of them, or None"
    several = answer if isinstance(answer, list | tuple) else [answer]
    for refusal in several:
        if not isinstance(refusal, Refusal):
            raise InvalidRequest(message(hook, fault, got=refusal, expected=expected))
        if not all(isinstance(part, str) for part in (refusal.code, refusal.reason, refusal.mend)) or not refusal.code:
            expected = "texts, and a code that is not empty"
            raise InvalidRequest(message(hook, "its Refusal holds something else", got=refusal, expected=expected))
        yield refusal
