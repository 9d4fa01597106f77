"""What of structured output a model can do by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_ladder.backends.callable_model import accepted
from pytest_ladder.backends.models import is_function, is_local
from pytest_ladder.core.structured import CONSTRAINED, PROMPT, PROVIDER


def able(name: str | None, load_function: Callable[[str], Callable[..., Any]]) -> str:
    """How the model of a name can be held to a schema: `provider`, `constrained`, or `prompt` where it cannot.

    A local model is constrained; a hosted one is trusted to know `response_format` until it says otherwise; a function
    of the user's own knows it where a parameter has that name.
    """
    if name is None:
        return PROMPT
    if is_local(name):
        return CONSTRAINED
    if is_function(name):
        return PROVIDER if "response_format" in accepted(load_function(name)) else PROMPT
    return PROVIDER
