"""What is made of a ladder's files: its working parts, its prompts, and the fingerprints of its rungs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_ladder.backends.hosted import key_names
from pytest_ladder.core.agreement import Agreement
from pytest_ladder.core.hybrids import referred
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.searched import Searched
from pytest_ladder.session.setup.assemble import Assembler
from pytest_ladder.session.setup.ladder_folder import LadderFolder
from pytest_ladder.session.setup.scrub import Scrubber
from pytest_ladder.session.shared import Shared
from pytest_ladder.store.artifacts import is_own
from pytest_ladder.store.digests import Fingerprint, fingerprint, found_path, searches
from pytest_ladder.store.paths import beside, relative
from pytest_ladder.store.prompt_file import PromptFile, read_prompt
from pytest_ladder.store.secrets import Redactor


class LadderParts(LadderFolder):
    """The files of one ladder, and its parts."""

    def __init__(self, path: Path, shared: Shared, agreements: Callable[[], Mapping[str, Agreement]]) -> None:
        """Read the files, and make ready to build; nothing is built yet.

        Raises:
            InvalidFile: a file cannot be used.
        """
        super().__init__(path, shared, agreements)
        evalsets = [self.whole, *([self.holdout] if self.holdout else [])]
        self.assembler = Assembler(self.ladder, evalsets, shared.extensions)
        self._fingerprints: dict[str, Fingerprint] = {}

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
    def corpus(self) -> Mapping[str, str]:
        """Id -> text of every document of the ladder."""
        return self.assembler.corpus()


def source_files(own: Callable[..., Any] | None) -> tuple[Path, ...]:
    """The file that defines a system that a test or a plugin gave."""
    if own is None:
        return ()
    import inspect

    found = inspect.getsourcefile(inspect.unwrap(own) if inspect.isfunction(own) else type(own))
    return (Path(found),) if found else ()
