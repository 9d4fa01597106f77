"""What is on record of a ladder today: its results, its current entries, and its looks at the hold-out set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from pathlib import Path

from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.looks import Look, confirmed, confirms, is_look, more_in_holdout, unheld
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.undecided import to_decide
from pytest_ladder.errors import InvalidFile
from pytest_ladder.session.evidence import rung_entries, said
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.measuring.looking import counted
from pytest_ladder.session.measuring.results import RungResult
from pytest_ladder.store.artifacts import artifact_path
from pytest_ladder.store.digests import Fingerprint


class OnRecord:
    """The evidence of one ladder at one moment: the log, and what this run has measured.

    Every figure is recomputed from the recordings; an entry of the log counts only where they agree with it.
    """

    def __init__(
        self,
        run: LadderRun,
        fresh: Mapping[str, RungEntry],
        altered: Mapping[str, str],
        today: date,
        looks: Mapping[str, RungEntry] | None = None,
    ) -> None:
        """Look at a ladder.

        Args:
            run: The ladder.
            fresh: Rung id -> the entry measured in this run.
            altered: Rung id -> what this run found changed by hand.
            today: For ages and waivers.
            looks: Rung id -> its look at the hold-out set, taken in this run.
        """
        self.run = run
        self.ladder = run.ladder
        self.fresh = fresh
        self._looks = looks or {}
        self._altered = dict(altered)
        self.today = today

    @cached_property
    def results(self) -> Mapping[str, RungResult]:
        """Rung id -> its result, of this run or recomputed from the recordings."""
        found = {}
        for rung in self.ladder.rungs:
            measured = None if self.run.settings.limit else self.run.results.get(rung.id)
            try:
                result = measured or self.run.from_record(rung.id, self.prints(rung))
            except InvalidFile as fault:  # a recording that is no recording: changed by hand, or badly merged
                self._altered.setdefault(rung.id, str(fault))
                continue
            if result is not None and result.entry is not None:
                found[rung.id] = result
        return found

    def prints(self, rung: RungSpec) -> Fingerprint:
        """The fingerprint of a rung today, with the file of a system that a test gave when it was measured."""
        own = self.run.fingerprint(rung)
        entries = [self.fresh[rung.id]] if rung.id in self.fresh else rung_entries(self.run.log, rung.id)[::-1]
        for entry in entries:
            if entry.fingerprint == own.digest:
                return own
        for entry in entries:
            extra = tuple(artifact_path(path, self.run.folder) for path in entry.artifacts if path not in own.artifacts)
            if extra and all(map(Path.is_file, extra)):
                with_system = self.run.fingerprint(rung, extra)
                if with_system.digest == entry.fingerprint:
                    return with_system
        return own

    @cached_property
    def current(self) -> Mapping[str, RungEntry]:
        """Rung id -> its current entry, for the rungs that have one."""
        found = {}
        for rung in self.ladder.rungs:
            entry = self.fresh.get(rung.id) or self._logged(rung)
            if entry is not None:
                found[rung.id] = entry
        return found

    def _logged(self, rung: RungSpec) -> RungEntry | None:
        result = self.results.get(rung.id)
        if result is None or result.entry is None or self.altered(rung.id):
            return None
        alike = [entry for entry in rung_entries(self.run.log, rung.id) if entry.says_the_same(result.entry)]
        return alike[-1] if alike else None

    def versions(self, rung_id: str) -> int:
        """How many versions of a rung were measured on today's eval set; those that answer alike count once."""
        entries = [*rung_entries(self.run.log, rung_id), *filter(None, [self.fresh.get(rung_id)])]
        sound = [entry for entry in entries if entry.verdict is not Verdict.ERROR]
        return len({entry.answers for entry in sound if entry.evalset == self.run.whole.digest})

    def undecided(self, rung_id: str) -> str:
        """How many more cases would decide a rung that is undecided; empty where it is not, or it is not known."""
        result = self.results.get(rung_id)
        if result is None or result.verdict is not Verdict.INCONCLUSIVE:
            return ""
        if result.unheld:
            return more_in_holdout(self.ladder, rung_id, result.missed)
        return to_decide(self.ladder, result.evaluation, result.evaluation.checks)

    @cached_property
    def looks(self) -> Mapping[str, Look]:
        """Rung id -> its look at the hold-out set: of this run, or on record where the lever must hold there."""
        found = {}
        for rung in self.current:
            entry = self._looks.get(rung) or self._logged_look(rung)
            if entry is not None:
                found[rung] = entry
        return counted(self.run.log, found)

    def _logged_look(self, rung_id: str) -> RungEntry | None:
        result = self.results.get(rung_id)
        if result is None or result.confirmation is None or result.holdout is None or self.altered(rung_id):
            return None
        return said([entry for entry in rung_entries(self.run.log, rung_id) if is_look(entry)], result.holdout)

    def verdict(self, rung_id: str) -> Verdict | None:
        """What counts of a rung's current entry: on the eval set and, where that must be confirmed, on the look."""
        entry, look = self.current.get(rung_id), self.looks.get(rung_id) if confirms(self.ladder) else None
        return confirmed(entry.verdict, look.entry.verdict if look else None) if entry else None

    def unheld(self, rung_id: str) -> str:
        """Why a rung that meets the target on the eval set is not the lever; empty where it is, or no look tells."""
        met = rung_id in self.current and self.current[rung_id].verdict is Verdict.MET
        look = self.looks.get(rung_id) if met and confirms(self.ladder) else None
        return unheld(self.ladder, look.entry) if look else ""

    def altered(self, rung_id: str) -> str:
        """What was changed by hand under a rung's entries; empty where nothing was."""
        result = self.results.get(rung_id)
        return self._altered.get(rung_id) or (result.altered if result else "")
