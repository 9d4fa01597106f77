"""Embeddings on disk: what was embedded once is not embedded again."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, Any]

FOLDER = ".ladder-cache"
"""The folder beside ladder.toml; it may be deleted at any time, and is kept out of git by a file of its own."""
SMALL = 4096
"""Vectors below which a file counts as small."""
MOST_SMALL = 16
"""Small files that may lie side by side before they are joined."""
_SUFFIX = ".npz"


class Vectors:
    """The vectors of one embedder by the digests of their texts: files that are written once and never changed.

    Any number of processes may read and write at the same time. A file that cannot be read is removed, and what it
    held is embedded again; a folder that cannot be written is done without.
    """

    def __init__(self, folder: Path | None) -> None:
        """Take the embedder's own folder, which need not exist; None keeps everything in memory."""
        self._folder = folder
        self._known: dict[bytes, Vector] | None = None

    def get(self, keys: Iterable[bytes]) -> dict[bytes, Vector]:
        """Those of the vectors that are known."""
        known = self._all()
        return {key: known[key] for key in keys if key in known}

    def add(self, vectors: Mapping[bytes, Vector]) -> None:
        """Keep further vectors, of `float32`."""
        self._all().update(vectors)
        if self._folder is not None and vectors:
            with contextlib.suppress(OSError):
                _write(self._folder, vectors)
                self._join(self._folder)

    def _all(self) -> dict[bytes, Vector]:
        if self._known is None:
            paths = sorted(self._folder.glob(f"*{_SUFFIX}")) if self._folder else []
            self._known = {key: vector for path in paths for key, vector in _read(path).items()}
        return self._known

    def _join(self, folder: Path) -> None:
        """Make one file of the small ones once they are many."""
        paths = sorted(folder.glob(f"*{_SUFFIX}"))
        small = [(path, read) for path in paths if len(read := _read_small(path)) in range(1, SMALL)]
        if len(small) > MOST_SMALL:
            made = _write(folder, {key: vector for _, read in small for key, vector in read.items()})
            for path, _ in small:
                if path != made:
                    path.unlink(missing_ok=True)


def _write(folder: Path, vectors: Mapping[bytes, Vector]) -> Path:
    """Write a file named after its content; it is there whole or not at all."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    keep_out_of_git(folder)
    keys = sorted(vectors)
    matrix = np.stack([vectors[key] for key in keys]).astype(np.float32)
    data = io.BytesIO()
    np.savez(data, keys=np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), -1), vectors=matrix)
    name = hashlib.sha256(b"".join(keys) + matrix.tobytes()).hexdigest()[:32]
    path = folder / f"{name}{_SUFFIX}"
    handle, beside = tempfile.mkstemp(dir=folder, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data.getvalue())
        os.replace(beside, path)
    except OSError:
        Path(beside).unlink(missing_ok=True)
        raise
    return path


def keep_out_of_git(folder: Path) -> None:
    """Put a `.gitignore` into the cache that a folder lies in, or into the folder itself where it lies in none."""
    top = next((parent for parent in (folder, *folder.parents) if parent.name == FOLDER), folder)
    mark = top / ".gitignore"
    if not mark.exists():
        mark.write_text("*\n", encoding="utf-8")


def _read_small(path: Path) -> dict[bytes, Vector]:
    """What a file holds, if it is small by its size on disk; nothing otherwise."""
    try:
        size = path.stat().st_size
    except OSError:
        return {}
    return _read(path) if size < SMALL * SMALL else {}


def _read(path: Path) -> dict[bytes, Vector]:
    import numpy as np

    try:
        with np.load(
            io.BytesIO(path.read_bytes()), allow_pickle=False
        ) as held:  # the archive checks what it holds by CRC-32
            keys, matrix = held["keys"], held["vectors"]
        if keys.shape[0] != matrix.shape[0] or matrix.dtype != np.float32 or not np.isfinite(matrix).all():
            raise ValueError("the parts do not fit together")
    except FileNotFoundError:  # another process has joined it with others
        return {}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        with contextlib.suppress(OSError):
            path.unlink()
        return {}
    return {key.tobytes(): vector for key, vector in zip(keys, matrix, strict=True)}
