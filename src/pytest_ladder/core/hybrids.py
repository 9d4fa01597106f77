"""Hybrids: rungs that use the systems of others, and what becomes of an answer that is not accepted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json, digest
from pytest_ladder.core.rungs import RungSpec

RETRY, FALLBACK, ESCALATE, ABSTAIN = "retry", "fallback", "escalate", "abstain"
RESORTS = (RETRY, FALLBACK, ESCALATE, ABSTAIN)
"""What may be done about an answer that is not accepted, in the order in which it is done by default."""
STANDING_BACK = (ESCALATE, ABSTAIN)
"""Those that answer by a text of their own; a router may choose them too."""
CLASSIFIER = "classifier"
"""The value of `router` with which a model chooses."""
NOT_KNOWN = "I do not know."
"""What an answer that abstains says, where the rung does not say it otherwise."""

BY_ROUTE = "route"
"""The reason of an answer that stands back because a router says so."""
ESCALATED, ABSTAINED = "escalated", "abstained"
"""Keys of an answer's `validation`, true where it stands back."""
_SAID: Mapping[str, str] = {ESCALATE: ESCALATED, ABSTAIN: ABSTAINED}


def targets(options: Mapping[str, Json]) -> tuple[str, ...]:
    """What the router of a rung's table may choose, each once, as written; empty without a router."""
    router = options.get("router")
    if router is None:
        return ()
    ruled = [rule.get("to") for rule in router if isinstance(rule, Mapping)] if isinstance(router, list) else []
    named = [*ruled, *(options.get("routes") or ()), options.get("default_route")]
    return tuple(dict.fromkeys(name for name in named if isinstance(name, str)))


def refers(options: Mapping[str, Json]) -> tuple[str, ...]:
    """Ids of the other rungs that a rung's table names, each once."""
    fallback = options.get("fallback")
    named = [name for name in targets(options) if name not in STANDING_BACK]
    return tuple(dict.fromkeys([*named, *([fallback] if isinstance(fallback, str) else [])]))


def referred(rungs: Sequence[RungSpec], rung: RungSpec) -> tuple[RungSpec, ...]:
    """The other rungs whose systems may answer for a rung, at one remove or several, in the order of the ladder."""
    known = {other.id: other for other in rungs}
    found: set[str] = set()
    todo = [rung]
    while todo:
        new = [known[name] for name in refers(todo.pop().options) if name in known and name not in found]
        found.update(other.id for other in new)
        todo += new
    return tuple(other for other in rungs if other.id in found)


def circle(rungs: Sequence[RungSpec], rung: RungSpec) -> tuple[str, ...]:
    """A way from a rung back to itself, by their ids; empty where there is none."""
    known = {other.id: other for other in rungs}

    def walk(way: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for name in refers(known[way[-1]].options):
            if name == rung.id:
                yield (*way, name)
            elif name in known and name not in way:
                yield from walk((*way, name))

    return next(walk((rung.id,)), ()) if rung.id in known else ()


def stood_back(how: str, text: str, reason: str, trace: Answer | None = None) -> Answer:
    """The answer of a rung that escalates or abstains.

    Args:
        how: One of `STANDING_BACK`.
        text: What it says.
        reason: Why.
        trace: The answer that was not accepted: what was retrieved and called for it stays.
    """
    validation: Json = {"accepted": False, "resort": how, "reason": reason, _SAID[how]: True}
    trace = trace or Answer()
    return Answer(
        text, retrieved=trace.retrieved, tool_calls=trace.tool_calls, steps=trace.steps, validation=validation
    )


def stands_back(answer: Answer) -> bool:
    """Whether an answer escalates or abstains, as its `validation` says."""
    return any(said(answer).get(key) is True for key in (ESCALATED, ABSTAINED))


def said(answer: Answer) -> Mapping[str, Json]:
    """What is said of an answer in its `validation`; empty where that is no object."""
    return answer.validation if isinstance(answer.validation, Mapping) else {}


def sent_to(answer: Answer) -> str:
    """Where a router sent the question of an answer; empty where none did."""
    step = answer.steps[0] if answer.steps else None
    return str(step.get("to")) if isinstance(step, Mapping) and step.get("step") == "route" else ""


def one_way(answers: Iterable[Answer]) -> str:
    """The one rung to which a router sent every question, and whose answers all shipped; empty where it was not so."""
    given = list(answers)
    sent = {to for answer in given if (to := sent_to(answer))}
    replaced = any(said(answer).get("resort") and said(answer).get("reason") != BY_ROUTE for answer in given)
    return sent.pop() if len(sent) == 1 and not replaced else ""


def seed_of_attempt(seed: int, path: Sequence[int]) -> int:
    """The seed of one of several answers to the same question in the same repeat.

    Args:
        seed: Of the ladder.
        path: Which attempt, from 0; inside of an attempt of another system, that one's number stands before it.

    Returns:
        `seed` itself for the first attempt of all, so that its requests are those of a rung that asks once; else a
        number from 0 to 2**30 - 1.
    """
    kept = list(path)
    while kept and kept[-1] == 0:
        kept.pop()
    if not kept:
        return seed
    return int(digest(["attempt", seed, kept]).removeprefix("sha256:")[:8], 16) >> 2
