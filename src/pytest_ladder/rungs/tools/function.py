"""A tool that is the user's own function."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.core.daemon import call
from pytest_ladder.core.tool_schema import CASE, describe, fitted


class FunctionTool:
    """Wraps `f(**arguments)`, sync or async; a `Tool` of `core.ports`.

    A sync function runs in a daemon thread of its own. It gets the arguments of the call and nothing else of the case,
    but for a parameter `case`, which gets a copy of the Question.
    """

    def __init__(self, function: Callable[..., Any], name: str, where: str) -> None:
        """Look at a function; `where` begins the messages of errors.

        Raises:
            InvalidFile: it cannot be offered to a model.
        """
        described = describe(function, name, where)
        self.name, self.description, self.parameters = described.name, described.description, described.parameters
        self._function, self._takes_case = function, described.takes_case

    async def call(self, arguments: Mapping[str, Json], question: Question, /) -> Json:
        """Call the function once; raises whatever it raises."""
        given = fitted(copy.deepcopy(dict(arguments)), self.parameters)
        if self._takes_case:
            given[CASE] = Question(question.id, copy.deepcopy(question.input), copy.deepcopy(dict(question.metadata)))
        return await call(self._function, **given)
