"""Where files may lie, and how a text is read: UTF-8 whatever the locale, inside the rootdir."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

from pytest_ladder.errors import InvalidFile, message


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


def read_bytes(path: Path, where: str) -> bytes:
    """The bytes of a file; InvalidFile where there is none, or it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InvalidFile(message(where, "the file is missing", next_step=f"create {path.name}")) from None
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
