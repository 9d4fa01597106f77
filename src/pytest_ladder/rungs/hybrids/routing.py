"""A router: each question goes to the system of one of several rungs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.core.hybrids import BY_ROUTE, ESCALATE, NOT_KNOWN, STANDING_BACK, stood_back, targets
from pytest_ladder.core.ports import Kit, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.hybrids.choosing import Route, read_choice
from pytest_ladder.rungs.hybrids.preparing import prepare_system
from pytest_ladder.rungs.retrieval.filtering import meets

RULE = "rule"


class Choice(Protocol):
    """Chooses a route for a question."""

    async def route(self, question: Question, /) -> Route:
        """The route; may be called many times at once."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a router: conditions, all of which must hold, and where the question then goes."""

    to: str
    when: Mapping[str, Json]
    """Conditions on the case's metadata, as those of `filters` on a document's."""
    matches: re.Pattern[str] | None
    """What must occur in the question's text."""

    def holds(self, question: Question) -> bool:
        """Whether the rule is for a question."""
        return meets(question.metadata, self.when) and (not self.matches or bool(self.matches.search(question.text)))


class Rules:
    """The first rule that holds decides."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Take the rules; the last one has no condition."""
        self._rules = tuple(rules)

    async def route(self, question: Question, /) -> Route:
        """Look at one rule after the other."""
        number, rule = next(pair for pair in enumerate(self._rules, start=1) if pair[1].holds(question))
        return Route(rule.to, "default" if number == len(self._rules) else f"{RULE} {number}")


class Router:
    """Lets the system of the chosen rung answer; the route is the first step of the answer's trace."""

    def __init__(self, choice: Choice, systems: Mapping[str, System]) -> None:
        """Take what chooses, and the system of each route."""
        self._choice = choice
        self._systems = dict(systems)

    async def prepare(self) -> None:
        """Prepare every route before the first question: what that asks belongs to no answer."""
        for system in self._systems.values():
            await prepare_system(system)

    async def answer(self, question: Question, /) -> Answer:
        """Choose and let answer."""
        route = await self._choice.route(question)
        answer = await self._systems[route.to].answer(question)
        return replace(answer, steps=(route.step, *answer.steps))


class StandsBack:
    """Answers every question that comes to it by the same text: a person will, or nobody can."""

    def __init__(self, how: str, text: str) -> None:
        """Take one of `core.hybrids.STANDING_BACK`, and what it says."""
        self._how, self._text = how, text

    async def answer(self, _: Question, /) -> Answer:
        """Say so."""
        return stood_back(self._how, self._text, BY_ROUTE)


def build_router(spec: RungSpec, kit: Kit) -> System:
    """Read `router` and what goes with it, and build the system of every route.

    Raises:
        InvalidFile: a key that cannot be used, here or in a rung that is referred to.
    """
    names = targets(spec.options)
    choice = _rules(spec) if isinstance(spec.options["router"], list) else read_choice(spec, kit, names)
    return Router(choice, {name: _system(name, spec, kit) for name in names})


def _system(name: str, spec: RungSpec, kit: Kit) -> System:
    return StandsBack(name, standing_text(spec, name)) if name in STANDING_BACK else kit.system(name)


def standing_text(spec: RungSpec, how: str) -> str:
    """What the rung says where it escalates or abstains; InvalidFile where it does not say how it escalates."""
    return options.text(spec, "escalation") if how == ESCALATE else options.text(spec, "abstention", NOT_KNOWN)


def _rules(spec: RungSpec) -> Rules:
    found = [_rule(spec, place, written) for place, written in enumerate(spec.options["router"])]
    if not found or found[-1].when or found[-1].matches:
        next_step = "end it with a rule that has `to` alone"
        raise InvalidFile(message(spec.at("router"), "it says nothing of all other questions", next_step=next_step))
    return Rules(found)


def _rule(spec: RungSpec, place: int, written: Mapping[str, Json]) -> Rule:
    pattern = written.get("matches")
    try:
        compiled = re.compile(pattern) if pattern is not None else None
    except re.error as error:
        where = f"{spec.at('router')} {RULE} {place + 1}"
        raise InvalidFile(message(where, f"`matches` is no pattern ({error})", got=pattern)) from None
    return Rule(str(written["to"]), written.get("when") or {}, compiled)
