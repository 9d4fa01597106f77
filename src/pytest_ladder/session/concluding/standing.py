"""How a ladder stands, by what is on record of it: diagnosis, decision, gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial

from pytest_ladder.core.decision import Decision, decide
from pytest_ladder.core.diagnosis import diagnose, labelled
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.entries import DecisionEntry, Verdict
from pytest_ladder.core.evaluation import failed_cases
from pytest_ladder.core.gains import Gain, form_plateau, quality
from pytest_ladder.core.gate import concessions, refusals
from pytest_ladder.core.gate_request import GateRequest, RungEvidence
from pytest_ladder.core.looks import confirms, more_in_holdout
from pytest_ladder.core.results import CaseResult
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.core.summary import Refusal
from pytest_ladder.core.undecided import to_decide
from pytest_ladder.errors import InvalidFile
from pytest_ladder.session.concluding.causes import classified, recorded
from pytest_ladder.session.concluding.gains import gains_of
from pytest_ladder.session.concluding.history import history, one_way_streets, overlap, own_systems
from pytest_ladder.session.concluding.on_record import OnRecord
from pytest_ladder.session.evidence import effort, outdated, rung_entries
from pytest_ladder.session.measuring.curtailing import proved
from pytest_ladder.session.measuring.results import RungResult


class Standing(OnRecord):
    """What the evidence of one ladder comes to: why its rungs fail, what is decided, and what the gate says."""

    # --- diagnosis -----------------------------------------------------------------------------------------------

    @cached_property
    def best(self) -> RungResult | None:
        """The best rung below fine-tuning: most thresholds met, then the highest mean; ties to the cheaper.

        A rung in error is none: what it failed at is not known.
        """
        sound = [r.id for r in self.below if r.id in self.current and self.current[r.id].verdict is not Verdict.ERROR]
        cheaper = [self.results[rung] for rung in sound if rung in self.results]
        return max(cheaper, key=lambda result: quality(result.evaluation), default=None)

    @property
    def below(self) -> tuple[RungSpec, ...]:
        """The rungs below fine-tuning."""
        return tuple(rung for rung in self.ladder.rungs if rung.kind is not Kind.FINE_TUNE)

    @cached_property
    def diagnosis(self) -> Mapping[FailureKind, int]:
        """Why the best cheaper rung's cases fail."""
        if self.best is None:
            return {}
        return self._diagnosed(self.best)

    def diagnosis_of(self, rung_id: str) -> dict[str, int]:
        """Why one rung's cases fail, for its entry."""
        result = self.results.get(rung_id)
        if result is None:
            return {}
        return {str(kind): n for kind, n in sorted(self._diagnosed(result).items())}

    def told(self, result: RungResult, failed: Sequence[CaseResult]) -> dict[str, str]:
        """Case id -> why it failed, for those without a label: by a plugin, else by what the record shows."""
        rung = self.ladder.rung(result.rung)
        return {**recorded(self.run, rung, self.prints(rung), failed), **self._classified(result, failed)}

    def _classified(self, result: RungResult, failed: Sequence[CaseResult]) -> dict[str, str]:
        known = labelled(self.run.labels, result.rung)
        return classified(self.run, [case for case in failed if case.case.id not in known])

    def _diagnosed(self, result: RungResult, *, reviewed: bool = False) -> dict[FailureKind, int]:
        failed = failed_cases(result.evaluation, result.missed)
        told = self._classified(result, failed) if reviewed else self.told(result, failed)
        return diagnose([case.case.id for case in failed], self.run.labels, result.rung, told)

    @cached_property
    def gains(self) -> Mapping[str, Gain]:
        """Rung id -> its gain over the best cheaper rung."""
        return gains_of(self.ladder, self.run.whole, self.results, self.current)

    # --- gate and decision ---------------------------------------------------------------------------------------

    @cached_property
    def refusals(self) -> tuple[Refusal, ...]:
        """Why fine-tuning is not justified by what is on record; none where it is."""
        extra = self.run.shared.extensions.gate(self.request)
        return refusals(replace(self.request, extra=tuple(extra)))

    @cached_property
    def request(self) -> GateRequest:
        """All that the gate looks at."""
        efforts, fault = self._efforts()
        told = (self.run.log_fault, *self.run.log_doubts, self.run.rewritten, fault)
        return GateRequest(
            ladder=self.ladder,
            rungs=tuple(map(self._evidence, self.below)),
            efforts=efforts,
            diagnosis=self.diagnosis,
            reviewed=self._diagnosed(self.best, reviewed=True) if self.best else {},
            diagnosed_rung=self.best.rung if self.best else None,
            today=self.today,
            only_limits=self.best is not None and _only_limits(self.best),
            waivers=self.run.waivers,
            altered=tuple(what for what in told if what),
            history=self._history(),
        )

    def _history(self) -> tuple[str, ...]:
        log = [*self.run.log, *self.fresh.values()]
        declared = {rung.id: self.run.fingerprint(rung).digest for rung in self.ladder.rungs}
        past = history(log, self.current, self.below, len(self.run.whole), self.today)
        shared = overlap(self.run.whole, self.run.holdout)
        below = {rung.id: self.results[rung.id] for rung in self.below if rung.id in self.results}
        told = (*past, *own_systems(self.current, declared), *one_way_streets(below))
        return (*told, shared) if shared else told

    def _efforts(self) -> tuple[Mapping[Kind, int], str]:
        """Different versions measured of each kind, and what is wrong with the recordings of an earlier one."""
        log = [*self.run.log, *self.fresh.values()]
        try:
            run, certain = self.run, partial(proved, self.run)
            return effort(
                log, run.folder, run.whole, run.shared.rootdir, local=run.local, certain=certain, known=run.versions
            ), ""
        except InvalidFile as fault:
            told = str(fault)
            return {}, "" if told in self._altered.values() else told

    def _evidence(self, rung: RungSpec) -> RungEvidence:
        entry, result = self.current.get(rung.id), self.results.get(rung.id)
        clear = None
        if entry is not None:
            clear = result.evaluation.clear if result else Verdict.INCONCLUSIVE
        why = ""
        if entry is None:
            version = (self.run.whole.digest, self.run.contract, self.prints(rung).digest)
            why = outdated(rung_entries(self.run.log, rung.id), version, result.entry if result else None)
        missing = to_decide(self.ladder, result.evaluation, result.evaluation.clear_checks) if result else ""
        evidence = RungEvidence(rung.id, rung.kind, entry, clear, why, self.altered(rung.id), missing)
        asked = confirms(self.ladder) and entry is not None and entry.verdict is Verdict.MET
        return self._looked_at(evidence) if asked else evidence

    def _looked_at(self, evidence: RungEvidence) -> RungEvidence:
        """The evidence of a rung that meets the target and must be confirmed: what its look clearly says."""
        look, result = self.looks.get(evidence.id), self.results.get(evidence.id)
        if look is None or look.entry.verdict is Verdict.MET:
            return replace(evidence, unlooked=look is None)
        checks = result.confirmation.evaluation if result and result.confirmation else None
        clear = checks.clear if checks else Verdict.INCONCLUSIVE
        clear = clear if clear in (Verdict.SHORT, Verdict.ERROR) else Verdict.INCONCLUSIVE
        missing = more_in_holdout(self.ladder, evidence.id, checks.clear_checks) if checks else ""
        others = f"; versions held against other hold-out sets: {look.elsewhere}" if look.elsewhere else ""
        return replace(evidence, clear=clear, missing=missing, unheld=self.unheld(evidence.id) + others)

    @property
    def ids(self) -> dict[str, str]:
        """Rung id -> id of its current entry."""
        return {rung: entry.id for rung, entry in self.current.items()}

    @property
    def look_ids(self) -> dict[str, str]:
        """Rung id -> id of its look at the hold-out set."""
        return {rung: look.entry.id for rung, look in self.looks.items()}

    @property
    def decided(self) -> DecisionEntry:
        """The decision for the log, without time and id."""
        return self.decision.entry(self.ladder.name, self.ids, self.look_ids)

    @cached_property
    def decision(self) -> Decision:
        """What the current evidence says."""
        found = decide(
            self.ladder, self.current, self.diagnosis, lambda: not self.refusals, lambda: concessions(self.request),
            self.best is not None and _only_limits(self.best), self.looks,
            plateau=lambda: form_plateau(self.ladder, self.gains),
            cost_usd=_cost(self.best) if self.best else 0.0,
        )  # fmt: skip
        unclear = [(rung, more) for rung in found.undecided if (more := self.undecided(rung))]
        if found.selected is not None or not found.complete or not unclear:
            return found
        told = "; ".join(f"{rung} is undecided, {more} would tell" for rung, more in unclear)
        return replace(found, recommendation=f"{told}. Or else: {found.recommendation}")


def _cost(result: RungResult) -> float:
    """USD of one answer."""
    answers = sum(len(case.answers) for case in result.evaluation.cases)
    return result.evaluation.usage.cost_usd / answers if answers else 0.0


def _only_limits(result: RungResult) -> bool:
    return bool(result.missed) and all(check.kind == "limit" for check in result.missed)
