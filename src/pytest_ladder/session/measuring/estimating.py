"""What the answers of a rung will cost, told before the first of them is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.entries import RungEntry
from pytest_ladder.core.hybrids import referred
from pytest_ladder.core.prices import CHARACTERS_A_TOKEN, TOKENS_AN_ANSWER, usd
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.scores import Scored
from pytest_ladder.engine.collect import Job
from pytest_ladder.errors import LadderError
from pytest_ladder.report.numbers import plural
from pytest_ladder.rungs.calls import Calls
from pytest_ladder.session.judges.costs import JudgeEstimate
from pytest_ladder.session.ladder_files import LadderFiles
from pytest_ladder.session.measuring.pricing import Clients, Pricing, Spent, either
from pytest_ladder.session.setup.assemble import found

LENGTH = "the length of its prompt and `max_tokens`"
LENGTHS = "the length of its prompts and `max_tokens`"
BOUND = "; the most is what its limits allow, not what is usual"
LAST = "what its last version used"


@dataclass(frozen=True, slots=True)
class Measured:
    """What an answer used in an earlier run."""

    cost_usd: float
    basis: str
    """Where it was measured, as the user reads it."""
    calls: float = 0.0
    """Model calls, where they are the rung's own."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What some answers will cost, roughly."""

    answers: int
    declared: Spent | None = None
    """What all of them may take by the rung's table; None where that does not tell."""
    measured: Measured | None = None
    """What an answer took before; None where there was none like these."""
    basis: str = LENGTH
    lines: Spent = field(default_factory=Spent)
    """What the lines of an index take besides."""
    judges: tuple[JudgeEstimate, ...] = ()
    """What judging them will cost besides."""

    def told(self, ladder: str, rung: str, left_usd: float | None) -> str:
        """One line; `left_usd` is what the budget still holds, None for no budget."""
        line = f"{ladder} {rung}: {plural(self.answers, 'answer')} to ask"
        if self.lines.most_calls:
            line += f" and {plural(self.lines.most_calls, 'line')} of its index"
        line += self._measured() if self.measured else self._declared()
        line += "".join(f"; {judge}" for judge in self.judges)
        return line if left_usd is None else f"{line}; {usd(left_usd)} USD of the budget are left{self._over(left_usd)}"

    @property
    def _simple(self) -> bool:
        """Whether nothing is asked but one call an answer."""
        if self.declared is None:
            return self.measured is not None and self.measured.calls in (0.0, 1.0)
        return self.declared.least_calls == self.declared.most_calls == self.answers

    @property
    def bounds_usd(self) -> tuple[float, float]:
        """The least and the most that they will cost, judges apart; the same twice where an earlier run tells."""
        if self.measured:
            whole = self.answers * self.measured.cost_usd + self.lines.most_usd
            return whole, whole
        known = (self.declared or Spent()) + self.lines
        return known.least_usd, known.most_usd

    def _measured(self) -> str:
        assert self.measured is not None
        told = f", about {usd(self.bounds_usd[0])} USD by {self.measured.basis}"
        if not self._simple:
            told += f", {self.measured.calls:.3g} {'call' if self.measured.calls == 1 else 'calls'} an answer"
        if self.declared is None or self._simple:
            return told
        most = self.declared + self.lines
        return f"{told}; at most {most.most_calls} calls, about {usd(most.most_usd)} USD"

    def _declared(self) -> str:
        if self.declared is None:
            return ""
        known = self.declared + self.lines
        calls = "" if self._simple else f", {_between(str(known.least_calls), str(known.most_calls))} calls"
        told = f"{calls}, about {_between(usd(known.least_usd), usd(known.most_usd))} USD by {self.basis}"
        return told if known.least_calls == known.most_calls else told + BOUND

    def _over(self, left_usd: float) -> str:
        least, most = (amount + sum(judge.cost_usd for judge in self.judges) for amount in self.bounds_usd)
        if least > left_usd:
            return "; it will not last to the end"
        return "; it may not last to the end" if most > left_usd else ""


def _between(least: str, most: str) -> str:
    return least if least == most else f"{least} to {most}"


def with_judges(files: LadderFiles, known: Estimate | None, jobs: Sequence[Job]) -> Estimate | None:
    """An estimate together with what judging the same answers will cost; None where neither is known."""
    cases = {case.id: case for case in (*files.whole, *(files.holdout or ()))}
    made = Answer("x" * TOKENS_AN_ANSWER * CHARACTERS_A_TOKEN)
    judges = files.judging.expected([Scored(cases[job.question.id], made) for job in jobs if job.question.id in cases])
    if known is None:
        return Estimate(len(jobs), judges=judges) if judges else None
    return replace(known, judges=judges)


