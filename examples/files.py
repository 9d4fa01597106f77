"""Writing the data files of the examples."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
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


def write_made(script: str, about: str | None, build: Callable[[int], Mapping[str, Rows]], seed: int) -> None:
    """The command line of a script that makes data: write the files beside it, or elsewhere, by a seed.

    Args:
        script: Its file.
        about: Its docstring.
        build: Seed -> file name -> rows.
        seed: The one of the committed files.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0] if about else None)
    parser.add_argument("--out", type=Path, default=Path(script).parent, help="folder to write to")
    parser.add_argument("--seed", type=int, default=seed, help="default: %(default)s")
    arguments = parser.parse_args()
    write_all(arguments.out, build(arguments.seed))
