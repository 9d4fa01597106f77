"""One ladder as it lies on disk: contract, cases, log, labels, waivers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from pytest_ladder.core.agreement import Agreement
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.entries import Entry
from pytest_ladder.core.judged import Judgement
from pytest_ladder.core.ladder import Label, Ladder, Waiver
from pytest_ladder.core.looks import confirms, unfit
from pytest_ladder.core.thresholds import impossible
from pytest_ladder.errors import Altered, InvalidFile, message
from pytest_ladder.session.evidence import doubts
from pytest_ladder.session.setup.unproven import Unproven
from pytest_ladder.session.shared import Shared
from pytest_ladder.store.cases_file import read_cases
from pytest_ladder.store.digests import contract
from pytest_ladder.store.escalation_log import read_log
from pytest_ladder.store.judgements import FILE as JUDGEMENTS
from pytest_ladder.store.judgements import read_judgements
from pytest_ladder.store.labels import read_labels
from pytest_ladder.store.links import check_links
from pytest_ladder.store.paths import relative
from pytest_ladder.store.spec import read_ladder
from pytest_ladder.store.waivers import read_waivers

LOG = "escalation.jsonl"


class LadderFolder:
    """The files of one ladder, read and checked one by one."""

    def __init__(self, path: Path, shared: Shared, agreements: Callable[[], Mapping[str, Agreement]]) -> None:
        """Read the files.

        Args:
            path: ladder.toml.
            shared: What the ladders of the process share.
            agreements: Gives how far each judged metric agrees with the labels; it is called when that must be known.

        Raises:
            InvalidFile: a file cannot be used.
        """
        self.shared = shared
        self.settings = shared.settings
        read = read_ladder(path, shared.rootdir)
        self.ladder: Ladder = replace(read, unproven=Unproven(read.metrics, agreements))
        self.folder = self.ladder.folder
        check_links(self.folder, shared.rootdir)
        self.whole = self._cases(self.ladder.evalset)
        self.evalset = limited(self.whole, self.settings.limit)
        self.holdout = self._cases(self.ladder.holdout) if self.ladder.holdout else None
        if self.settings.limit is None:
            self._check_possible()
        self.log_fault = ""
        """Why the log cannot be trusted at all: a line of it was changed."""
        self.log: tuple[Entry, ...] = self._read_log()
        """The entries of this ladder."""
        self.labels: tuple[Label, ...] = tuple(read_labels(self.folder / "labels.jsonl", shared.rootdir))
        self.judgements: tuple[Judgement, ...] = read_judgements(self.folder / JUDGEMENTS, shared.rootdir)
        self.waivers: tuple[Waiver, ...] = tuple(read_waivers(self.folder / "waivers.toml", shared.rootdir))

    @property
    def log_path(self) -> Path:
        """The escalation log."""
        return self.folder / LOG

    @property
    def local(self) -> bool:
        """Whether recordings stay out of git."""
        return self.ladder.store == "local"

    def _cases(self, written: str) -> EvalSet:
        path = (self.folder / written).resolve()
        if not path.is_relative_to(self.shared.rootdir.resolve()):
            raise InvalidFile(
                message(self.ladder.where, "a path leaves pytest's rootdir", got=written, expected="a path inside it")
            )
        return read_cases(path, self.shared.rootdir)

    def _check_possible(self) -> None:
        faults = impossible(self.ladder, self.whole)
        if confirms(self.ladder) and self.holdout is not None:
            faults += unfit(self.ladder, self.whole, self.holdout)
        if faults:
            raise InvalidFile("\n".join(faults))

    def _read_log(self) -> tuple[Entry, ...]:
        try:
            read = read_log(self.log_path, self.shared.rootdir)
        except Altered as fault:
            self.log_fault = str(fault)
            return ()
        return tuple(entry for entry in read if entry.ladder == self.ladder.name)

    @property
    def log_doubts(self) -> tuple[str, ...]:
        """What cannot be true of a log to which entries were only ever added."""
        where = relative(self.log_path, self.shared.rootdir)
        return tuple(
            message(where, doubt, next_step="a line was changed or removed: restore the file from git")
            for doubt in doubts(self.log, self.contract if confirms(self.ladder) else "")
        )

    @cached_property
    def rewritten(self) -> str:
        """Which entries that stood at the base the log lacks; empty where it lacks none, or there is no base."""
        return self.shared.base.rewritten(self.ladder) if self.shared.base else ""

    def read_again(self) -> None:
        """Read the log once more: another run may have written since."""
        self.log = self._read_log()

    @cached_property
    def contract(self) -> str:
        """Digest of the grading."""
        return contract(self.ladder, self.shared.rootdir)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Tell of a file or folder that cannot be read or written as a fault of the set-up."""
        try:
            yield
        except OSError as error:
            path = relative(Path(error.filename), self.shared.rootdir) if error.filename else self.ladder.where
            raise InvalidFile(message(path, f"cannot be used ({error.strerror or error})")) from None


def limited(evalset: EvalSet, limit: int | None) -> EvalSet:
    """The first `limit` cases of each slice, in file order; all of them for None."""
    if limit is None:
        return evalset
    slices = {name: cases for name, cases in evalset.slices.items() if name != "all"} or evalset.slices
    kept = {case.id for cases in slices.values() for case in cases[:limit]}
    kept |= {case.id for case in [c for c in evalset if not c.slices][:limit]}
    return EvalSet(tuple(case for case in evalset if case.id in kept), evalset.name)
