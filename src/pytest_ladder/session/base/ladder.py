"""One ladder as it was committed at the base: its contract, its cases, its evidence."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.entries import DecisionEntry, Entry, RungEntry
from pytest_ladder.core.ladder import Ladder, Waiver
from pytest_ladder.core.looks import is_look
from pytest_ladder.core.policy import Policy
from pytest_ladder.errors import LadderError
from pytest_ladder.session.base_tree import LOG
from pytest_ladder.session.evidence import rung_entries
from pytest_ladder.store.cases_file import read_cases
from pytest_ladder.store.content import content_digest, file_digest
from pytest_ladder.store.digests import metric_files, version_digest
from pytest_ladder.store.escalation_log import read_log
from pytest_ladder.store.gitref import Tree, is_pointer
from pytest_ladder.store.paths import beside, relative
from pytest_ladder.store.recordings import recordings_path
from pytest_ladder.store.scores_file import scores_path
from pytest_ladder.store.spec import read_ladder
from pytest_ladder.store.waivers import read_waivers

WAIVERS = "waivers.toml"
_T = TypeVar("_T")


class BaseLadder:
    """A ladder of the base, written out below a folder of its own, so that today's readers read it.

    Args:
        tree: The commit.
        path: The ladder's ladder.toml, from the top of the repository.
        into: An empty folder outside of the repository.

    Raises:
        InvalidFile: The ladder.toml cannot be read by today's rules.
    """

    def __init__(self, tree: Tree, path: str, into: Path) -> None:
        self.tree, self.path, self._into = tree, path, into
        self.notes: list[str] = []
        """What of it cannot be read."""
        tree.export([path], into)
        self.rootdir = into / tree.prefix if path.startswith(tree.prefix) else into
        self.ladder: Ladder = read_ladder(into / path, self.rootdir)

    @property
    def folder(self) -> Path:
        """The folder that is the ladder, as written out."""
        return self.ladder.folder

    def place(self, written: str) -> str:
        """A path as seen from the ladder's folder, from the top of the repository."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.path), written))

    def fetch(self, path: Path) -> bool:
        """Write a file of the ladder out; whether the commit has it, and as itself: no pointer to other storage."""
        inner = path.relative_to(self._into).as_posix()
        data = self.tree.read(inner)
        if data is not None and is_pointer(data):
            self.notes.append(f"{inner} is a pointer of Git LFS at {self.tree.shown}: git has no content of it there")
            return False
        self.tree.export([inner], self._into)
        return data is not None

    def _read(self, what: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return what()
        except LadderError as fault:
            self.notes.append(f"at {self.tree.shown} not to be read: {fault}")
            return otherwise

    @cached_property
    def waivers(self) -> tuple[Waiver, ...]:
        """The waivers of the file beside it."""
        if not self.fetch(self.folder / WAIVERS):
            return ()
        return self._read(lambda: read_waivers(self.folder / WAIVERS, self.rootdir), ())

    @cached_property
    def cases(self) -> EvalSet | None:
        """The eval set; None where it cannot be read."""
        return self._cases(self.ladder.evalset)

    def _cases(self, written: str | None) -> EvalSet | None:
        if written is None:
            return None
        path = self._into / self.place(written)
        if not self.fetch(path):  # a hold-out set may well be kept elsewhere
            return None
        return self._read(lambda: read_cases(path, self.rootdir), None)

    @cached_property
    def log(self) -> tuple[Entry, ...]:
        """The ladder's entries."""
        path = self.folder / LOG
        none: tuple[Entry, ...] = ()
        read = self._read(lambda: read_log(path, self.rootdir), none) if self.fetch(path) else none
        return tuple(entry for entry in read if entry.ladder == self.ladder.name)

    def current(self, rung_id: str) -> RungEntry | None:
        """The newest entry of the version of a rung that the commit's own files are; None where there is none.

        Whatever the eval set or the grading was: the answers are what counts, and they are scored anew.
        """
        return next(iter(self._current(rung_id)), None)

    def _current(self, rung_id: str) -> list[RungEntry]:
        if rung_id not in {rung.id for rung in self.ladder.rungs}:
            return []
        measured = [entry for entry in rung_entries(self.log, rung_id) if not is_look(entry)]
        return [entry for entry in reversed(measured) if self._is_version(entry)]

    def _is_version(self, entry: RungEntry) -> bool:
        rung = self.ladder.rung(entry.rung)
        declared = version_digest(self.ladder, rung, entry.artifacts) == entry.fingerprint
        return declared and all(self._has(path, known) for path, known in entry.artifacts.items())

    def _has(self, path: str, known: str) -> bool:
        """Whether the commit holds a file of a version with that content; one that git does not hold tells nothing."""
        data = self.tree.read(self.place(path))
        return data is None or is_pointer(data) or content_digest(data) == known

    @cached_property
    def lever(self) -> str | None:
        """The rung that was selected on the evidence that is current in the commit; None where none was."""
        current = {entry.id for rung in self.ladder.rungs for entry in self._current(rung.id) if self._todays(entry)}
        current |= {entry.id for entry in self.log if isinstance(entry, RungEntry) and is_look(entry)}
        made = [e for e in self.log if isinstance(e, DecisionEntry) and e.rests_on and set(e.rests_on) <= current]
        newest = max(made, key=lambda entry: (entry.at, entry.id), default=None)
        return newest.selected if newest else None

    def _todays(self, entry: RungEntry) -> bool:
        return self.cases is not None and entry.evalset == self.cases.digest

    def recorded(self, entry: RungEntry) -> bool:
        """Write the recorded answers of a version out; whether there are any."""
        return self.fetch(recordings_path(self.folder, entry.rung, entry.fingerprint))

    def scored(self, entry: RungEntry) -> bool:
        """Write the scores of a version out; whether there are any."""
        return self.fetch(scores_path(self.folder, entry.rung, entry.fingerprint))

    def policy(self, files: Mapping[str, Mapping[str, str]]) -> Policy:
        """All that it is judged by; `files` are today's, which are looked up in the commit."""
        held = {metric: {file: self._held(file) for file in paths} for metric, paths in files.items()}
        return Policy(self.ladder, self.waivers, self.cases, self._cases(self.ladder.holdout), held)

    def _held(self, file: str) -> str:
        data = self.tree.read(self.place(file))
        return "" if data is None else content_digest(data)


def policy_of(ladder: Ladder, waivers: tuple[Waiver, ...], evalset: EvalSet, holdout: EvalSet | None) -> Policy:
    """All that a ladder is judged by today; files by their paths from its folder."""
    files = {
        metric.name: {
            beside(path, ladder.folder): file_digest(path, relative(path, ladder.rootdir))
            for _, path in metric_files(metric, ladder, ladder.rootdir)
        }
        for metric in ladder.metrics
    }
    return Policy(ladder, waivers, evalset, holdout, files)
