"""The plugins and `conftest.py` files of a project, as pytest would load them, for commands that run no test."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pytest_ladder.errors import InvalidRequest, message
from pytest_ladder.session.extensions import HookExtensions

QUIET = ("-s", "-p", "no:cacheprovider")
"""Options under which loading plugins prints and writes nothing."""


@lru_cache(maxsize=8)
def extensions_of(rootdir: Path, folder: Path) -> HookExtensions:
    """What plugins add to the ladders of a folder; they are told of nothing.

    A gate that were judged without the rules of a project's own plugins would not be its gate.

    Raises:
        InvalidRequest: the project's configuration or a `conftest.py` cannot be loaded.
    """
    import pytest
    from _pytest.config import ConftestImportFailure, _prepareconfig  # as pytest-xdist does in its workers

    try:
        config = _prepareconfig([*QUIET, f"--rootdir={rootdir}", str(folder)])
    except ConftestImportFailure as fault:
        raise InvalidRequest(message(str(fault.path), f"it cannot be loaded ({fault.cause})")) from None
    except (pytest.UsageError, ImportError) as fault:
        raise InvalidRequest(message(str(rootdir), f"pytest's configuration cannot be used ({fault})")) from None
    return HookExtensions(config.hook, notify=False)
