"""One writer a ladder: a lock that the kernel takes back when its holder dies."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from types import TracebackType

from filelock import FileLock, Timeout

from pytest_ladder.errors import Locked, message
from pytest_ladder.store.guard import guard_shared
from pytest_ladder.store.recordings import FOLDER

_held: dict[Path, tuple[FileLock, int]] = {}
_guard = Lock()


class LadderLock:
    """The right to write one ladder's recordings and log; the same process may take it again.

    Args:
        folder: The ladder's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder.resolve() / FOLDER / ".lock"
        self._holder = self.path.with_name(".lock.holder")

    def acquire(self) -> None:
        """Take the lock at once, or raise Locked, which names the process that has it."""
        with _guard:
            lock, depth = _held.get(self.path) or (self._take(), 0)
            _held[self.path] = lock, depth + 1

    def release(self) -> None:
        """Give the lock back; the last release of a process frees it."""
        with _guard:
            lock, depth = _held[self.path]
            if depth > 1:
                _held[self.path] = lock, depth - 1
                return
            del _held[self.path]
            self._holder.unlink(missing_ok=True)
            lock.release()

    def __enter__(self) -> LadderLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _take(self) -> FileLock:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        guard_shared(self._folder)
        lock = FileLock(str(self.path), timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            raise Locked(self._message()) from None
        since = datetime.now(UTC).isoformat(timespec="seconds")
        self._holder.write_text(json.dumps({"pid": os.getpid(), "since": since}), encoding="utf-8")
        return lock

    def _message(self) -> str:
        fault = "another run is writing this ladder"
        try:
            holder = json.loads(self._holder.read_text(encoding="utf-8"))
            fault += f" (process {holder['pid']}, since {holder['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return message(f"{self._folder.name}/{FOLDER}", fault, next_step="wait for it, or stop it")
