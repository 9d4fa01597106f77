"""Recorded answers: one append-only file for each version of a rung."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from pytest_ladder.core.answers import Record
from pytest_ladder.core.canonical import short
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.errors import InvalidFile, InvalidRequest, message
from pytest_ladder.store.appending import Appender
from pytest_ladder.store.garbage import uncollected
from pytest_ladder.store.jsonl import each_line
from pytest_ladder.store.paths import relative
from pytest_ladder.store.record_lines import parse_record, record_line

FOLDER = "recordings"
Key = tuple[str, str, int]
"""Case id, input digest, repeat."""

_VERSION = re.compile(r"[0-9a-f]{12}")


def recordings_path(folder: Path, rung: str, fingerprint: str) -> Path:
    """Where the answers of one version of a rung lie.

    Args:
        folder: The ladder's folder.
        rung: The rung's id.
        fingerprint: The digest, or its first 12 digits.
    """
    return folder / FOLDER / rung / f"{short(fingerprint)}.jsonl"


def versions(folder: Path, rung: str) -> list[str]:
    """The first 12 digits of each fingerprint that has recordings of a rung, sorted."""
    found = (folder / FOLDER / rung).glob("*.jsonl")
    return sorted(path.stem for path in found if _VERSION.fullmatch(path.stem))


def recorded_inputs(path: Path, rootdir: Path | None = None) -> dict[Key, Record]:
    """Every answer in a file of recordings, the last line of a key winning; nothing where the file is missing.

    Raises:
        InvalidFile: A line is not a record, or of another version than the file's name says.
    """
    where = relative(path, rootdir or path.parents[2])
    found: dict[Key, Record] = {}
    with uncollected():
        for number, value in each_line(path, rootdir or path.parents[2], torn_ok=True) if path.exists() else ():
            record = parse_record(value, f"{where}:{number}")
            if short(record.fingerprint) != path.stem:
                raise _misplaced(f"{where}:{number}", record.fingerprint, path.stem)
            found[_key(record)] = record
    return found


class Recordings:
    """The recorded answers of one version of a rung; safe to use from several threads.

    Args:
        folder: The ladder's folder.
        rung: The rung's id.
        fingerprint: The version's whole digest.
        rootdir: Paths in messages are relative to it.
        read_only: Whether `add` is refused.

    Raises:
        InvalidFile: A line is not a record, or of another fingerprint; the message begins with `path:line`.
    """

    def __init__(self, folder: Path, rung: str, fingerprint: str, rootdir: Path, read_only: bool = False) -> None:
        self.path = recordings_path(folder, rung, fingerprint)
        self.fingerprint = fingerprint
        self.read_only = read_only
        self._where = relative(self.path, rootdir)
        self._lock = Lock()
        self._file = Appender(self.path)
        self._records: dict[Key, Record] = {}
        self._by_input: dict[tuple[str, int], Record] = {}
        self._lines = 0
        self._taken: list[tuple[Record, bytes]] = []
        with uncollected():
            for number, value in each_line(self.path, rootdir, torn_ok=True) if self.path.exists() else ():
                self._keep(parse_record(value, f"{self._where}:{number}"), f"{self._where}:{number}")

    def _keep(self, record: Record, where: str) -> None:
        if record.fingerprint != self.fingerprint:
            raise _misplaced(where, record.fingerprint, self.fingerprint)
        self._records[_key(record)] = record
        self._by_input[record.input_digest, record.repeat] = record
        self._lines += 1

    @property
    def lines(self) -> int:
        """Lines on record, the overruled ones too."""
        return self._lines

    def get(self, case_id: str, input_digest: str, repeat: int) -> Record | None:
        """The answer to a case: its own, else that of any case with the same input, under this case's id."""
        found = self._records.get((case_id, input_digest, repeat)) or self._by_input.get((input_digest, repeat))
        return found.renamed(case_id) if found else None

    def add(self, record: Record) -> None:
        """Put an answer on record, at once on disk; it overrules an earlier one of the same case, input and repeat.

        Raises:
            InvalidRequest: The recordings are read-only, or the record is of another version.
            SystemFailed: The answer holds a value that is not JSON.
        """
        self.take(record)
        self.flush()

    def take(self, record: Record) -> None:
        """Take an answer that the next `flush` puts on record; raises as `add` does."""
        if self.read_only:
            raise InvalidRequest(message(self._where, "these recordings are read-only", got=record.case))
        if record.fingerprint != self.fingerprint:
            raise InvalidRequest(message(self._where, "an answer of another version", got=record.fingerprint))
        line = record_line(record)
        with self._lock:
            self._taken.append((record, line))

    def flush(self) -> None:
        """Put on record what was taken, with one write."""
        with self._lock:
            self._file.append(*(line for _, line in self._taken))  # raises where it cannot: they wait for the next one
            for record, _ in self._taken:
                self._keep(record, self._where)
            self._taken.clear()

    def close(self) -> None:
        """Put on record what was taken, and close the file; another answer opens it again."""
        try:
            self.flush()
        finally:
            with self._lock:
                self._file.close()

    def records(self) -> tuple[Record, ...]:
        """All answers on record, one for each case, input and repeat."""
        return tuple(self._records.values())

    def select(self, evalset: EvalSet, repeats: int) -> list[Record]:
        """The answers to today's cases, in the eval set's order; missing ones are left out."""
        wanted = ((case, repeat) for case in evalset for repeat in range(repeats))
        found = (self.get(case.id, case.input_digest, repeat) for case, repeat in wanted)
        return [record for record in found if record]


def _key(record: Record) -> Key:
    return record.case, record.input_digest, record.repeat


def _misplaced(where: str, got: str, expected: str) -> InvalidFile:
    return InvalidFile(
        message(where, "an answer of another version", got=got, expected=expected, next_step="remove the line")
    )


def _pending(folder: Path, rung: str, fingerprint: str) -> Path:
    return recordings_path(folder, rung, fingerprint).with_suffix(".pending")


def mark_pending(folder: Path, rung: str, fingerprint: str) -> None:
    """Note that answers of a version are being asked again: until it is cleared they may differ from the log."""
    path = _pending(folder, rung, fingerprint)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def clear_pending(folder: Path, rung: str, fingerprint: str) -> None:
    """Note that the log knows the answers of a version again."""
    _pending(folder, rung, fingerprint).unlink(missing_ok=True)


def is_pending(folder: Path, rung: str, fingerprint: str) -> bool:
    """Whether answers of a version were asked again and the log does not know it yet."""
    return _pending(folder, rung, fingerprint).exists()


def rungs_on_record(folder: Path) -> Iterable[str]:
    """Ids of the rungs that have recordings, sorted."""
    return sorted(path.name for path in (folder / FOLDER).glob("*") if path.is_dir())
