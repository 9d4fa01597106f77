"""Lines put at the end of a file, so that a crash cannot tear one in the middle."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from pytest_ladder.store.jsonl import torn, write_whole

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)


def append_lines(path: Path, lines: Sequence[bytes]) -> None:
    """Append lines, by one write that no other process's write can split.

    A last line that an earlier writer cut short is removed first: no reader counts it, and left in place it would
    stand in the middle of the file. Folders are created as needed.

    Args:
        path: The file; created where it is missing.
        lines: One record each, without a line end.
    """
    file = Appender(path)
    try:
        file.append(*lines)
    finally:
        file.close()


class Appender:
    """Appends lines to a file that stays open: for many that come by and by; used by one thread at a time.

    When `append` returns, the lines are with the system, and outlive this process. What others do to the file meanwhile
    is noticed with the next line: lines of theirs, one that was cut short, a file removed or replaced.

    Args:
        path: The file; it and its folders are created with the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        self._end = -1
        """Size of the file after the last line of ours."""

    def append(self, *lines: bytes) -> None:
        """Append lines, given without their ends."""
        if not lines:
            return
        if self._fd is None or not os.fstat(self._fd).st_nlink:
            self.close()
            self._fd, self._end = _open(self.path), -1
        _lock(self._fd)
        try:
            self._write(self._fd, b"\n".join(lines))
        finally:
            _unlock(self._fd)

    def _write(self, fd: int, lines: bytes) -> None:
        end, start = os.fstat(fd).st_size, b""
        if end != self._end:
            start = _mend_tail(fd)
            end = os.fstat(fd).st_size
        whole = b"%b%b\n" % (start, lines)
        self._end = -1
        write_whole(fd, whole)
        self._end = end + len(whole)

    def close(self) -> None:
        """Close the file; another line opens it again."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __del__(self) -> None:
        self.close()


def _open(path: Path) -> int:
    try:
        return os.open(path, APPENDING, 0o666)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, APPENDING, 0o666)


def _lock(fd: int) -> None:
    """Wait for other writers of the file: a line that one of them is writing must not be taken for a torn one.

    Closing the file gives the lock back too. Where the system has no such lock, the ladder's own lock has to do.
    """
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX)


def _unlock(fd: int) -> None:
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_UN)


def _mend_tail(fd: int) -> bytes:
    """Cut a torn last line off; return what must be written before the next line."""
    end = os.fstat(fd).st_size
    tail = _last_line(fd, end)
    if not tail:
        return b""
    if not torn(tail):
        return b"\n"
    os.ftruncate(fd, end - len(tail))
    return b""


def _last_line(fd: int, end: int) -> bytes:
    """What stands after the last line end."""
    tail = b""
    while end and b"\n" not in tail:
        begin = max(0, end - 65536)
        os.lseek(fd, begin, os.SEEK_SET)
        tail = os.read(fd, end - begin) + tail
        if tail.endswith(b"\n"):
            return b""
        end = begin
    return tail.rpartition(b"\n")[2]
