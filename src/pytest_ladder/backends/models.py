"""Models by the form of their name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest_ladder.backends.callable_model import CallableModel
from pytest_ladder.backends.checkpoint import DTYPES
from pytest_ladder.backends.hosted import SETTINGS as HOSTED_SETTINGS
from pytest_ladder.backends.hosted import TIMEOUT_S, Terms, check_settings, key_of, unpriced
from pytest_ladder.backends.openai_compatible import KEY_ENV, PREFIX, OpenAICompatible
from pytest_ladder.backends.options import Rule, is_integer
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.ports import Model, Priced
from pytest_ladder.core.prices import Price
from pytest_ladder.errors import InvalidRequest, message

LOCAL = "local:"
_FUNCTION = re.compile(r"(.+\.py|[^\W\d]\w*(\.[^\W\d]\w*)*):[^\W\d]\w*(\.[^\W\d]\w*)*")


_FROM_1 = Rule(lambda value: is_integer(value) and value >= 1, "a whole number from 1")
LOCAL_SETTINGS: Mapping[str, Rule] = {
    "device": Rule(lambda value: isinstance(value, str) and bool(value), "`cpu`, `cuda`, `cuda:1` ..."),
    "dtype": Rule(lambda value: value in DTYPES, " | ".join(DTYPES)),
    "threads": _FROM_1,
    "batch_size": _FROM_1,
}
"""Keys of `model_options` that say how a local model runs."""


def is_local(name: str) -> bool:
    """Whether a model runs in this process from weights: `local:PATH-OR-HUB-ID`."""
    return name.startswith(LOCAL)


def is_function(name: str) -> bool:
    """Whether a model is the user's own: `models.py:function` or `package.module:function`."""
    return not name.startswith((LOCAL, PREFIX)) and _FUNCTION.fullmatch(name) is not None


def is_hosted(name: str) -> bool:
    """Whether a model is behind an address: a LiteLLM name, or `openai_compatible:URL#MODEL`."""
    return not is_local(name) and not is_function(name)


def settings_of(name: str) -> tuple[str, ...]:
    """Keys of `model_options` that say how this model runs or is reached; all others go along with each request."""
    if is_local(name):
        return tuple(LOCAL_SETTINGS)
    return tuple(HOSTED_SETTINGS) if is_hosted(name) else ()


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
    price: Price | None = None,
    **hosted: Json,
) -> Model:
    """Build the model of a name; nothing is loaded before the first request.

    Args:
        name: `local:PATH-OR-HUB-ID`, `models.py:function`, `package.module:function`, `openai_compatible:URL#MODEL`,
            or a LiteLLM name.
        load_function: Finds the function of such a name.
        folder: What a local path is relative to.
        adapter: Folder of LoRA weights to merge into a local model.
        device: For a local model: `cpu`, `cuda`, `cuda:1` ...; default the first CUDA device, else the CPU.
        dtype: For a local model: `float32`, `bfloat16` or `float16`; default bfloat16 where CUDA has it, else float32.
        threads: For a local model: torch's CPU threads, for the whole process; default as they are.
        batch_size: For a local model: most requests in one batch, at least 1.
        price: For a hosted model: as declared; None to take LiteLLM's own.
        hosted: For a hosted model: `timeout` in seconds for one call, `api_key_env`.

    Raises:
        InvalidRequest: no model of this form is served, its folder or its price is missing, or another model than a
            local one gets an adapter.
        MissingDependency: an optional package is not installed.
    """
    if is_local(name):
        from pytest_ladder.backends.transformers_lm import TransformersModel

        return TransformersModel(
            name, name.removeprefix(LOCAL), folder=folder, adapter=adapter,
            device=device, dtype=dtype, threads=threads, batch_size=batch_size,
        )  # fmt: skip
    if adapter is not None:
        fault = "an adapter can be merged into a local model only"
        raise InvalidRequest(message(f"model {name}", fault, expected=f"a model `{LOCAL}PATH-OR-HUB-ID`"))
    return CallableModel(name, load_function(name)) if is_function(name) else _hosted(name, price, hosted)


def _hosted(name: str, price: Price | None, settings: Mapping[str, Json]) -> Model:
    check_settings(settings, name)
    written = settings.get("deployments")
    if not written:
        return _at_one_place(name, price, settings)
    from pytest_ladder.backends.deployments import Deployments, Place

    places = []
    for table in written:
        at = str(table.get("model", name))
        own = {**settings, **{key: table[key] for key in ("api_key_env",) if key in table}}
        address = {key: table[key] for key in ("api_base", "api_version") if key in table}
        places.append(Place(at, _at_one_place(at, price, own), address))
    first = places[0].model
    return Deployments(places, first.price if isinstance(first, Priced) else Price(0.0, 0.0))


def _at_one_place(name: str, price: Price | None, settings: Mapping[str, Json]) -> Model:
    timeout_s = float(settings.get("timeout", TIMEOUT_S))
    if not name.startswith(PREFIX):
        from pytest_ladder.backends.litellm_lm import LiteLLM

        key = key_of(settings, None, name)
        return LiteLLM(name, lambda price: Terms(price, timeout_s, key), price)
    if price is None:
        raise unpriced(name)
    return OpenAICompatible(name, Terms(price, timeout_s, key_of(settings, KEY_ENV, name)))
