"""Finds ladders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_ladder.errors import InvalidRequest, message

FILE = "ladder.toml"


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
