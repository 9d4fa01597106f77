"""The search of the rung `optimize`: once for each version of what decides it, before the rung is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.engine.collect import Progress
from pytest_ladder.errors import BudgetSpent, MissingRecording, ModelFailed, message
from pytest_ladder.report.numbers import plural
from pytest_ladder.rungs.optimize import BOOTSTRAP
from pytest_ladder.session.asker import Asker
from pytest_ladder.session.attempt import Attempt, Found
from pytest_ladder.session.dev_sets import Material, material_of
from pytest_ladder.session.ladder_files import LadderFiles
from pytest_ladder.session.trials import Trials
from pytest_ladder.store.digests import search_digest
from pytest_ladder.store.guard import guard_local, guard_shared
from pytest_ladder.store.jsonl import replace_file
from pytest_ladder.store.paths import relative

Watch = Callable[[], None] | None
SMOKE = "rung {rung}: a smoke run searches no prompt: the one that the search would begin with answers"


class Optimizing:
    """Searches the prompts of one ladder."""

    def __init__(self, files: LadderFiles, asker: Asker) -> None:
        self.files, self.asker = files, asker
        self.ladder, self.settings = files.ladder, files.settings

    def ensure(self, rung: RungSpec, watch: Watch) -> tuple[str, ...]:
        """Search the prompt of a rung, unless it needs none, or it is there; what is to be said of it.

        Raises:
            MissingRecording: it is not there, and nothing may be asked.
            BudgetSpent: a bound of the run is reached; the next run goes on from what is recorded.
            LadderError: the set-up is at fault, or the search cannot be made.
        """
        path = self.files.found_paths.get(rung.id)
        if path is None or path.exists():
            return ()
        if self.settings.read_only:
            raise self._missing(rung, path)
        if self.settings.limit is not None:
            return (SMOKE.format(rung=rung.id),)
        self.asker.lock()
        if path.exists():  # another run was quicker
            return ()
        return self._search(rung, path, watch)

    def _missing(self, rung: RungSpec, path: Path) -> MissingRecording:
        shown = relative(path, self.files.shared.rootdir)
        step = f"run `pytest --ladder --ladder-record=new --ladder-rung={rung.id}` and commit it with the recordings"
        return MissingRecording(
            message(rung.at(), f"the prompt that its search finds, {shown}, is missing", next_step=step)
        )

    def _search(self, rung: RungSpec, path: Path, watch: Watch) -> tuple[str, ...]:
        material = material_of(self.files.assembler, rung)
        (guard_local if self.files.local else guard_shared)(self.files.folder)
        self._announce(rung, f"searches its prompt with at most {plural(material.search.max_calls, 'call')} on dev")
        self.asker.progress = progress = Progress(material.search.max_calls)
        trials = Trials(
            self.files, self.asker, rung, material.search.objective, material.search.calls_an_answer, progress
        )
        attempt = self._attempt(rung, material, trials)
        try:
            found: Found = self.files.shared.loop.run(attempt.run(), watch)
        except (BudgetSpent, ModelFailed) as stopped:
            fault = f"the search is not finished, after {plural(trials.used.calls, 'call')}: {stopped}"
            why = (
                f" The first: {trials.faults[0].message}" if trials.faults and isinstance(stopped, ModelFailed) else ""
            )
            step = "Run again to go on: what was asked is on record and costs nothing the second time."
            raise type(stopped)(f"{rung.at()}: {fault}{why} {step}") from None
        finally:
            self.asker.progress = None
        note = replace(found.note, search=search_digest(self.ladder, rung))
        replace_file(path, f"{note.front_matter()}{found.body}".encode())
        self.files.renew()
        gain = f"dev {found.note.start.mean:.3f} to {found.note.found.mean:.3f} on {plural(found.note.cases, 'case')}"
        shown = relative(path, self.files.shared.rootdir)
        self._announce(rung, f"{gain}, with {plural(trials.used.calls, 'call')}; written: {shown}")
        return tuple(found.notes)

    def _attempt(self, rung: RungSpec, material: Material, trials: Trials) -> Attempt:
        if material.search.optimizer == BOOTSTRAP:
            return Attempt(self.files, self.asker, rung, material, trials)
        from pytest_ladder.session.dspy_attempt import DspyAttempt

        return DspyAttempt(self.files, self.asker, rung, material, trials)

    def _announce(self, rung: RungSpec, told: str) -> None:
        self.files.shared.announce(f"{self.ladder.name} {rung.id}: {told}")
