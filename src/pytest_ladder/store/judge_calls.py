"""What judges said, on record: `recordings/_judges/<metric>/<fingerprint12>.jsonl`, a line a call.

A request that a judge failed at has a line too, with the reason: whoever reads the record knows that it was asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from pytest_ladder.core.answers import Call, Usage
from pytest_ladder.core.canonical import Json, canonical, short
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.appending import append_lines
from pytest_ladder.store.faults import check_keys, text_at
from pytest_ladder.store.jsonl import read_lines
from pytest_ladder.store.paths import relative
from pytest_ladder.store.record_lines import SCHEMA, calls_line, parse_calls
from pytest_ladder.store.recordings import FOLDER

JUDGES = "_judges"
_VERSION = re.compile(r"[0-9a-f]{12}")
_STRANGE = re.compile(r"[^\w.-]|^\.+")


def judge_path(folder: Path, metric: str, fingerprint: str) -> Path:
    """Where the calls of one version of a judge lie.

    Args:
        folder: The ladder's folder.
        metric: Its name; what a file system may not take is written as `_`.
        fingerprint: The judge's digest, or its first 12 digits.
    """
    return folder / FOLDER / JUDGES / _STRANGE.sub("_", metric) / f"{short(fingerprint)}.jsonl"


class JudgeCalls:
    """The recorded calls of one version of a judge; safe to use from several threads.

    What another process appends is seen at the next question.

    Args:
        path: From `judge_path`.
        rootdir: Paths in messages are relative to it.
    """

    def __init__(self, path: Path, rootdir: Path) -> None:
        self.path, self._rootdir = path, rootdir
        self._lock = Lock()
        self._known: dict[str, Call] = {}
        self._failed: dict[str, str] = {}
        self._seen = (0, 0)

    @property
    def where(self) -> str:
        """The file as the user would type it from the rootdir."""
        return relative(self.path, self._rootdir)

    def get(self, request_digest: str) -> Call | None:
        """The call of that request, the last one of several; None where it was never made.

        Raises:
            InvalidFile: A line of the file is not as it should be.
        """
        with self._lock:
            if request_digest not in self._known:
                self._read()
            return self._known.get(request_digest)

    def failure(self, request_digest: str) -> str | None:
        """Why the judge failed at that request; None where it answered, or was not asked.

        Raises:
            InvalidFile: A line of the file is not as it should be.
        """
        return None if self.get(request_digest) else self._failed.get(request_digest)

    def add(self, call: Call) -> None:
        """Put a call on record, at once on disk; it overrules what is on record of the same request."""
        with self._lock:
            append_lines(self.path, [calls_line((call,))])
            self._known[call.request_digest] = call
            self._failed.pop(call.request_digest, None)

    def fail(self, request_digest: str, reason: str) -> None:
        """Put on record that the judge failed at a request; it overrules a call that is on record."""
        with self._lock:
            append_lines(self.path, [_failure_line(request_digest, reason)])
            self._known.pop(request_digest, None)
            self._failed[request_digest] = reason

    @property
    def usual(self) -> Usage:
        """What all calls on record consumed together."""
        with self._lock:
            self._read()
            return sum((call.usage for call in self._known.values()), Usage())

    @property
    def pending(self) -> bool:
        """Whether calls were put on record that the log does not know yet."""
        return self._pending.exists()

    def mark(self) -> None:
        """Note that calls are being put on record: until that is cleared, scores may differ from the log."""
        self._pending.parent.mkdir(parents=True, exist_ok=True)
        self._pending.touch()

    def clear(self) -> None:
        """Note that the log knows what is on record."""
        self._pending.unlink(missing_ok=True)

    @property
    def _pending(self) -> Path:
        return self.path.with_suffix(".pending")

    def _read(self) -> None:
        if not self.path.exists():
            return
        status = self.path.stat()
        seen = status.st_size, status.st_mtime_ns
        if seen == self._seen:
            return
        for number, value in read_lines(self.path, self._rootdir, torn_ok=True):
            self._note(value, f"{self.where}:{number}")
        self._seen = seen

    def _note(self, value: dict[str, Json], where: str) -> None:
        if "failed" in value:
            digest, reason = _parse_failure(value, where)
            self._known.pop(digest, None)
            self._failed[digest] = reason
            return
        calls = {call.request_digest: call for call in parse_calls(value, where)}
        self._known |= calls
        self._failed = {digest: reason for digest, reason in self._failed.items() if digest not in calls}


def _failure_line(request_digest: str, reason: str) -> bytes:
    return canonical({"schema": SCHEMA, "failed": request_digest, "reason": reason})


def _parse_failure(value: dict[str, Json], where: str) -> tuple[str, str]:
    """Request digest and reason; raises InvalidFile."""
    check_keys(value, ("schema", "failed", "reason"), (), where)
    if value["schema"] != SCHEMA:
        raise InvalidFile(message(where, "wrong 'schema'", got=value["schema"], expected=str(SCHEMA)))
    return text_at(value, "failed", where), text_at(value, "reason", where)


def old_judges(folder: Path, current: Mapping[str, str]) -> list[Path]:
    """The files of judges that are none of today's, sorted.

    Args:
        folder: The ladder's folder.
        current: Metric -> digest of its judge today.
    """
    kept = {judge_path(folder, metric, fingerprint) for metric, fingerprint in current.items()}
    found = (folder / FOLDER / JUDGES).glob("*/*.jsonl")
    return sorted(path for path in found if _VERSION.fullmatch(path.stem) and path not in kept)
