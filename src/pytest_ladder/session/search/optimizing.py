"""The search of the rung `optimize`: once for each version of what decides it, before the rung is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pytest_ladder.core.prices import usd
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.engine.collect import Job, Progress
from pytest_ladder.errors import BudgetSpent, LadderError, MissingRecording, ModelFailed, message
from pytest_ladder.report.numbers import plural
from pytest_ladder.rungs.optimization.optimize import BOOTSTRAP
from pytest_ladder.session.ladder_files import LadderFiles
from pytest_ladder.session.measuring.asker import Asker
from pytest_ladder.session.measuring.estimating import LENGTH, searching_cost
from pytest_ladder.session.search.attempt import Attempt, Found
from pytest_ladder.session.search.trials import Trials
from pytest_ladder.session.setup.dev_sets import Material, material_of
from pytest_ladder.store.digests import search_digest
from pytest_ladder.store.guard import guard_local, guard_shared
from pytest_ladder.store.jsonl import replace_file
from pytest_ladder.store.paths import relative

Watch = Callable[[], None] | None
DOING = "search"
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
        most = plural(material.search.max_calls, "call")
        self._announce(rung, f"searches its prompt on dev with at most {most}{self._price(rung, material)}")
        found = self._run(rung, material, watch)
        note = replace(found.note, search=search_digest(self.ladder, rung))
        replace_file(path, f"{note.front_matter()}{found.body}".encode())
        self.files.renew()
        gain = f"dev {note.start.mean:.3f} to {note.found.mean:.3f} on {plural(note.cases, 'case')}"
        written = relative(path, self.files.shared.rootdir)
        self._announce(rung, f"{gain}, with {plural(note.used.calls, 'call')}; written: {written}")
        return tuple(found.notes)

    def _run(self, rung: RungSpec, material: Material, watch: Watch) -> Found:
        search = material.search
        self.asker.progress = progress = Progress(search.max_calls, doing=DOING)
        trials = Trials(self.files, self.asker, rung, search.objective, search.calls_an_answer, progress)
        try:
            found: Found = self.files.shared.loop.run(self._attempt(rung, material, trials).run(), watch)
        except (BudgetSpent, ModelFailed) as stopped:
            raise self._unfinished(rung, trials, stopped) from None
        finally:
            self.asker.progress = None
        return found

    def _unfinished(self, rung: RungSpec, trials: Trials, stopped: BudgetSpent | ModelFailed) -> LadderError:
        """What stopped a search, and how it goes on."""
        told = f"the search is not finished, after {plural(trials.used.calls, 'call')}: {stopped}"
        if trials.faults and isinstance(stopped, ModelFailed):
            told += f" The first that failed: {trials.faults[0].message}"
        if isinstance(stopped, BudgetSpent):  # it says itself how to go on
            return BudgetSpent(f"{rung.at()}: {told}")
        return ModelFailed(f"{rung.at()}: {told} Run again to go on: what was asked is on record, and free.")

    def _price(self, rung: RungSpec, material: Material) -> str:
        """What all calls of a search will cost, roughly, were they answers; empty where nothing tells."""
        jobs = [Job(case.question, case.input_digest, 0) for case in material.scoring]
        cost = searching_cost(self.files, rung, self.asker.client_as, jobs, material.search.max_calls)
        return f", about {usd(cost)} USD by {LENGTH}" if cost else ""

    def _attempt(self, rung: RungSpec, material: Material, trials: Trials) -> Attempt:
        if material.search.optimizer == BOOTSTRAP:
            return Attempt(self.files, self.asker, rung, material, trials)
        from pytest_ladder.session.search.dspy_attempt import DspyAttempt

        return DspyAttempt(self.files, self.asker, rung, material, trials)

    def _announce(self, rung: RungSpec, told: str) -> None:
        self.files.shared.announce(f"{self.ladder.name} {rung.id}: {told}")
