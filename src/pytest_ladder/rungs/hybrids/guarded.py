"""What stands between a system and its answer: samples, a verifier, and what is done about an answer turned down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json, canonical
from pytest_ladder.core.cases import Question
from pytest_ladder.core.hybrids import (
    ABSTAIN,
    ESCALATE,
    FALLBACK,
    RESORTS,
    RETRY,
    STANDING_BACK,
    said,
    stands_back,
    stood_back,
)  # fmt: skip
from pytest_ladder.core.ports import Kit, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.rungs import options
from pytest_ladder.rungs.hybrids.faults import fault_of_citation, fault_of_form
from pytest_ladder.rungs.hybrids.preparing import prepare_system
from pytest_ladder.rungs.hybrids.routing import standing_text
from pytest_ladder.rungs.hybrids.sampling import Sampler
from pytest_ladder.rungs.hybrids.verifying import Opinion, Verifier, read_verifier

KEYS = ("samples", "require_citation", "verify_prompt", "on_reject", "retries", "fallback", "escalation", "abstention")
"""Keys of a rung one of which must be there for its answers to be looked at before they ship."""
UNSURE = "low_confidence"


@dataclass(frozen=True)
class Measures:
    """What a rung looks at, and what it does about an answer that it does not accept."""

    cites: bool = False
    """Whether an answer must cite what was retrieved."""
    verifier: Verifier | None = None
    min_confidence: float = 0.0
    resorts: tuple[str, ...] = ()
    """Of `core.hybrids.RESORTS`, in the order in which they are tried; without any nothing is looked at."""
    retries: int = 1
    fallback: System | None = None
    fallback_id: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    """What it says where it escalates or abstains."""


class Guarded:
    """Ships an answer of a system, or what is done in its place."""

    def __init__(self, system: System, sampler: Sampler, measures: Measures) -> None:
        """Put the parts together; `sampler` asks `system`."""
        self._system, self._sampler, self._measures = system, sampler, measures

    async def prepare(self) -> None:
        """Prepare the system, and the one that is fallen back on."""
        await prepare_system(self._system)
        if self._measures.fallback is not None:
            await prepare_system(self._measures.fallback)

    async def answer(self, question: Question, /) -> Answer:
        """Ask, look at the answer, and do what is declared where it is not accepted.

        An error of a system or of the verifier is no reason to do anything: it is an error of the case.
        """
        return await _Course(question, self._sampler, self._measures).run()


@dataclass
class _Course:
    """The way of one question to its answer."""

    question: Question
    sampler: Sampler
    measures: Measures
    steps: list[Json] = field(default_factory=list)
    """What happened after the answer at hand was given."""
    opinions: dict[bytes, Opinion] = field(default_factory=dict)
    """What the verifier said of each answer that it was shown."""
    confidence: float | None = None
    retrieved: tuple[str, ...] = ()
    """What the last attempt that retrieved anything, and did not ship, put before the model."""

    async def run(self) -> Answer:
        """Ask first, then try one resort after the other for as long as the answer is not accepted."""
        answer, reason = await self._drawn()
        first, tried = reason, ""
        for resort, turn in self._tries() if reason else ():
            self._turned_down(answer, reason, resort)
            if resort in STANDING_BACK:
                return self._stood_back(resort, answer, first)
            answer, reason = await (self._drawn(turn) if resort == RETRY else self._fallen_back())
            tried = resort
            if not reason:
                break
        return self._shipped(answer, first, tried, accepted=not reason)

    def _tries(self) -> Iterator[tuple[str, int]]:
        """Each resort, a retry as often as is allowed, with the number of the turn."""
        for resort in self.measures.resorts:
            turns = range(1, self.measures.retries + 1) if resort == RETRY else (0,)
            yield from ((resort, turn) for turn in turns)

    async def _drawn(self, turn: int = 0) -> tuple[Answer, str]:
        """An answer of the rung's own system, and why it is not accepted; an empty text where it is."""
        drawn = await self.sampler.draw(self.question, turn)
        self.confidence = drawn.confidence
        return await self._looked_at(drawn.answer, drawn.confidence)

    async def _fallen_back(self) -> tuple[Answer, str]:
        assert self.measures.fallback is not None
        self.confidence = None
        return await self._looked_at(await self.measures.fallback.answer(self.question))

    async def _looked_at(self, answer: Answer, confidence: float | None = None) -> tuple[Answer, str]:
        answer = replace(answer, steps=(*self.steps, *answer.steps))
        self.steps = []
        if not self.measures.resorts or stands_back(answer):
            return answer, ""
        if reason := fault_of_form(answer):
            return answer, reason
        if self.measures.cites and (reason := fault_of_citation(answer)):
            return answer, reason
        if confidence is not None and confidence < self.measures.min_confidence:
            return answer, UNSURE
        return await self._verified(answer)

    async def _verified(self, answer: Answer) -> tuple[Answer, str]:
        """What the verifier says; the same answer is not shown to it twice."""
        if self.measures.verifier is None:
            return answer, ""
        key = canonical([answer.text, answer.parsed, list(answer.retrieved)])
        if key not in self.opinions:
            self.opinions[key] = await self.measures.verifier.of(self.question, answer)
        opinion = self.opinions[key]
        return replace(answer, steps=(*answer.steps, opinion.step)), opinion.reason

    def _turned_down(self, answer: Answer, reason: str, resort: str) -> None:
        """Put an answer that does not ship, and what is done instead, into the trace of the next one."""
        self.retrieved = answer.retrieved or self.retrieved
        to = {"to": self.measures.fallback_id} if resort == FALLBACK else {}
        self.steps = [
            *answer.steps, {"step": "rejected", "reason": reason, "answer": answer.text}, {"step": resort, **to}
        ]  # fmt: skip

    def _stood_back(self, how: str, answer: Answer, first: str) -> Answer:
        made = stood_back(how, self.measures.texts[how], first, self._whole(replace(answer, steps=tuple(self.steps))))
        return replace(made, validation={**_kept(answer), **said(made), **self._sureness()})

    def _shipped(self, answer: Answer, first: str, tried: str, accepted: bool) -> Answer:
        """The answer with what is to be said of it; one that stands back by itself says it already."""
        told: dict[str, Json] = {"accepted": accepted, "resort": tried or None, "reason": first or None}
        if not self.measures.resorts or stands_back(answer):
            told = {"reason": first} if tried else {}
        return replace(self._whole(answer), validation={**_kept(answer), **told, **self._sureness()} or None)

    def _whole(self, answer: Answer) -> Answer:
        """With what was retrieved for it before, where it comes of no retrieval of its own."""
        return replace(answer, retrieved=answer.retrieved or self.retrieved)

    def _sureness(self) -> dict[str, Json]:
        return {} if self.confidence is None else {"confidence": round(self.confidence, 6)}


