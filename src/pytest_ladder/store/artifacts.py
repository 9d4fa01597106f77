"""How the files that answers rest on are named in the log: the same on every machine."""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_ladder.store.paths import beside

INSTALLED = "installed:"
"""Begins the name of a file of an installed package; its place below the folder that holds packages follows."""
_HOLDERS = ("site-packages", "dist-packages")


def is_own(path: Path, rootdir: Path) -> bool:
    """Whether a file is the project's; one of an installed package is elsewhere on every machine."""
    return path.resolve().is_relative_to(rootdir.resolve()) and not set(_HOLDERS) & set(path.parts)


def artifact_name(path: Path, folder: Path, rootdir: Path) -> str:
    """A file as artifacts name it: seen from the ladder's folder, or as `installed:package/module.py`."""
    if is_own(path, rootdir):
        return beside(path, folder)
    holders = sorted((base for base in _bases() if path.is_relative_to(base)), key=lambda base: len(base.parts))
    return INSTALLED + path.relative_to(holders[-1]).as_posix() if holders else beside(path, folder)


def artifact_path(name: str, folder: Path) -> Path:
    """The file of such a name; where no package holds it, a path at which there is none."""
    if not name.startswith(INSTALLED):
        return folder / name
    inside = name.removeprefix(INSTALLED)
    return next((base / inside for base in _bases() if (base / inside).is_file()), folder / name)


def _bases() -> list[Path]:
    return [Path(entry) for entry in sys.path if entry and Path(entry).is_dir()]
