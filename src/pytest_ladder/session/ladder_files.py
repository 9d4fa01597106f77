"""One ladder, read and checked before anything is asked: its files, its parts, and its judges."""

from __future__ import annotations

from pathlib import Path

from pytest_ladder.core.hybrids import referred
from pytest_ladder.core.judged import check_words
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.session.judges.agreements import Agreements
from pytest_ladder.session.judges.judges import Judges
from pytest_ladder.session.judges.judging import Judging
from pytest_ladder.session.settings import Record
from pytest_ladder.session.setup.dev_sets import check_searches
from pytest_ladder.session.setup.ladder_parts import LadderParts
from pytest_ladder.session.setup.rung_tables import check_tables
from pytest_ladder.session.setup.tools import check_agents
from pytest_ladder.session.shared import Shared
from pytest_ladder.store.prompt_file import check_versions
from pytest_ladder.store.recordings import recordings_path


class LadderFiles(LadderParts):
    """One ladder, read from its folder and checked."""

    def __init__(self, path: Path, shared: Shared) -> None:
        """Read and check every file of the ladder.

        Raises:
            InvalidFile: a file cannot be used.
        """
        super().__init__(path, shared, lambda: self.agreements.all())
        self.judges = self.assembler.judged = Judges(self)
        self.judging = Judging(self, self.judges)
        self.agreements = Agreements(self, self.judging)
        self.assembler.scorers()
        check_searches(self.assembler)
        check_words(self.judgements, self.ladder.metrics)
        self._check_prompt_versions()
        if not self.settings.read_only:  # a run that asks nothing loads no tool
            check_agents(self.assembler, self.whole)
            check_tables(self.assembler, self.whole, self._has_answers, self._in_run)

    def _has_answers(self, rung: RungSpec) -> bool:
        again = self.settings.record is Record.ALL
        return not again and recordings_path(self.folder, rung.id, self.fingerprint(rung).digest).exists()

    def _in_run(self, rung: RungSpec) -> bool:
        """Whether this run may ask a rung: one that it was told to run, or one to which such a rung refers."""
        rungs, wanted = self.ladder.rungs, self.settings.rungs
        told = [one for one in rungs if one.id in wanted] if wanted else rungs
        return rung in told or any(rung in referred(rungs, one) for one in told)

    def _check_prompt_versions(self) -> None:
        for rung in self.ladder.rungs:
            self.fingerprint(rung)
        check_versions(self.prompts, self.log)
