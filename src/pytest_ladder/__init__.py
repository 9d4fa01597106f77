"""pytest-ladder: climb from prompt to fine-tuning in order, and let the eval set decide."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_ladder.core.answers import Answer, Reply
    from pytest_ladder.core.cases import Case, EvalSet, Question
    from pytest_ladder.core.evaluation import Evaluation
    from pytest_ladder.core.ports import Document, Hit
    from pytest_ladder.core.scores import Score, Scored, Unscored
    from pytest_ladder.core.summary import Refusal
    from pytest_ladder.errors import LadderError

__all__ = [
    "Answer", "Case", "Document", "EvalSet", "Evaluation", "Hit", "LadderError", "Question", "Refusal", "Reply",
    "Score", "Scored", "Unscored",
]  # fmt: skip

_HOMES = {
    "Answer": "core.answers",
    "Case": "core.cases",
    "Document": "core.ports",
    "EvalSet": "core.cases",
    "Evaluation": "core.evaluation",
    "Hit": "core.ports",
    "LadderError": "errors",
    "Question": "core.cases",
    "Refusal": "core.summary",
    "Reply": "core.answers",
    "Score": "core.scores",
    "Scored": "core.scores",
    "Unscored": "core.scores",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
