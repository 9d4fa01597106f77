"""The search of the rung `optimize`, without any asking: which candidates, on how many cases, and which one is best."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, pairwise
from random import Random

from pytest_ladder.errors import ModelFailed

VERSION = 1
"""Of the search: with another one the same files may lead to another prompt."""
FEWEST_CANDIDATES = 4
"""A budget too small for all candidates on all cases cuts candidates down to these first."""
FEWEST_CASES = 8
"""And then cases down to these."""
DRAWS = 20
"""Draws for each candidate that is wanted, at most: where few differ, there are fewer."""
START = 0
"""Place of the prompt that the search begins with: it stays to the end."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One prompt to try: an instruction and demonstrations, by their places."""

    instruction: int
    demos: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Round:
    """How many candidates are in a round, the start among them, and on how many cases they stand at its end."""

    candidates: int
    cases: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Successive halving: each round has fewer candidates and more cases."""

    rounds: tuple[Round, ...]

    @property
    def answers(self) -> int:
        """Answers that it takes, at most."""
        before = (Round(0, 0), *self.rounds)
        return sum(now.candidates * (now.cases - last.cases) for last, now in pairwise(before))


@dataclass(frozen=True, slots=True)
class Point:
    """The best candidate after so many calls."""

    calls: int
    score: float
    """Its mean on the cases seen so far: 0 to 1."""
    cases: int


@dataclass
class Race:
    """How the candidates did."""

    values: dict[int, list[float]] = field(default_factory=dict)
    """Candidate -> its scores, case by case; those that failed are not in it."""
    points: list[tuple[int, float]] = field(default_factory=list)
    """After each round: cases, and the mean of the best."""
    best: int = START
    failed: list[int] = field(default_factory=list)
    """Candidates that left some case without an answer."""


Evaluate = Callable[[Sequence[tuple[int, int]]], Awaitable[Mapping[tuple[int, int], float]]]
"""Scores (candidate, place of a case) pairs; a pair without an answer is left out."""


def planned(candidates: int, cases: int, most: int) -> Plan | None:
    """The halving that fits into a number of answers; None where not even two candidates on one case do.

    Rounds double the cases and halve the candidates, down to two on all cases. Where that is too much, candidates are
    taken away down to `FEWEST_CANDIDATES`, then cases down to `FEWEST_CASES`, then both down to the least.

    Source: Karnin, Koren and Somekh, Almost optimal exploration in multi-armed bandits (ICML 2013), with cases that
    are shared by all and kept from round to round.

    Args:
        candidates: At least 1, the start, which alone is only measured.
        cases: At least 1.
        most: Answers, at most.
    """
    plans = (_halving(many, on) for many, on in _smaller(candidates, cases))
    return next((plan for plan in plans if plan.answers <= most), None)


def _smaller(candidates: int, cases: int) -> Iterator[tuple[int, int]]:
    few, least = min(FEWEST_CANDIDATES, candidates), min(FEWEST_CASES, cases)
    yield from ((many, cases) for many in range(candidates, few - 1, -1))
    yield from ((few, on) for on in range(cases - 1, least - 1, -1))
    yield from ((many, least) for many in range(few - 1, 1, -1))
    yield from ((min(2, candidates), on) for on in range(least - 1, 0, -1))


def _halving(candidates: int, cases: int) -> Plan:
    halvings = max(0, math.ceil(math.log2(candidates / 2)))
    rounds = [
        Round(min(candidates, max(2, math.ceil(candidates / 2**number))), math.ceil(cases / 2 ** (halvings - number)))
        for number in range(halvings + 1)
    ]
    return Plan(tuple(rounds))


@dataclass(frozen=True, slots=True)
class Space:
    """All prompts that can be tried."""

    instructions: int
    """How many there are; the first is that of the start."""
    demos: int
    """Demonstrations to choose from."""
    most_demos: int
    """In one prompt."""
    seed: int

    @property
    def shown(self) -> int:
        """Demonstrations that a prompt can have."""
        return min(self.demos, self.most_demos)

    def drawn(self, count: int) -> list[Candidate]:
        """Draw different candidates, simple ones first: at equal scores the earlier one wins.

        The start alone, the start with the first demonstrations as they are listed, the other instructions alone (they
        take half of the places at most), then each instruction in turn with demonstrations of random number and order.
        """
        rng, turns = Random(self.seed), cycle(range(self.instructions))  # noqa: S311 - drawn to be repeated
        more = (Candidate(next(turns), self._some(rng)) for _ in range(DRAWS * count if self.shown else 0))
        return list(_different([*self._simple(count), *more], count))

    def near(self, best: Candidate, count: int, turn: int) -> list[Candidate]:
        """Draw different candidates, each one step from another.

        A step is a demonstration more, less or in another's place, another order, or another instruction.

        Args:
            best: The one to begin from; it is not among them.
            count: Candidates, at most.
            turn: How often this was done before: each turn draws others.
        """
        rng = Random(f"{self.seed} {turn}")  # noqa: S311 - as above
        made = (self._step(best, rng) for _ in range(DRAWS * count))
        return [one for one in _different([best, *made], count + 1) if one != best]

    def _simple(self, count: int) -> Iterator[Candidate]:
        yield Candidate(START)
        if self.shown:
            yield Candidate(START, tuple(range(self.shown)))
        most = max(1, count // 2) if self.shown else count
        yield from (Candidate(place) for place in range(1, min(self.instructions, most)))

    def _some(self, rng: Random) -> tuple[int, ...]:
        return tuple(rng.sample(range(self.demos), rng.randint(1, self.shown)))

    def _step(self, one: Candidate, rng: Random) -> Candidate:
        demos, others = list(one.demos), [place for place in range(self.demos) if place not in one.demos]
        step = rng.choice(("more", "less", "other", "other", "order", "instruction"))
        if step == "more" and others and len(demos) < self.shown:
            demos.insert(rng.randint(0, len(demos)), rng.choice(others))
        elif step == "less" and demos:
            demos.pop(rng.randrange(len(demos)))
        elif step == "other" and demos and others:
            demos[rng.randrange(len(demos))] = rng.choice(others)
        elif step == "order":
            rng.shuffle(demos)
        elif step == "instruction":
            return Candidate(rng.randrange(self.instructions), one.demos)
        return Candidate(one.instruction, tuple(demos))


def _different(candidates: Iterable[Candidate], count: int) -> Iterator[Candidate]:
    """The first so many that differ."""
    seen: set[Candidate] = set()
    for one in candidates:
        if len(seen) < count and one not in seen:
            seen.add(one)
            yield one


async def run_race(plan: Plan, evaluate: Evaluate) -> Race:
    """Let candidates 0, 1, ... compete on cases 0, 1, ... by a plan; the start and the best come to the last round.

    The best of those on all cases of the plan is never worse there than the start; at equal scores the earlier one
    wins.

    Raises:
        ModelFailed: the start itself has a case without an answer: there is nothing to compare with.
    """
    race = Race({place: [] for place in range(plan.rounds[0].candidates)})
    before = 0
    for number, now in enumerate(plan.rounds):
        alive = _ahead(race, now.candidates) if number else list(race.values)
        race.values = {place: race.values[place] for place in alive}
        await _round(race, range(before, now.cases), evaluate)
        before = now.cases
        race.best = _ranked(race)[0]
        race.points.append((now.cases, mean(race.values[race.best])))
    return race


async def _round(race: Race, cases: range, evaluate: Evaluate) -> None:
    pairs = [(place, case) for place in race.values for case in cases]
    scores = await evaluate(pairs)
    for place in list(race.values):
        found = [scores[place, case] for case in cases if (place, case) in scores]
        race.values[place].extend(found)
        if len(found) < len(cases):
            if place == START:
                raise ModelFailed("the prompt that the search begins with has cases without an answer.")
            race.failed.append(place)
            del race.values[place]


def _ranked(race: Race) -> list[int]:
    return sorted(race.values, key=lambda place: (-mean(race.values[place]), place))


def _ahead(race: Race, count: int) -> list[int]:
    """The best so many, the start always among them, in their own order."""
    ranked = _ranked(race)[:count]
    return sorted(ranked if START in ranked else [START, *ranked[: count - 1]])


def mean(values: Sequence[float]) -> float:
    """Of scores; 0 where there are none."""
    return math.fsum(values) / len(values) if values else 0.0
