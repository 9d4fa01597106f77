"""Where files may lie, and how a text is read: UTF-8 whatever the locale, inside the rootdir."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath

from pytest_ladder.core.names import nearest
from pytest_ladder.errors import InvalidFile, message

MOST_LOOKED_AT = 2000
"""Files among which the one that was meant is looked for, at most."""
_WRITTEN = ("recordings", "scores", "__pycache__")
"""Folders of files that nobody names."""


def inside(rootdir: Path, base_folder: Path, written: str, where: str) -> Path:
    """Resolve a path as the user wrote it, relative to a folder.

    Args:
        rootdir: pytest's rootdir; the path may not leave it, not even through a symbolic link.
        base_folder: The folder that the path is relative to.
        written: The path; `/` separates on every system.
        where: Begins the message of an error.

    Returns:
        The path below `rootdir`, symbolic links followed. The file need not exist.

    Raises:
        InvalidFile: The path is empty, absolute or outside the rootdir.
    """
    if not written.strip() or "\0" in written:
        raise InvalidFile(message(where, "not a path", got=written, expected="a path relative to the ladder's folder"))
    if PurePosixPath(written).is_absolute() or PureWindowsPath(written).anchor:
        raise InvalidFile(
            message(where, "the path is absolute", got=written, expected="a path relative to the ladder's folder")
        )
    try:
        return rootdir / (base_folder / written).resolve().relative_to(rootdir.resolve())
    except ValueError:
        raise InvalidFile(
            message(where, "the path leaves the rootdir", got=written, expected=f"a path inside {rootdir.name or '/'}")
        ) from None
    except (OSError, RuntimeError) as error:
        raise InvalidFile(message(where, f"the path cannot be followed ({error})", got=written)) from None


def relative(path: Path, rootdir: Path) -> str:
    """A path as the user would type it from the rootdir; the whole path where it lies outside."""
    for one, root in ((path, rootdir), (path.resolve(), rootdir.resolve())):
        if one.is_relative_to(root):
            return one.relative_to(root).as_posix()
    return str(path)


def beside(path: Path, folder: Path) -> str:
    """A path as seen from the ladder's folder, with `/` on every system: how artifacts are named in the log."""
    return Path(os.path.relpath(path, folder)).as_posix()


def mend_file(written: str, folder: Path) -> str | None:
    """The next step for a file that is missing: the one of a folder that its path most likely means; None for none.

    Only files of the same suffix are compared, by their paths without it.
    """
    suffix = PurePosixPath(written).suffix
    stems = {
        name.removesuffix(suffix): name for name in islice(_files(folder), MOST_LOOKED_AT) if name.endswith(suffix)
    }
    near = nearest(written.removesuffix(suffix), stems)
    return f"did you mean {stems[near]!r}?" if near else None


def _files(folder: Path) -> Iterator[str]:
    """Files of a folder and of the folders in it, as seen from it; hidden ones and those of the plugin left out."""
    for top, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _WRITTEN and not name.startswith("."))
        if Path(top) != folder:
            folders[:] = []
        yield from (beside(Path(top) / name, folder) for name in sorted(files) if not name.startswith("."))


def read_bytes(path: Path, where: str) -> bytes:
    """The bytes of a file; InvalidFile where there is none, or it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        folder = next(folder for folder in path.parents if folder.is_dir())
        step = mend_file(path.relative_to(folder).as_posix(), folder) or f"create {path.name}"
        raise InvalidFile(message(where, "the file is missing", next_step=step)) from None
    except IsADirectoryError:
        raise InvalidFile(message(where, "this is a folder", expected="a file")) from None
    except OSError as error:
        raise InvalidFile(message(where, f"the file cannot be read ({error.strerror or error})")) from None


def decode(data: bytes, where: str) -> str:
    """Bytes as UTF-8 text with LF line ends and without a byte order mark; InvalidFile where they are no text."""
    if b"\0" in data:
        raise InvalidFile(message(where, "the file is binary", expected="UTF-8 text"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidFile(
            message(f"{where}:{line}", f"not UTF-8 at byte {error.start}", expected="UTF-8 text")
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_text(path: Path, where: str, *, empty_ok: bool = False) -> str:
    """The text of a file, with LF line ends and without a byte order mark.

    Args:
        path: The file.
        where: Begins the message of an error: the path as the user knows it.
        empty_ok: Whether nothing but white space is a text too.

    Raises:
        InvalidFile: The file is missing, unreadable, binary, not UTF-8, or empty where it may not be.
    """
    text = decode(read_bytes(path, where), where)
    if not empty_ok and not text.strip():
        raise InvalidFile(message(where, "the file is empty", expected="text"))
    return text
