"""Models by the form of their name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_ladder.backends.callable_model import CallableModel
from pytest_ladder.core.ports import Model
from pytest_ladder.errors import InvalidRequest, message

LOCAL = "local:"
_FUNCTION = re.compile(r"(.+\.py|[^\W\d]\w*(\.[^\W\d]\w*)*):[^\W\d]\w*(\.[^\W\d]\w*)*")


SETTINGS = ("device", "dtype", "threads", "batch_size")
"""Keys of `model_options` that say how a local model runs; all others go along with each request."""


def is_local(name: str) -> bool:
    """Whether a model runs in this process from weights: `local:PATH-OR-HUB-ID`."""
    return name.startswith(LOCAL)


def is_function(name: str) -> bool:
    """Whether a model is the user's own: `models.py:function` or `package.module:function`."""
    return not is_local(name) and _FUNCTION.fullmatch(name) is not None


def build_model(
    name: str,
    *,
    load_function: Callable[[str], Callable[..., Any]],
    folder: Path,
    adapter: Path | None = None,
    device: str | None = None,
    dtype: str | None = None,
    threads: int | None = None,
    batch_size: int = 32,
) -> Model:
    """Build the model of a name; nothing is loaded before the first request.

    Args:
        name: `local:PATH-OR-HUB-ID`, `models.py:function` or `package.module:function`.
        load_function: Finds the function of such a name.
        folder: What a local path is relative to.
        adapter: Folder of LoRA weights to merge into a local model.
        device: For a local model: `cpu`, `cuda`, `cuda:1` ...; default the first CUDA device, else the CPU.
        dtype: For a local model: `float32`, `bfloat16` or `float16`; default bfloat16 where CUDA has it, else float32.
        threads: For a local model: torch's CPU threads, for the whole process; default as they are.
        batch_size: For a local model: most requests in one batch, at least 1.

    Raises:
        InvalidRequest: no model of this form is served, its folder is missing, or a function gets an adapter.
        MissingDependency: an optional package is not installed.
    """
    if is_local(name):
        from pytest_ladder.backends.transformers_lm import TransformersModel

        return TransformersModel(
            name, name.removeprefix(LOCAL), folder=folder, adapter=adapter,
            device=device, dtype=dtype, threads=threads, batch_size=batch_size,
        )  # fmt: skip
    if not is_function(name):
        raise InvalidRequest(_not_served(name))
    if adapter is not None:
        fault = "an adapter can be merged into a local model only"
        raise InvalidRequest(message(f"model {name}", fault, expected=f"a model `{LOCAL}PATH-OR-HUB-ID`"))
    return CallableModel(name, load_function(name))


def _not_served(name: str) -> str:
    # The place of litellm.py: names of this form become provider models once the extra `llm` serves them.
    fault = "provider models come with the extra `llm` in a later version"
    expected = f"`{LOCAL}PATH-OR-HUB-ID` or `models.py:function`"
    next_step = "use a local model or a function of your own that asks the provider"
    return message(f"model {name}", fault, expected=expected, next_step=next_step)
