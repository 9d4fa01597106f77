"""A ladder as pytest would see it, for commands that run no test: with its rootdir, its plugins and conftest files."""

from __future__ import annotations

from pathlib import Path

from pytest_ladder.errors import InvalidRequest, message
from pytest_ladder.session.extensions import HookExtensions
from pytest_ladder.session.ladder_files import Shared
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.settings import Record, Settings

QUIET = ("-s", "-p", "no:cacheprovider", "--assert=plain")
"""Options under which loading plugins prints, writes and rewrites nothing."""


def open_ladder(path: Path) -> LadderRun:
    """Read a ladder, read-only; plugins are asked, and told of nothing.

    A gate that were judged without the rules of a project's own plugins would not be its gate.

    Raises:
        InvalidRequest: pytest's configuration or a `conftest.py` cannot be loaded.
        InvalidFile: a file of the ladder cannot be used.
    """
    import pytest
    from _pytest.config import ConftestImportFailure, _prepareconfig  # as pytest-xdist does in its workers

    try:
        config = _prepareconfig([*QUIET, str(path.parent)])
    except ConftestImportFailure as fault:
        raise InvalidRequest(message(str(fault.path), f"it cannot be loaded ({fault.cause})")) from None
    except (pytest.UsageError, ImportError) as fault:
        raise InvalidRequest(message(str(path), f"pytest's configuration cannot be used ({fault})")) from None
    extensions = HookExtensions(config.hook, notify=False)
    return LadderRun(path, Shared(Settings(record=Record.NONE), config.rootpath, extensions=extensions))
