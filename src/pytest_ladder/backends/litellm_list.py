"""LiteLLM's list of models and prices, read as the file that comes with it: LiteLLM itself takes seconds to import."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FILE = "model_prices_and_context_window_backup.json"
BARE = ("openai", "anthropic")
"""Providers whose models LiteLLM knows without their name before it."""
LOGGED_IN = ("github_copilot", "chatgpt")
"""Providers that LiteLLM logs in to, by a code that the user enters somewhere, as soon as it is asked of a model."""


def served(name: str, *, priced: bool) -> bool:
    """Whether the list alone tells that LiteLLM serves a model and that its price is known.

    False says nothing: names are known that the list lacks, and LiteLLM is to be asked itself.

    Args:
        name: As in ladder.toml.
        priced: Whether its price is declared, so that the list need not have one.
    """
    provider, slash, short = name.partition("/")
    if priced and slash:
        return provider in _providers()
    entry = _models().get(name) or _models().get(short) or {}
    own = entry.get("litellm_provider")
    return _has_price(entry) and (own == provider if slash else own in BARE)


def logs_in(name: str) -> bool:
    """Whether a mere question to LiteLLM of this model may start a login."""
    provider, slash, _ = name.partition("/")
    return bool(slash) and provider in LOGGED_IN


def is_here() -> bool:
    """Whether there is a list: else no name tells anything."""
    return bool(_models())


def _has_price(entry: Mapping[str, Any]) -> bool:
    return all(isinstance(entry.get(f"{way}_cost_per_token"), int | float) for way in ("input", "output"))


@cache
def _models() -> Mapping[str, Mapping[str, Any]]:
    """Name -> what the list says of it; empty where LiteLLM is not installed, or has no such list."""
    spec = find_spec("litellm")
    places = (spec and spec.submodule_search_locations) or ()
    try:
        found = json.loads((Path(next(iter(places), "")) / FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return {name: entry for name, entry in found.items() if isinstance(entry, dict)}


@cache
def _providers() -> frozenset[str]:
    return frozenset(str(entry.get("litellm_provider")) for entry in _models().values())
