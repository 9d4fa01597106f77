"""A ladder and the plugins that have a say in it, for commands that run no test.

By default no code of the project is loaded but what `ladder.toml` names: a `conftest.py` could patch what is to judge
it. Installed plugins are asked, for whoever can install one need not go that way.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from pytest_ladder.cli.find import find_ladders, rootdir_of
from pytest_ladder.errors import InvalidFile, InvalidRequest, message
from pytest_ladder.session.extensions import HookExtensions
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.settings import Record, Settings
from pytest_ladder.session.shared import Shared

QUIET = ("-s", "-p", "no:cacheprovider", "--assert=plain")
"""Options under which loading plugins prints, writes and rewrites nothing."""
PREFIX = "pytest_ladder_"
PACKAGE = "pytest-ladder"


def add_conftest(command: argparse.ArgumentParser) -> None:
    """Declare the option of a command that reads ladders."""
    told = "load conftest.py files, and plugins that the ini file names, as pytest does"
    command.add_argument("--conftest", action="store_true", help=told)


def open_ladder(path: Path, conftest: bool = False) -> LadderRun:
    """Read a ladder, read-only; plugins are asked, and told of nothing.

    Args:
        path: ladder.toml.
        conftest: Whether to load `conftest.py` files, and plugins that the ini file names, as pytest would.

    Raises:
        InvalidRequest: pytest's configuration, a plugin or a `conftest.py` cannot be loaded.
        InvalidFile: a file of the ladder cannot be used.
    """
    if conftest:
        config = _config(path)
        return _run(path, config.rootpath, config.hook)
    rootdir = rootdir_of(path)
    with_hooks = [found for folder in _between(path.parent, rootdir) if _has_hooks(found := folder / "conftest.py")]
    try:
        run = _run(path, rootdir, _installed())
    except InvalidFile as fault:
        if not with_hooks:
            raise
        raise InvalidFile(f"{fault} {with_hooks[0]} may know better: it was not loaded, add `--conftest`.") from None
    for found in with_hooks:
        print(f"note: {found} was not loaded, its hooks are not asked; `--conftest` loads it", file=sys.stderr)
    return run


def open_only(written: str, conftest: bool = False) -> LadderRun:
    """Read the ladder that is meant by a path: its file, or a folder that holds no other.

    Raises:
        InvalidRequest: there is none, or there are several; or as `open_ladder` does.
        InvalidFile: as `open_ladder` does.
    """
    found = find_ladders([written])
    if len(found) > 1:
        raise InvalidRequest(message(
            written, f"there are {len(found)} ladders here", expected="one",
            next_step=f"name its folder or file: {', '.join(str(path.parent) for path in found)}",
        ))  # fmt: skip
    return open_ladder(found[0], conftest)


def _has_hooks(conftest: Path) -> bool:
    """Whether a file speaks of our hooks; it is read, not run."""
    return conftest.is_file() and PREFIX in conftest.read_text(encoding="utf-8", errors="replace")


def _run(path: Path, rootdir: Path, hook: Any) -> LadderRun:
    return LadderRun(path, Shared(Settings(record=Record.NONE), rootdir, extensions=HookExtensions(hook, notify=False)))


def _between(folder: Path, rootdir: Path) -> Iterator[Path]:
    for parent in (folder, *folder.parents):
        yield parent
        if parent == rootdir:
            return


def _config(path: Path) -> Any:
    """What pytest makes of a folder, without running anything; pytest-xdist's workers begin in the same way."""
    import pytest
    from _pytest.config import ConftestImportFailure, _prepareconfig

    try:
        return _prepareconfig([*QUIET, str(path.parent)])
    except ConftestImportFailure as fault:
        raise InvalidRequest(message(str(fault.path), f"it cannot be loaded ({fault.cause})")) from None
    except (pytest.UsageError, ImportError) as fault:
        raise InvalidRequest(message(str(path), f"pytest's configuration cannot be used ({fault})")) from None


@cache
def _installed() -> Any:
    """The hooks of installed plugins that declare to need this package."""
    import pluggy

    from pytest_ladder import hookspecs

    class Plugins(pluggy.PluginManager):
        def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
            options = super().parse_hookimpl_opts(plugin, name)
            return {} if options is None and name.startswith(PREFIX) and callable(getattr(plugin, name)) else options

    plugins = Plugins("pytest")
    plugins.add_hookspecs(hookspecs)
    for distribution in distributions():
        if _needs_us(distribution):
            for entry in distribution.entry_points.select(group="pytest11"):
                _register(plugins, entry)
    return plugins.hook


def _needs_us(distribution: Distribution) -> bool:
    needed = distribution.requires or []
    return any(text.lower().replace("_", "-").startswith(PACKAGE) for text in needed) and distribution.name != PACKAGE


def _register(plugins: Any, entry: Any) -> None:
    try:
        plugins.register(entry.load(), name=entry.name)
    except Exception as fault:
        told = f"the plugin cannot be loaded ({type(fault).__name__}: {fault})"
        raise InvalidRequest(message(entry.value, told)) from fault
