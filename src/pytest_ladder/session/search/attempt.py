"""One search of a prompt: demonstrations, instructions, and the race of what they make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_ladder.core.answers import Reply, Usage
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import clusters
from pytest_ladder.core.intervals import bounds
from pytest_ladder.core.ports import LLM, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.searched import DevScore, Searched, text_digest
from pytest_ladder.core.searching import (
    FEWEST_CANDIDATES,
    START,
    Candidate,
    Plan,
    Point,
    Race,
    Space,
    mean,
    planned,
    run_race,
)
from pytest_ladder.errors import InvalidFile, ModelFailed, message
from pytest_ladder.report.numbers import plural
from pytest_ladder.rungs.optimization.drafts import Draft
from pytest_ladder.rungs.optimization.optimize import build_candidate
from pytest_ladder.rungs.optimization.proposing import propose
from pytest_ladder.session.ladder_files import LadderFiles
from pytest_ladder.session.measuring.asker import Asker
from pytest_ladder.session.search.demonstrating import Demonstration, demonstrations
from pytest_ladder.session.search.trials import Trials
from pytest_ladder.session.setup.dev_sets import Material

NEIGHBOURS = 7
"""Candidates that the best one competes with at a time."""
PATIENCE = 3
"""Times that it may stay the best before the search ends."""
PROPOSED = "proposed by a model"


@dataclass(frozen=True, slots=True)
class Body:
    """A prompt to try, without front matter."""

    text: str
    source: str
    """Where its instruction comes from."""
    demos: int


def body_of(draft: Draft, demos: Sequence[Demonstration]) -> Body:
    """A prompt with demonstrations; those that it cannot put are left out."""
    turns = [turn for demo in demos if (turn := draft.turn(demo.question, demo.answer))]
    return Body(draft.written(turns), draft.where, len(turns))


@dataclass(frozen=True)
class Counted:
    """A model client whose calls count as the search's."""

    llm: LLM
    trials: Trials

    async def chat(self, messages: Sequence[Mapping[str, Json]], /, **options: Json) -> Reply:
        """Ask for one reply."""
        reply = await self.llm.chat(messages, **options)
        self.trials.used += Usage(1, reply.prompt_tokens, reply.completion_tokens, reply.cost_usd)
        return reply


@dataclass(frozen=True)
class Found:
    """The prompt that a search came to."""

    body: str
    note: Searched
    notes: Sequence[str]


