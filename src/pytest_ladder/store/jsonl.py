"""JSON Lines on disk: strict reading, atomic replacement."""

from __future__ import annotations

import json
import math
import os
import re
import secrets
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from pytest_ladder.core.canonical import Json, canonical
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.paths import read_bytes, relative

BOM = b"\xef\xbb\xbf"
LARGEST = 2**53 - 1
"""Integers beyond are not the same in every JSON reader, and have no canonical form."""

_MARKER = re.compile(rb"(<{7}|={7}|>{7}|\|{7})(?=\s|$)")
_CUT = re.compile(r"\s*(|t|tr|tru|f|fa|fal|fals|n|nu|nul|-|\.|[eE][+-]?)")
_CUT_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{0,4}\Z")


class _Fault(Exception):
    """A line that JSON syntax allows and this project does not."""


def conflict_marker(line: bytes) -> bool:
    """Whether a line is one that git leaves where a merge failed."""
    return _MARKER.match(line) is not None


def read_lines(path: Path, rootdir: Path, *, torn_ok: bool) -> list[tuple[int, dict[str, Json]]]:
    """Read the objects of a file, one a line; blank lines are passed over.

    Args:
        path: The file; it must exist.
        rootdir: Paths in messages are relative to it.
        torn_ok: Whether a last line that was cut short, and so has no line end, is left out.

    Returns:
        (line number from 1, object) pairs in file order.

    Raises:
        InvalidFile: A line is not a JSON object in UTF-8, repeats a key, holds a figure that JSON lacks,
            or is a conflict marker; the message begins with `path:line`.
    """
    return list(each_line(path, rootdir, torn_ok=torn_ok))


def each_line(path: Path, rootdir: Path, *, torn_ok: bool) -> Iterator[tuple[int, dict[str, Json]]]:
    """Read the objects of a file as `read_lines` does, one at a time: of a long file they need not all be held."""
    where = relative(path, rootdir)
    for number, line in enumerate(BytesIO(read_bytes(path, where).removeprefix(BOM)), start=1):
        if line.strip():
            whole = line.endswith(b"\n")
            value = parse_line(line.removesuffix(b"\n"), f"{where}:{number}", torn_ok=torn_ok and not whole)
            if value is not None:
                yield number, value


def parse_line(line: bytes, where: str, *, torn_ok: bool = False) -> dict[str, Json] | None:
    """The object of one line; None where it was cut short and that is allowed."""
    if torn_ok and torn(line):
        return None
    _check_bytes(line, where)
    try:
        value = _decode(line.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise InvalidFile(message(where, f"not JSON: {error.msg} at column {error.colno}")) from None
    except UnicodeDecodeError as error:
        raise InvalidFile(message(where, f"not UTF-8 at byte {error.start} of the line")) from None
    except RecursionError:
        raise InvalidFile(message(where, "nested too deeply")) from None
    except _Fault as fault:
        raise InvalidFile(message(where, str(fault))) from None
    if not isinstance(value, dict):
        raise InvalidFile(message(where, "not a JSON object", got=value, expected="one JSON object a line"))
    return value


def _check_bytes(line: bytes, where: str) -> None:
    if conflict_marker(line):
        raise InvalidFile(
            message(
                where,
                "a conflict marker of git",
                next_step="keep both sides: the file is a union of lines, so delete the marker lines alone",
            )
        )
    if b"\0" in line:
        raise InvalidFile(message(where, "the file is binary", expected="JSON lines in UTF-8"))


def torn(line: bytes) -> bool:
    """Whether a line without a line end is the beginning of an object whose end was never written."""
    if not line.strip(b"\0"):
        return True
    if not line.lstrip().startswith(b"{"):
        return False
    text, clean = _whole_characters(line)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return clean and _runs_out(text, error)
    except (ValueError, RecursionError):
        return False
    return False


def _whole_characters(line: bytes) -> tuple[str, bool]:
    """The text without a last character that was cut, and whether all before it is UTF-8."""
    try:
        return line.decode("utf-8"), True
    except UnicodeDecodeError as error:
        return line[: error.start].decode("utf-8"), error.reason == "unexpected end of data"


def _runs_out(text: str, error: json.JSONDecodeError) -> bool:
    if error.msg == "Extra data":
        return False
    if error.msg.startswith("Unterminated string"):
        return True
    if "uXXXX" in error.msg:
        return _CUT_ESCAPE.search(text) is not None
    return _CUT.fullmatch(text[error.pos :]) is not None


def _no_constant(name: str) -> Json:
    raise _Fault(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Fault(f"the number {text[:40]} is too large")
    return value


def _safe_number(text: str) -> float:
    """An integer; beyond 2**53 only what canonical JSON writes for a float, as that float."""
    if len(text) <= 15 or (len(text) <= 20 and abs(int(text)) <= LARGEST):
        return int(text)
    if len(text) > 22 or canonical(float(text)) != text.encode():
        raise _Fault(f"the integer {text[:40]} is beyond 2**53; write it as a string")
    return float(text)


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Fault(f"the key {twice!r} stands twice in one object")
    return value


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, parse_int=_safe_number
)


def _decode(text: str) -> Json:
    value = _decoder.decode(text)
    if "\\u" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise _Fault("half of a surrogate pair is not a character") from None
    return value


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that a reader or a crash sees the old content or the new one, never a part.

    The permissions of an existing file stay, a symbolic link stays a link, and folders are created as needed.
    """
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        try:
            write_whole(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_whole(fd: int, data: bytes) -> None:
    """Write bytes to their end, whatever a single write takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
