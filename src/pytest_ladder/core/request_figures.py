"""What the model calls of a rung cost, took and came to, and what their prompts are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from pytest_ladder.core.answers import Call, Record
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.hybrids import ABSTAINED, BY_ROUTE, ESCALATED, FALLBACK, RETRY, said
from pytest_ladder.core.intervals import percentile
from pytest_ladder.core.prompt_parts import COLD, PARTS, REPAIRING
from pytest_ladder.core.prompt_parts import FALLBACK as FALLEN

CUT = "length"
FILTERED = "content_filter"


@dataclass(frozen=True, slots=True)
class Times:
    """How long some calls took, in seconds, queueing and back-off apart; None without calls."""

    calls: int
    p50: float | None
    p95: float | None

    @classmethod
    def of(cls, calls: Sequence[Call]) -> Times:
        """The times of calls."""
        seconds = [call.reply.latency_s for call in calls]
        p50, p95 = (percentile(seconds, q) if seconds else None for q in (50, 95))
        return cls(len(seconds), p50, p95)


@dataclass(frozen=True, slots=True)
class RequestFigures:
    """The model calls behind the answers of one rung."""

    answers: int
    """All of the rung, those without a call too."""
    calls: int
    cost_usd: float
    """Mean of a call."""
    all: Times
    cold: Times
    """Of calls that were begun before their model had replied to any in its run."""
    warm: Times
    """Of all others."""
    retried: int
    """Calls that were made more than once before there was a reply."""
    retries: int
    """How many times more."""
    cut: int
    """Calls that ended at the most tokens of an answer."""
    filtered: int
    """Calls that a content filter stopped."""
    fallbacks: int
    """Calls whose prompt shows the schema because the provider did not take it."""
    validated: int
    """Answers that were held to a schema."""
    invalid: int
    """Of these, those that do not fit it in the end."""
    repaired: int
    """Of these, those that fit it after one repair or more."""
    checked: int = 0
    """Answers that were looked at before they shipped."""
    rejected: int = 0
    """Of these, those whose first answer was not accepted."""
    by_retry: int = 0
    """Of these, those that shipped another answer of the rung itself."""
    by_fallback: int = 0
    """Those that shipped the answer of another rung in its place."""
    escalated: int = 0
    """Answers that leave it to a person."""
    abstained: int = 0
    """Answers that leave it at that."""
    parts: Mapping[str, int] = field(default_factory=dict)
    """Prompt tokens by what they are spent on, in all calls of which that is known; an estimate."""

    @property
    def parted(self) -> int:
        """Prompt tokens of which it is known what they are spent on."""
        return sum(self.parts.values())

    def as_dict(self) -> dict[str, Json]:
        """The figures as a JSON object."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Json]) -> RequestFigures:
        """Read what `as_dict` wrote."""
        times = {name: Times(**value[name]) for name in ("all", "cold", "warm")}
        return cls(**{**value, **times})


def request_figures(records: Sequence[Record]) -> RequestFigures | None:
    """The figures of a rung's answers; None where none of them made a model call, was looked at or stands back."""
    calls = [call for record in records for call in record.calls]
    hybrid = _hybrid([said(record.answer) for record in records])
    if not calls and not any(hybrid.values()):
        return None
    cold = [call for call in calls if COLD in call.flags]
    validated = [validation for record in records if (validation := _validation(record)) is not None]
    return RequestFigures(
        answers=len(records), calls=len(calls),
        cost_usd=sum(call.reply.cost_usd or 0.0 for call in calls) / max(1, len(calls)),
        all=Times.of(calls), cold=Times.of(cold), warm=Times.of([call for call in calls if COLD not in call.flags]),
        retried=sum(call.reply.retries > 0 for call in calls), retries=sum(call.reply.retries for call in calls),
        cut=sum(call.reply.finish_reason == CUT for call in calls),
        filtered=sum(call.reply.finish_reason == FILTERED for call in calls),
        fallbacks=sum(FALLEN in call.flags for call in calls), validated=len(validated),
        invalid=sum(not validation["valid"] for validation in validated), repaired=_repaired(records),
        parts=_parts(calls), **hybrid,
    )  # fmt: skip


def _hybrid(answers: Sequence[Mapping[str, Json]]) -> dict[str, int]:
    """How many answers were looked at before they shipped, and what became of them; by what is said of each."""
    checked = [told for told in answers if isinstance(told.get("accepted"), bool) and told.get("reason") != BY_ROUTE]
    resorts = Counter(told.get("resort") for told in checked)
    return {
        "checked": len(checked), "rejected": sum(bool(told.get("reason")) for told in checked),
        "by_retry": resorts[RETRY], "by_fallback": resorts[FALLBACK],
        ESCALATED: sum(told.get(ESCALATED) is True for told in answers),
        ABSTAINED: sum(told.get(ABSTAINED) is True for told in answers),
    }  # fmt: skip


def _validation(record: Record) -> Mapping[str, Json] | None:
    """What was made of an answer that was held to a schema; a system of the user's own may write anything there."""
    found = record.answer.validation
    return found if isinstance(found, Mapping) and isinstance(found.get("valid"), bool) else None


def _repaired(records: Sequence[Record]) -> int:
    tried = (record for record in records if any(REPAIRING in call.flags for call in record.calls))
    return sum(bool((validation := _validation(record)) and validation["valid"]) for record in tried)


def _parts(calls: Sequence[Call]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for call in calls:
        total.update(call.parts)
    return {part: total[part] for part in PARTS if total[part]}