def estimate(
    files: LadderFiles, rung: RungSpec, clients: Clients, jobs: Sequence[Job], *, own: bool = False
) -> Estimate | None:
    """The estimate for a rung whose model, or one that it asks besides, has a price; None without, or if nothing helps.

    Args:
        files: The ladder.
        rung: As it is served.
        clients: Gives the client of a model.
        jobs: The answers to ask for, none for none.
        own: Whether a function answers in the place of the rung's own system.
    """
    if not jobs:
        return None
    try:
        return _estimate(files, rung, clients, jobs, own)
    except LadderError:  # of a model that may never be asked; the rung's turn tells of one that is
        return None


def _estimate(files: LadderFiles, rung: RungSpec, clients: Clients, jobs: Sequence[Job], own: bool) -> Estimate | None:
    pricing = Pricing(files, clients, [job.question for job in jobs])
    if own or any(_opaque(files, spec) for spec in (rung, *referred(files.ladder.rungs, rung))):
        return _unknown(files, rung, pricing, jobs)
    answer = pricing.answer(rung)
    if not pricing.priced:
        return None
    basis = LENGTH
    measured = next(_last(files, rung, pricing, answer), None)
    if answer.most_calls > 1:
        basis = LENGTHS
    elif measured is None and (usual := next(_usual(files, rung), None)):
        tokens, basis = usual
        answer = Pricing(files, clients, [job.question for job in jobs], tokens).answer(rung)
    return Estimate(len(jobs), answer.times(len(jobs), len(jobs)), measured, basis, pricing.lines(rung))


def searching_cost(files: LadderFiles, rung: RungSpec, clients: Clients, jobs: Sequence[Job], calls: int) -> float:
    """USD of so many calls of a search, were they all the dearest of its models'; 0 where no price is known."""
    pricing = Pricing(files, clients, [job.question for job in jobs])
    shown = found(files.ladder, rung).options
    asked = (Calls(replace(spec, options=shown), file=shown.get("prompt"), whole=True) for spec in rung.asks)
    try:
        return calls * either(map(pricing.calls, asked)).most_usd
    except LadderError:  # all may be on record
        return 0.0


def _opaque(files: LadderFiles, rung: RungSpec) -> bool:
    """Whether what answers for a rung is the user's own, which may ask as often as it likes."""
    return rung.system is not None or files.assembler.added(rung) is not None


def _unknown(files: LadderFiles, rung: RungSpec, pricing: Pricing, jobs: Sequence[Job]) -> Estimate | None:
    """The estimate for a system of the user's own: what its last version used, or the nearest rung below."""
    pricing.calls(Calls(rung))
    measured = next(_last(files, rung, pricing), None) or next(_below(files, rung, pricing), None)
    return Estimate(len(jobs), measured=measured) if pricing.priced and measured else None


def _last(files: LadderFiles, rung: RungSpec, pricing: Pricing, declared: Spent | None = None) -> Iterator[Measured]:
    """What an answer of the rung's earlier versions used, the last first; of those that today's table allows."""
    for entry, answers in _entries(files, rung.id):
        calls = entry.usage.calls / answers
        if declared is None or declared.least_calls <= calls <= declared.most_calls:
            cost = _cost(entry, answers, pricing)
            if cost:
                yield Measured(cost, LAST, calls)


def _below(files: LadderFiles, rung: RungSpec, pricing: Pricing) -> Iterator[Measured]:
    """What an answer of the cheaper rungs used, the nearest first."""
    for other in reversed(files.ladder.cheaper(rung.id)):
        for entry, answers in _entries(files, other.id):
            yield Measured(_cost(entry, answers, pricing), f"what {other.id} used")


def _usual(files: LadderFiles, rung: RungSpec) -> Iterator[tuple[float, str]]:
    """How long the replies of the same model to the cheaper rungs were, in tokens, the nearest first."""
    for other in reversed(files.ladder.cheaper(rung.id)):
        for entry, _ in _entries(files, other.id):
            if entry.model == rung.model:
                basis = f"the length of its prompt and of what {other.id} answered"
                yield entry.usage.completion_tokens / entry.usage.calls, basis


def _entries(files: LadderFiles, rung_id: str) -> Iterator[tuple[RungEntry, int]]:
    """The entries of a rung without errors that asked anything, the last first, with their answers."""
    for entry in reversed(files.log):
        if isinstance(entry, RungEntry) and entry.rung == rung_id and not entry.errors:
            answers = entry.answered * entry.repeats
            if answers and entry.usage.calls and entry.usage.prompt_tokens:
                yield entry, answers


def _cost(entry: RungEntry, answers: int, pricing: Pricing) -> float:
    """USD an answer: at today's price where one model is asked, for the log does not tell several apart."""
    used, known = entry.usage, tuple(pricing.prices.values())
    if len(known) == 1 and known[0] is not None:
        return known[0].cost(used.prompt_tokens / answers, used.completion_tokens / answers)
    return used.cost_usd / answers
