"""The user's own scorer: how it is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.scores import Scored, Scorer
from pytest_ladder.errors import InvalidFile, message

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def own_scorer(function: Callable[..., Any], options: Mapping[str, Json], where: str) -> Scorer:
    """Wrap a user's scorer `f(case, answer, **options)`, or `f(scored, **options)` with one positional parameter.

    Raises:
        InvalidFile: it can be called in neither way; `where` begins the text.
    """
    alone = _takes_one(function, options, where)

    def scorer(scored: Scored, /) -> Any:
        return function(*([scored] if alone else [scored.case, scored.answer]), **options)

    scorer.binary = getattr(function, "binary", False)  # type: ignore[attr-defined]
    return scorer


def _takes_one(function: Callable[..., Any], options: Mapping[str, Json], where: str) -> bool:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a builtin without a signature
        return False
    parameters = signature.parameters.values()
    needed = [p for p in parameters if p.kind in POSITIONAL and p.default is p.empty and p.name not in options]
    alone = len(needed) == 1
    try:
        signature.bind(*([...] if alone else [..., ...]), **options)
    except TypeError as fault:
        given = "".join(f", {name}=" for name in options)
        raise InvalidFile(
            message(
                where, f"the scorer cannot be called ({fault})", got=f"{getattr(function, '__name__', '')}{signature}",
                expected=f"`f(case, answer{given})` or `f(scored{given})`",
            )
        ) from None  # fmt: skip
    return alone
