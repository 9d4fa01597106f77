"""Every model call on record, found by the digest of its request: what was asked once is not asked again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from pytest_ladder.core.answers import Call
from pytest_ladder.store.appending import append_lines
from pytest_ladder.store.jsonl import parse_line
from pytest_ladder.store.paths import relative
from pytest_ladder.store.record_lines import calls_line, parse_calls
from pytest_ladder.store.recordings import FOLDER

CALLS = "calls.jsonl"
"""The file, beside a rung's versions, of calls whose answer never came to be."""

_DIGEST = re.compile(rb'"request_digest"\s*:\s*"([^"\\]+)"')


class CallIndex:
    """The model calls in all recordings of a ladder; safe to use from several threads.

    The files are scanned at the first question; a line is parsed only once its call is wanted.

    Args:
        folder: The ladder's folder.
        rootdir: Paths in messages are relative to it; the ladder's folder where it is not given.
    """

    def __init__(self, folder: Path, rootdir: Path | None = None) -> None:
        self._folder = folder
        self._rootdir = rootdir or folder
        self._lock = Lock()
        self._known: dict[str, Call] = {}
        self._places: dict[bytes, tuple[Path, int]] | None = None

    def get(self, request_digest: str) -> Call | None:
        """The call of that request; None where it was never made.

        Raises:
            InvalidFile: The line that holds it is not as it should be.
        """
        with self._lock:
            if request_digest not in self._known:
                self._find(request_digest)
            return self._known.get(request_digest)

    def add(self, rung: str, calls: Iterable[Call]) -> None:
        """Put calls on record that belong to no recorded answer: the answer failed, or a probe asked."""
        made = tuple(calls)
        if made:
            append_lines(self._folder / FOLDER / rung / CALLS, [calls_line(made)])
            self.remember(made)

    def remember(self, calls: Iterable[Call]) -> None:
        """Know calls that are on record elsewhere: an answer's own."""
        with self._lock:
            self._known.update((call.request_digest, call) for call in calls)

    def _find(self, request_digest: str) -> None:
        if self._places is None:
            self._places = _scan(self._folder / FOLDER)
        place = self._places.get(request_digest.encode())
        if place:
            for call in _calls_at(*place, self._rootdir):
                self._known.setdefault(call.request_digest, call)


def _scan(folder: Path) -> dict[bytes, tuple[Path, int]]:
    """Request digest -> (file, offset of the line); a line without its line end is left out."""
    places: dict[bytes, tuple[Path, int]] = {}
    for path in sorted(folder.glob("*/*.jsonl")):
        offset = 0
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    places.update((found, (path, offset)) for found in _DIGEST.findall(line))
                offset += len(line)
    return places


def _calls_at(path: Path, offset: int, rootdir: Path) -> tuple[Call, ...]:
    with path.open("rb") as file:
        number = file.read(offset).count(b"\n") + 1
        line = file.readline()
    where = f"{relative(path, rootdir)}:{number}"
    value = parse_line(line, where)
    return parse_calls(value, where) if value else ()