def _kept(answer: Answer) -> Mapping[str, Json]:
    """What a system says of its answer; what is no object is kept under a key of its own."""
    if answer.validation is None or isinstance(answer.validation, Mapping):
        return said(answer)
    return {"said": answer.validation}


def guarded(system: System, spec: RungSpec, kit: Kit) -> System:
    """The system as the rung's table has it looked at; the system itself where the table asks for nothing.

    Raises:
        InvalidFile: a key that cannot be used.
    """
    if not any(key in spec.options for key in KEYS):
        return system
    fallback = options.text(spec, "fallback", "")
    resorts = resorts_of(spec)
    measures = Measures(
        cites=options.flag(spec, "require_citation"), verifier=read_verifier(spec, kit),
        min_confidence=float(spec.options.get("min_confidence", 0.0)),
        resorts=resorts, retries=options.whole(spec, "retries", 1, least=1),
        fallback=kit.system(fallback) if fallback else None, fallback_id=fallback,
        texts={how: standing_text(spec, how) for how in resorts if how in STANDING_BACK},
    )  # fmt: skip
    return Guarded(system, Sampler(system, kit, options.whole(spec, "samples", 1, least=1)), measures)


def resorts_of(spec: RungSpec) -> tuple[str, ...]:
    """What a rung does about an answer that is not accepted: what `on_reject` says, else what its keys are for."""
    written = spec.options.get("on_reject")
    if written is not None:
        return tuple([written] if isinstance(written, str) else written)
    keys: Sequence[str] = ("retries", "fallback", "escalation", "abstention")
    declared = [resort for resort, key in zip(RESORTS, keys, strict=True) if key in spec.options]
    return tuple(declared[:-1] if {ESCALATE, ABSTAIN} <= set(declared) else declared)
