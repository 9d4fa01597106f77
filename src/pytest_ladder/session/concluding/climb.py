"""Which rungs run, and how each ends: short with more to come, selected, or the last word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.hybrids import referred
from pytest_ladder.core.looks import is_look
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.summary import Refusal, State
from pytest_ladder.errors import LadderError
from pytest_ladder.session.concluding.standing import Standing
from pytest_ladder.session.evidence import measured_at, rung_entries, said
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.measuring.results import RungResult
from pytest_ladder.session.settings import Climb as Mode

JUSTIFIED = "fine-tuning is now justified: run with --ladder-fine-tune"
NOT_BUILT = (
    "the gate is open, but there is nothing to evaluate: train an adapter and name its folder as `adapter` in "
    "[rungs.{rung}], or give the rung a `system` of your own"
)


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a rung does not run."""

    state: State
    note: str
    failed: bool = False
    """Whether that fails the build by itself."""


@dataclass
class Climb:
    """The climb of one ladder in this process."""

    run: LadderRun
    selected: Sequence[str]
    """Ids of the ladder's rungs that are in this run, in climbing order."""
    requested: bool = False
    """Whether fine-tuning was asked for."""
    states: dict[str, State] = field(default_factory=dict)

    @property
    def all_rungs(self) -> bool:
        """Whether no rung of the ladder was left out of this run."""
        return len(self.selected) == len(self.run.ladder.rungs)

    def lever(self, below: str | None = None) -> str | None:
        """The lowest rung of this run that meets the target, below a rung or at all."""
        ids = list(self.selected)
        for rung_id in ids[: ids.index(below)] if below in ids else ids:
            result = self._result(rung_id)
            if result is not None and result.verdict is Verdict.MET and not result.altered:
                return rung_id
        return None

    def _result(self, rung_id: str) -> RungResult | None:
        if rung_id in self.run.results or rung_id in self.states:
            return self.run.results.get(rung_id)
        return None

    def why_not(self, rung_id: str) -> Stop | None:
        """Why a rung is not to be run now; None where it is."""
        if self.run.log_fault:
            altered = Stop(State.ERROR, f"altered: {self.run.log_fault}", failed=True)
            return Stop(State.NOT_RUN, "the log is altered") if self.states else altered
        if self.run.ladder.rung(rung_id).kind is Kind.FINE_TUNE:
            return self._why_not_tune(rung_id)
        lever = self.lever(rung_id)
        if lever and self.run.settings.climb is Mode.NEEDED:
            return Stop(State.NOT_NEEDED, f"not needed: {lever} meets the target")
        if self.run.meter.over and not self.run.recorded(rung_id):
            return Stop(State.NOT_RUN, self.run.meter.over)
        return None

    def _why_not_tune(self, rung_id: str) -> Stop | None:
        try:
            refusals = self.refusals()
        except LadderError as error:  # of a plugin's rule, told here without the lines that called it
            return Stop(State.ERROR, str(error), failed=True)
        lever = self.lever(rung_id)
        if refusals and self.requested:
            return Stop(State.REFUSED, f"fine-tuning refused: {codes(refusals)}")
        if lever and not self.requested:
            return Stop(State.NOT_NEEDED, f"not needed: {lever} meets the target")
        if refusals:
            return Stop(State.NOT_RUN, f"fine-tuning is not justified yet: {codes(refusals)}")
        if self._servable(rung_id):
            return None
        if self.run.settings.fine_tune and not self.run.settings.read_only:
            return Stop(State.ERROR, NOT_BUILT.format(rung=rung_id), failed=True)
        return Stop(State.NOT_RUN, JUSTIFIED)

    def _servable(self, rung_id: str) -> bool:
        rung = self.run.ladder.rung(rung_id)
        if rung.system is not None or self.run.from_record(rung_id) is not None:
            return True
        if "router" in rung.options:  # it has no weights of its own
            tuned = [one for one in referred(self.run.ladder.rungs, rung) if one.kind is Kind.FINE_TUNE]
            return all(self._servable(one.id) for one in tuned)
        adapter = rung.options.get("adapter")
        return bool(adapter) and self.run.assembler.path(str(adapter)).is_dir()

    def refusals(self) -> tuple[Refusal, ...]:
        """What the gate says of the evidence at this moment."""
        return self.standing().refusals

    def standing(self) -> Standing:
        """The evidence at this moment: the log, and what this process measured."""
        results = {} if self.run.settings.limit else self.run.results
        fresh = {rung: self._entry(rung, result) for rung, result in results.items() if result.entry}
        changed = {rung: result.altered for rung, result in results.items() if result.altered}
        looks = {rung: self._look(rung, result.holdout) for rung, result in results.items() if result.holdout}
        return Standing(self.run, fresh, changed, datetime.now(UTC).date(), looks)

    def _look(self, rung_id: str, entry: RungEntry) -> RungEntry:
        """The look of this run: an old one that says the same, or this one."""
        looks = [old for old in rung_entries(self.run.log, rung_id) if is_look(old)]
        return said(looks, entry) or stamped(entry)

    def _entry(self, rung_id: str, result: RungResult) -> RungEntry:
        """The entry of this run's measurement: an old one that says the same, unless answers were asked for."""
        assert result.entry is not None
        entries = rung_entries(self.run.log, rung_id)
        old = None if result.asked else said(entries, result.entry)
        return old or stamped(result.entry, "" if result.asked else measured_at(entries, result.entry))

    def more_to_come(self, rung_id: str) -> bool:
        """Whether a later rung of this run may still meet the target."""
        ids = list(self.selected)
        later = ids[ids.index(rung_id) + 1 :]
        cheap = [r for r in later if self.run.ladder.rung(r).kind is not Kind.FINE_TUNE]
        return bool(cheap) or any(self._why_not_tune(r) is None for r in later)

    def beyond(self, rung_id: str) -> str:
        """What to say of the rungs above the last one of a narrowed run; empty where none was left out."""
        ids = [rung.id for rung in self.run.ladder.rungs if rung.kind is not Kind.FINE_TUNE]
        out = [other for other in ids[ids.index(rung_id) + 1 :] if other not in self.selected] if rung_id in ids else []
        if not out:
            return ""
        return f"It is the last rung of this run; left out of it: {', '.join(out)}. Mend it, or run `pytest --ladder`."

    def state_of(self, rung_id: str, verdict: Verdict) -> State:
        """How an evaluated rung stands."""
        if verdict is not Verdict.MET:
            return State(str(verdict))
        smoke = self.run.settings.limit is not None
        return State.MET if smoke or self.lever(rung_id) or not self._cheaper_known(rung_id) else State.SELECTED

    def _cheaper_known(self, rung_id: str) -> bool:
        """Whether every cheaper rung has current evidence and falls short; a full run has measured them itself."""
        cheaper = [self._result(rung.id) for rung in self.run.ladder.cheaper(rung_id)]
        if all(result is not None for result in cheaper):
            return not any(map(_broken, filter(None, cheaper)))
        return self.standing().decision.selected == rung_id

    def may_be_short(self, rung_id: str) -> bool:
        """Whether a rung below its target does not fail: a later one may do, or a cheaper one already does."""
        return self.more_to_come(rung_id) or self.lever(rung_id) is not None


def _broken(result: RungResult) -> bool:
    return result.verdict is Verdict.ERROR or bool(result.altered or result.missing)


def codes(refusals: Sequence[Refusal]) -> str:
    """The codes of refusals, each once."""
    return ", ".join(dict.fromkeys(str(refusal.code) for refusal in refusals))


def stamped(entry: RungEntry, at: str = "") -> RungEntry:
    """A candidate entry with its time, the present where none is given, for looking at its age."""
    return entry if entry.at else entry.sealed(at or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
