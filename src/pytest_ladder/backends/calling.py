"""How a model asks for a tool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_ladder.backends.callable_model import accepted
from pytest_ladder.backends.models import is_function, is_hosted


def calls_by(name: str | None, load_function: Callable[[str], Callable[..., Any]]) -> str:
    """How the model of a name asks for a tool: `provider`, in a field of its reply, or `text` where it has none.

    A hosted model is trusted to know `tools` until it says otherwise; a function of the user's own knows them where a
    parameter has that name; a local model has none.
    """
    if name is None:
        return "text"
    if is_function(name):
        return "provider" if "tools" in accepted(load_function(name)) else "text"
    return "provider" if is_hosted(name) else "text"
