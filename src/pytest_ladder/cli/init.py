"""`ladder init`: a first ladder that runs at once, without a key, a network or an extra."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from pytest_ladder.errors import InvalidRequest, message

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_TEST = "test_ladder.py.txt"
_FILES: Mapping[str, str] = {
    "ladder.toml": "ladder.toml", "cases.jsonl": "cases.jsonl", "kb.jsonl": "kb.jsonl",
    "examples.jsonl": "examples.jsonl", "prompts/answer.md": "prompts/answer.md",
    "prompts/grounded.md": "prompts/grounded.md", "models.py": "models.py", _TEST: "test_LADDER_IDENTIFIER.py",
    "gitattributes": ".gitattributes", "gitignore": ".gitignore",
}  # fmt: skip
"""Template -> the file it becomes; two have no dot here, so that they do not rule this repository."""


def init(folder: Path, name: str) -> list[Path]:
    """Write a first ladder into a folder, which is made if it is not there; returns the files written.

    Args:
        folder: Where the ladder goes.
        name: Its name: letters, digits, `_` and `-`, a letter first.

    Raises:
        InvalidRequest: the name cannot be used, a file is already there (then nothing is written), or the folder
            cannot be written.
    """
    contents = _contents(folder, name)
    if taken := [path for path in contents if path.exists() or path.is_symlink()]:
        raise InvalidRequest(message(
            str(folder), f"{', '.join(_inside(folder, path) for path in taken)} would be overwritten",
            next_step="name an empty folder, or move these files away",
        ))  # fmt: skip
    try:
        for path, text in contents.items():
            _write(path, text)
    except OSError as error:
        raise InvalidRequest(message(str(folder), f"it cannot be written: {error.strerror or error}")) from None
    return list(contents)


def _contents(folder: Path, name: str) -> dict[Path, str]:
    if not _NAME.fullmatch(name):
        expected = "letters, digits, `_` and `-`, a letter first"
        raise InvalidRequest(message("ladder init", "the name cannot be used", got=name, expected=expected))
    return {folder / _named(target, name): _named(template(source), name) for source, target in _FILES.items()}


def template(source: str) -> str:
    """The text of a template, by its path below `templates/`."""
    return files("pytest_ladder.cli").joinpath("templates", *source.split("/")).read_text(encoding="utf-8")


def _named(text: str, name: str) -> str:
    identifier = name.replace("-", "_").lower()
    return text.replace("LADDER_NAME", name).replace("LADDER_IDENTIFIER", identifier)


def _inside(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
