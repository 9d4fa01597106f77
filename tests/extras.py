"""Skips for packages that extras bring, without importing them."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def needs(package: str, extra: str, *, module: bool = False) -> None:
    """Skip the test, or the whole module, where a package is not installed."""
    if find_spec(package) is None:
        pytest.skip(f"{package} comes with the extra `{extra}`", allow_module_level=module)
