"""Import an optional package at the moment it is needed, or say how to install it."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from pytest_ladder.errors import MissingDependency, message


def require(module: str, feature: str, extra: str) -> ModuleType:
    """Import a module that an extra brings.

    Args:
        module: Its dotted name.
        feature: What needs it, as the user would say it: `local models`.
        extra: The extra of pytest-ladder that installs it.

    Raises:
        MissingDependency: the package is not installed, or one that it needs is not.
    """
    try:
        return import_module(module)
    except ImportError as error:
        absent = error.name or module
        install = f'pip install "pytest-ladder[{extra}]"'
        fault = f"the package `{absent.partition('.')[0]}` cannot be imported ({error})"
        raise MissingDependency(message(feature, fault, next_step=f"Install it: `{install}`")) from error
