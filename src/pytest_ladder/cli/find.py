"""Finds ladders and the rootdir they belong to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pytest_ladder.errors import InvalidRequest, message

FILE = "ladder.toml"
ALWAYS = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini")
"""Files that make their folder a rootdir of pytest's."""
TABLES = {"pyproject.toml": ("[tool.pytest",), "tox.ini": ("[pytest]",), "setup.cfg": ("[tool:pytest]",)}
"""Files that do so if they have such a table."""


def find_ladders(paths: Sequence[str]) -> list[Path]:
    """The ladder.toml files at or below some paths, sorted; hidden folders and environments are left out.

    Raises:
        InvalidRequest: there is none.
    """
    found = sorted({ladder for path in paths or ["."] for ladder in _below(Path(path).resolve())})
    if not found:
        raise InvalidRequest(
            message(", ".join(paths) or ".", f"no {FILE} here", next_step="`ladder init FOLDER` writes a first one")
        )
    return found


def _below(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, names, files in os.walk(path):
        names[:] = [n for n in names if not n.startswith(".") and n not in ("node_modules", "site-packages")]
        if FILE in files:
            yield Path(folder) / FILE


def rootdir_of(ladder: Path) -> Path:
    """The folder that pytest would take as its rootdir, for a run that is told of the ladder's folder.

    The nearest one above with a configuration of pytest, else with a pyproject.toml, else with .git or a setup.py, else
    the current one, if it is above.
    """
    parents = list(ladder.parents)
    for fits in (_configures, _has("pyproject.toml"), _has(".git", "setup.py")):
        for parent in parents:
            if fits(parent):
                return parent
    return Path.cwd() if ladder.is_relative_to(Path.cwd()) else ladder.parent


def _configures(folder: Path) -> bool:
    if any((folder / name).exists() for name in ALWAYS):
        return True
    for name, tables in TABLES.items():
        path = folder / name
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            if any(line.lstrip().startswith(tables) for line in text.splitlines()):
                return True
    return False


def _has(*names: str) -> Callable[[Path], bool]:
    return lambda folder: any((folder / name).exists() for name in names)
