"""The ladders of the commit that a change is judged against: where they lay, and what their logs held."""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytest_ladder.core.base_summary import SHOWN
from pytest_ladder.core.canonical import digest, short
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.policy import FAIL
from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.gitref import Tree
from pytest_ladder.store.jsonl import parse_line

FILE = "ladder.toml"
LOG = "escalation.jsonl"


@dataclass(frozen=True, slots=True)
class Gone:
    """A ladder that stood at the base and is nowhere today."""

    path: str
    """Its ladder.toml, from the top of the repository."""
    name: str
    refused: bool
    """Whether its own `policy_change` was "fail"."""


class Base:
    """The commit that a run is compared with."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    @cached_property
    def ladders(self) -> Mapping[str, Mapping[str, object]]:
        """Path of each ladder.toml of the commit that is TOML -> its values."""
        paths = [path for path in self.tree.paths if posixpath.basename(path) == FILE]
        parsed = {path: _values(data) for path, data in self.tree.read_all(paths).items()}
        return {path: values for path, values in parsed.items() if values is not None}

    def path_of(self, ladder: Ladder) -> str | None:
        """Where a ladder's ladder.toml stood; None where it is new.

        A ladder is known by its name: one that moved within the repository is found, or was copied, and so is one that
        was given another name where it stands.
        """
        here = self.tree.of(ladder.path)
        if self._name(here) == ladder.name:
            return here
        away = [path for path in self.ladders if self._name(path) == ladder.name]
        likely = sorted(away, key=lambda path: (self._stays(path), not path.startswith(self.tree.prefix), path))
        return next(iter(likely), here if here in self.tree.paths else None)

    def rewritten(self, ladder: Ladder) -> str:
        """Say which entries that stood at the base the log lacks today; empty where it lacks none."""
        found = self.path_of(ladder)
        if found is None:
            return ""
        old = _entries(self.tree.read(posixpath.join(posixpath.dirname(found), LOG)) or b"")
        today = ladder.folder / LOG
        new = _entries(today.read_bytes() if today.is_file() else b"")
        gone = [id_ for id_ in old if id_ not in new]
        if not gone:
            return ""
        more = f" and {len(gone) - SHOWN} more" if len(gone) > SHOWN else ""
        entries = "1 entry that stood" if len(gone) == 1 else f"{len(gone)} entries that stood"
        listed = ", ".join(map(short, gone[:SHOWN]))
        return f"{entries} at {self.tree.shown} {'is' if len(gone) == 1 else 'are'} gone or changed: {listed}{more}"

    def gone(self) -> tuple[Gone, ...]:
        """The ladders below the rootdir that stood at the base and are nowhere today, by path."""
        missing = [path for path in self.tree.below(self.tree.prefix.rstrip("/")) if self._missing(path)]
        if not missing:
            return ()
        today = {_name_of(path) for path in self.tree.files(FILE)}
        return tuple(
            Gone(path, name, self._refuses(path)) for path in missing if (name := self._name(path) or path) not in today
        )

    def _missing(self, path: str) -> bool:
        return posixpath.basename(path) == FILE and not (self.tree.top / path).is_file()

    def _refuses(self, path: str) -> bool:
        gate = self.ladders.get(path, {}).get("gate")
        return isinstance(gate, Mapping) and gate.get("policy_change") == FAIL

    def _name(self, path: str) -> str | None:
        name = self.ladders.get(path, {}).get("name")
        return name if isinstance(name, str) else None

    def _stays(self, path: str) -> bool:
        """Whether a ladder of the base is where it was, and named as it was."""
        return _name_of(self.tree.top / path) == self._name(path)


def _values(data: bytes) -> dict[str, object] | None:
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def _name_of(path: Path) -> str | None:
    values = _values(path.read_bytes()) if path.is_file() else None
    name = (values or {}).get("name")
    return name if isinstance(name, str) else None


def _entries(data: bytes) -> dict[str, None]:
    """Ids of the lines of a log that are whole: an object under the digest of its own content."""
    found: dict[str, None] = {}
    for line in data.splitlines():
        try:
            value = parse_line(line, LOG, torn_ok=True) if line.strip() else None
        except InvalidFile:
            continue
        if value is not None and value.get("id") == digest({k: v for k, v in value.items() if k != "id"}):
            found[str(value["id"])] = None
    return found
