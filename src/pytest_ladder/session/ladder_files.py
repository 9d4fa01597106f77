"""One ladder as it lies on disk: contract, cases, log, labels, waivers, and their digests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_ladder.backends.hosted import key_names
from pytest_ladder.backends.models import is_hosted
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.entries import Entry
from pytest_ladder.core.extensions import Extensions, NoExtensions
from pytest_ladder.core.hybrids import referred
from pytest_ladder.core.judged import Judgement, check_words
from pytest_ladder.core.ladder import Label, Ladder, Waiver
from pytest_ladder.core.looks import confirms, unfit
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.searched import Searched
from pytest_ladder.core.thresholds import impossible
from pytest_ladder.engine.limits import AdaptiveLimit
from pytest_ladder.engine.loop import LoopThread
from pytest_ladder.engine.meter import Meter
from pytest_ladder.engine.retry import Pace
from pytest_ladder.errors import Altered, InvalidFile, message
from pytest_ladder.session.agreements import Agreements, Unproven
from pytest_ladder.session.assemble import Assembler
from pytest_ladder.session.base_tree import Base
from pytest_ladder.session.dev_sets import check_searches
from pytest_ladder.session.evidence import doubts
from pytest_ladder.session.judges import Judges
from pytest_ladder.session.judging import Judging
from pytest_ladder.session.rung_tables import check_tables
from pytest_ladder.session.scrub import Scrubber
from pytest_ladder.session.settings import Settings
from pytest_ladder.session.tools import check_agents
from pytest_ladder.store.artifacts import is_own
from pytest_ladder.store.cases_file import read_cases
from pytest_ladder.store.digests import Fingerprint, contract, fingerprint, found_path, searches
from pytest_ladder.store.escalation_log import read_log
from pytest_ladder.store.judgements import FILE as JUDGEMENTS
from pytest_ladder.store.judgements import read_judgements
from pytest_ladder.store.labels import read_labels
from pytest_ladder.store.links import check_links
from pytest_ladder.store.paths import beside, relative
from pytest_ladder.store.prompt_file import PromptFile, check_versions, read_prompt
from pytest_ladder.store.recordings import recordings_path
from pytest_ladder.store.secrets import Redactor
from pytest_ladder.store.spec import read_ladder
from pytest_ladder.store.waivers import read_waivers

LOG = "escalation.jsonl"


@dataclass
class Shared:
    """What the ladders of one process share."""

    settings: Settings
    rootdir: Path
    loop: LoopThread = field(default_factory=LoopThread)
    meter: Meter = field(default_factory=Meter)
    announce: Callable[[str], None] = lambda _: None
    """Tells the user a line at once."""
    paces: dict[str, Pace] = field(default_factory=dict)
    """Hosted model -> how fast it is asked, by all ladders together."""

    def pace(self, model: str | None) -> Pace | None:
        """The pace of a hosted model; None for another one, which is asked at once."""
        if model is None or not is_hosted(model):
            return None
        return self.paces.setdefault(model, Pace(AdaptiveLimit(self.settings.concurrency)))

    extensions: Extensions = field(default_factory=NoExtensions)
    """What plugins add."""
    base: Base | None = None
    """The commit that the run is compared with; None where it is compared with none."""


class LadderFiles:
    """One ladder, read from its folder and checked."""

    def __init__(self, path: Path, shared: Shared) -> None:
        """Read and check every file of the ladder.

        Raises:
            InvalidFile: a file cannot be used.
        """
        self.shared = shared
        self.settings = shared.settings
        read = read_ladder(path, shared.rootdir)
        self.ladder: Ladder = replace(read, unproven=Unproven(read.metrics, lambda: self.agreements))
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
        evalsets = [self.whole, *([self.holdout] if self.holdout else [])]
        self.judges, self.judging, self.agreements = Judges(self), Judging(self), Agreements(self)
        self.assembler = Assembler(self.ladder, evalsets, shared.extensions, self.judges)
        self.assembler.scorers()
        check_searches(self.assembler)
        check_words(self.judgements, self.ladder.metrics)
        self._fingerprints: dict[str, Fingerprint] = {}
        self._check_prompt_versions()
        if not self.settings.read_only:  # a run that asks nothing loads no tool
            check_agents(self.assembler, self.whole)
            check_tables(self.assembler, self.whole, self._has_answers)

    def _has_answers(self, rung: RungSpec) -> bool:
        return recordings_path(self.folder, rung.id, self.fingerprint(rung).digest).exists()

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

    def _check_prompt_versions(self) -> None:
        for rung in self.ladder.rungs:
            self.fingerprint(rung)
        check_versions(self.prompts, self.log)

    @cached_property
    def prompts(self) -> dict[str, PromptFile]:
        """Path, as in an entry's artifacts, -> each prompt file of the ladder, those that searches wrote among them."""
        written = [str(rung.options["prompt"]) for rung in self.ladder.rungs if rung.options.get("prompt")]
        paths = [*map(self.assembler.path, written), *self._found()]
        rootdir = self.shared.rootdir
        return {beside(path, self.folder): read_prompt(path, relative(path, rootdir)) for path in dict.fromkeys(paths)}

    @cached_property
    def found_paths(self) -> Mapping[str, Path]:
        """Rung id -> the prompt that its search writes, for the rungs that have one; it need not be there yet."""
        return {rung.id: found_path(self.ladder, rung) for rung in self.ladder.rungs if searches(rung)}

    def _found(self) -> list[Path]:
        return [path for path in self.found_paths.values() if path.exists()]

    def found_by(self, rung_id: str) -> Searched | None:
        """The search that wrote the prompt of a rung; None where there is none, or its prompt does not tell."""
        path = self.found_paths.get(rung_id)
        if path is None or not path.exists():
            return None
        return read_prompt(path, relative(path, self.shared.rootdir)).searched

    def renew(self) -> None:
        """Look at the prompts again: a search has written one."""
        self.__dict__.pop("prompts", None)

    def read_again(self) -> None:
        """Read the log once more: another run may have written since."""
        self.log = self._read_log()

    def fingerprint(self, rung: RungSpec, extra: Sequence[Path] = ()) -> Fingerprint:
        """The fingerprint of a rung, with the file of a system that a test gave, or else of one that a plugin gives."""
        others = [file for other in referred(self.ladder.rungs, rung) for file in self._added_files(other)]
        extra = (*(extra or self._added_files(rung)), *others)
        key = "|".join([rung.id, *map(str, extra), "found", *map(str, self._found())])
        if key not in self._fingerprints:
            self._fingerprints[key] = fingerprint(self.ladder, rung, extra)
        return self._fingerprints[key]

    def _added_files(self, rung: RungSpec) -> tuple[Path, ...]:
        """The file of a system that a plugin gives, where it is of the project: an installed one is known by name."""
        files = [path.resolve() for path in source_files(self.assembler.added(rung))]
        return tuple(path for path in files if is_own(path, self.shared.rootdir))

    @cached_property
    def scrubber(self) -> Scrubber:
        """The filter before anything is written."""
        options = [asked.model_options for rung in self.ladder.rungs for asked in rung.asks]
        options += [of for metric in self.ladder.metrics if isinstance(of := metric.options.get("model_options"), dict)]
        return Scrubber(
            Redactor(os.environ, [name for of in options for name in key_names(of)]),
            [self.assembler.function(name, self.ladder.at("privacy", "redact")) for name in self.ladder.redact],
        )

    @cached_property
    def contract(self) -> str:
        """Digest of the grading."""
        return contract(self.ladder, self.shared.rootdir)

    @cached_property
    def corpus(self) -> Mapping[str, str]:
        """Id -> text of every document of the ladder."""
        return self.assembler.corpus()

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


def source_files(own: Callable[..., Any] | None) -> tuple[Path, ...]:
    """The file that defines a system that a test or a plugin gave."""
    if own is None:
        return ()
    import inspect

    found = inspect.getsourcefile(inspect.unwrap(own) if inspect.isfunction(own) else type(own))
    return (Path(found),) if found else ()
