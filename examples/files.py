"""Writing the data files of the examples."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Rows = Iterable[Mapping[str, Any]]


def write_rows(path: Path, rows: Rows) -> None:
    """Write one JSON object a line, in UTF-8 with LF on every machine."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(text.encode())


def write_all(folder: Path, files: Mapping[str, Rows]) -> None:
    """Write files by their names into a folder that is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        write_rows(folder / name, rows)