@dataclass
class Attempt:
    """One search, from its material to the prompt that it finds."""

    files: LadderFiles
    asker: Asker
    rung: RungSpec
    material: Material
    trials: Trials
    points: list[Point] = field(default_factory=list)
    _known: dict[tuple[str, int], float] = field(default_factory=dict)
    """(prompt, place of a case) -> its score."""
    _failed: set[str] = field(default_factory=set)
    """Prompts that left a case without an answer."""

    async def run(self) -> Found:
        """Search; raises what the model, the budget or a file gives reason to."""
        demos = await self._demonstrations()
        drafts = await self._drafts(demos)
        search = self.material.search
        if len(drafts) == 1 and not demos:
            raise self._nothing()
        space = Space(len(drafts), len(demos), search.demos, self.seed)

        def bodies(candidates: Sequence[Candidate]) -> list[Body]:
            return [body_of(drafts[one.instruction], [demos[place] for place in one.demos]) for one in candidates]

        candidates = space.drawn(search.candidates)
        race = await self.race(bodies(candidates))
        best, start = candidates[race.best], race.values[START]
        if len(start) == len(self.material.scoring):
            best, race = await self._climb(space, best, race, bodies)
        return self.found(race, bodies([best])[0], start)

    async def _climb(
        self, space: Space, best: Candidate, race: Race, bodies: Callable[[Sequence[Candidate]], list[Body]]
    ) -> tuple[Candidate, Race]:
        """Let the best compete with its neighbours, as long as that helps and there are calls for all cases."""
        vain = turn = 0
        while vain < PATIENCE and mean(race.values[race.best]) < 1.0:
            near = [best, *space.near(best, NEIGHBOURS, turn)]
            plan = planned(len(near), len(self.material.scoring), self.left)
            if len(near) < 2 or plan is None or plan.rounds[0].candidates < min(FEWEST_CANDIDATES, len(near)):
                break
            if plan.rounds[-1].cases < len(self.material.scoring):
                break
            now = await self.race(bodies(near), plan)
            better = now.best != START
            best, race = (near[now.best], now) if better else (best, race)
            vain, turn = 0 if better else vain + 1, turn + 1
        return best, race

    @property
    def seed(self) -> int:
        """Of all that is drawn."""
        return self.files.ladder.seed

    @property
    def left(self) -> int:
        """Answers for which there are calls."""
        search = self.material.search
        return (search.max_calls - self.trials.used.calls) // search.calls_an_answer

    async def _demonstrations(self) -> list[Demonstration]:
        asks = self.rung.asking("teacher") if self.material.search.teacher else self.rung
        teacher = self.system(self.material.drafts[0].body, asks)
        found = await demonstrations(self.trials, self.material, teacher, self.seed)
        self.trials.begin_dev()
        return found

    async def _drafts(self, demos: Sequence[Demonstration]) -> list[Draft]:
        """The prompts that are declared, and those that a model writes."""
        start, search = self.material.drafts[0], self.material.search
        if not search.propose:
            return list(self.material.drafts)
        turns = [turn for demo in demos if (turn := start.turn(demo.question, demo.answer))]
        llm = Counted(self.asker.client_as(self.rung.asking("proposer")), self.trials)
        try:
            written = await propose(llm, self.files.ladder.task, start.instruction(), turns, search.propose, self.seed)
        except ModelFailed as fault:
            raise ModelFailed(f"asked to write an instruction (`propose`), {fault}") from None
        probe = self.material.scoring[0].question
        texts = [start.instructed(self.files.scrubber.text(text)) for text in written]
        return [*self.material.drafts, *(Draft(text, PROPOSED, probe) for text in texts)]

    def _nothing(self) -> InvalidFile:
        right = " and ".join(self.material.search.objective)
        fault = f"nothing is to be tried: no answer to the pool is right by {right}, and there is one instruction"
        step = "give expected answers as they are to be written, a `teacher` that answers, or `instructions`"
        return InvalidFile(message(self.rung.at(), fault, next_step=step))

    async def race(self, bodies: Sequence[Body], plan: Plan | None = None) -> Race:
        """Let prompts compete on the dev cases that score; the first one is the start."""
        scoring = self.material.scoring
        plan = plan or planned(len(bodies), len(scoring), self.left)
        if plan is None:
            fault = f"{plural(self.material.search.max_calls, 'call')} do not suffice to compare two prompts"
            raise InvalidFile(message(self.rung.at("max_calls"), fault, next_step="raise it"))
        self.trials.progress.total = self.trials.progress.done + plan.answers
        spent: list[int] = []

        async def evaluate(pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], float]:
            await self._score([(bodies[place].text, case) for place, case in pairs])
            spent.append(self.trials.used.calls)
            scores = {pair: self._known.get((bodies[pair[0]].text, pair[1])) for pair in pairs}
            return {pair: score for pair, score in scores.items() if score is not None}

        race = await run_race(plan, evaluate)
        self._failed.update(bodies[place].text for place in race.failed)
        self.points += [Point(calls, score, on) for calls, (on, score) in zip(spent, race.points, strict=True)]
        return race

    def know(self, text: str, case: int, score: float) -> None:
        """Note what a prompt's answer to a case, by its place, is worth: it is not asked for again."""
        self._known[text, case] = score

    async def _score(self, wanted: Sequence[tuple[str, int]]) -> None:
        """Ask what is not known yet, each prompt and case once."""
        new = [pair for pair in dict.fromkeys(wanted) if pair not in self._known]
        texts = list(dict.fromkeys(text for text, _ in new))
        systems = [self.system(text, self.rung) for text in texts]
        pairs = [(texts.index(text), case) for text, case in new]
        scores = await self.trials.scores(systems, self.material.scoring, pairs)
        self.trials.check_scored(self.files.assembler.shown(str(self.files.ladder.dev)))
        self._known.update({(texts[place], case): score for (place, case), score in scores.items()})

    def found(self, race: Race, best: Body, start: Sequence[float]) -> Found:
        """The prompt with what is to be told of the search."""
        note = Searched(
            f"{self.material.search.optimizer}, seed {self.seed}", "", text_digest(best.text), best.source, best.demos,
            len(start), self._bounded(start), self._bounded(race.values[race.best]), self.trials.used,
            tuple(self.points),
        )  # fmt: skip
        return Found(best.text, note, tuple(self._notes(len(start))))

    def _notes(self, cases: int) -> Iterator[str]:
        if self._failed:
            failed, why = plural(len(self._failed), "prompt"), self.trials.faults[0].message
            yield f"rung {self.rung.id}: the search left out {failed} whose answers failed: {why}"
        if cases < len(self.material.scoring):
            yield (
                f"rung {self.rung.id}: its search used {cases} of {plural(len(self.material.scoring), 'dev case')}: "
                "more calls (`max_calls`) would use them all"
            )

    def _bounded(self, values: Sequence[float]) -> DevScore:
        decision, cases = self.files.ladder.decision, self.material.scoring.cases[: len(values)]
        known = clusters(cases, decision.cluster)
        groups = [known.get(case.id, f"\0{case.id}") for case in cases] if known else []
        limits = bounds(values, decision.confidence, self.seed, clusters=groups)
        return DevScore(mean(values), limits.low, limits.high)

    def system(self, text: str, rung: RungSpec) -> System:
        """What answers with a prompt, asking the model that a rung, or one of those it asks, names."""
        return build_candidate(text, rung, self.files.assembler.kit(rung, self.asker.client_as))
