"""Indexes of bm25s on disk: read where texts, options and library are the same, and whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pytest_ladder.backends.vectors import FOLDER, keep_out_of_git
from pytest_ladder.core.canonical import Json

MARK = "whole.sha256"
"""The file in an index's folder that says what the others hold."""


class IndexFiles:
    """The indexes of one ladder, each in a folder named after its key, written once and never changed.

    Any number of processes may read and write at the same time. An index that is not whole is removed and made again;
    a folder that cannot be written is done without.
    """

    def __init__(self, home: Path | None) -> None:
        """Take the ladder's folder; None keeps nothing."""
        self._folder = home / FOLDER / "bm25s" if home else None

    def key(self, texts: Sequence[str], settings: Mapping[str, Json]) -> str:
        """The digest of all that decides an index: 32 hexadecimal digits."""
        whole = hashlib.sha256(json.dumps([version("bm25s"), dict(settings)], sort_keys=True).encode())
        for text in texts:
            written = text.encode("utf-8", "surrogatepass")
            whole.update(len(written).to_bytes(8, "big") + written)
        return whole.hexdigest()[:32]

    def read(self, key: str, library: Any, backend: str) -> Any | None:
        """The index of a key; None where there is none, or none that is whole."""
        folder = self._folder / key if self._folder else None
        if folder is None or not folder.is_dir():
            return None
        with contextlib.suppress(OSError, ValueError, KeyError, EOFError):
            if (folder / MARK).read_text(encoding="ascii") == _digest(folder):
                return library.BM25.load(folder, backend=backend, show_progress=False)
        shutil.rmtree(folder, ignore_errors=True)
        return None

    def write(self, key: str, index: Any) -> None:
        """Keep an index; it is there whole or not at all."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            keep_out_of_git(self._folder)
            beside = Path(tempfile.mkdtemp(dir=self._folder, suffix=".tmp"))
            try:
                index.save(beside, show_progress=False)
                (beside / MARK).write_text(_digest(beside), encoding="ascii")
                beside.rename(self._folder / key)
            except OSError:  # another process was faster, or there is no room
                shutil.rmtree(beside, ignore_errors=True)


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.name != MARK):
        with path.open("rb") as file:
            whole.update(f"{path.name}\n{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()
