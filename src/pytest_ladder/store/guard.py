"""What of a recordings folder stays out of git."""

from __future__ import annotations

from pathlib import Path

from pytest_ladder.store.jsonl import replace_file
from pytest_ladder.store.recordings import FOLDER

_EVERYTHING = b"*\n"
_OWN = b".lock*\n.key\n*.pending\n*.tmp\n"


def guard_local(folder: Path) -> None:
    """Keep all recordings of a ladder out of git: they may hold personal data."""
    _guard(folder, _EVERYTHING)


def guard_shared(folder: Path) -> None:
    """Keep locks, keys and half-done files of a ladder out of git; a `.gitignore` that is there stays as it is."""
    if not (folder / FOLDER / ".gitignore").exists():
        _guard(folder, _OWN)


def _guard(folder: Path, content: bytes) -> None:
    path = folder / FOLDER / ".gitignore"
    if not path.exists() or path.read_bytes() != content:
        replace_file(path, content)
