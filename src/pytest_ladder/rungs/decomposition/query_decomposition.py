"""Query decomposition: the question in sub-questions, each answered by itself, and one answer made of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question, saying
from pytest_ladder.core.ports import Kit, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.decomposition.planning import bounded, parted
from pytest_ladder.rungs.decomposition.references import References, bare
from pytest_ladder.rungs.decomposition.stepping import (
    DEFAULT_STEPS,
    of_part,
    planner_kit,
    read_references,
    step_chat,
    step_template,
    told,
    union,
)
from pytest_ladder.rungs.prompting.asides import side_by_side
from pytest_ladder.rungs.prompting.chat import Chat, read_template
from pytest_ladder.rungs.prompting.few_shot import read_examples
from pytest_ladder.rungs.prompting.structured import read_output
from pytest_ladder.rungs.retrieval.advanced_rag import Found
from pytest_ladder.rungs.retrieval.rag import grounded_template
from pytest_ladder.rungs.retrieval.sources import Sources, read_sources

LINE = "\n"
MERGES = ("model", "last")
PLAN = """\
Which simpler questions must be answered, one after another, to answer the question below? Write {% if separator -%}
them on one line, with `{{ separator }}` between them{% else %}one a line{% endif %}, at most {{ max_steps }}, and
nothing else. A question that is simple already stays as it is.
{% if second -%}
Where a question needs an earlier answer, write {{ first }} in its place for the answer to the first question,
{{ second }} for that to the second, and so on.
{%- else -%}
Where a question needs the answer to the one before it, write {{ first }} in its place.
{%- endif %}

Question: {{ input }}
"""
MERGE = """\
A question was taken apart, and its parts were answered:

{% for part in results -%}
{{ loop.index }}. {{ part.question }}
{{ part.answer }}

{% endfor -%}
Answer the whole question from these answers and nothing else, as briefly as it allows. Keep what they cite in square
brackets. Where they do not hold the answer, say that you do not know.

Question: {{ input }}
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is taken apart."""

    chat: Chat
    separator: str
    references: References
    max_steps: int

    async def of(self, question: Question, steps: list[Json]) -> list[str]:
        """The sub-questions; the question itself where the reply is no plan. What was planned goes into `steps`."""
        reply = await self.chat.answer(
            question, separator="" if self.separator == LINE else self.separator, max_steps=self.max_steps,
            first=self.references.first, second=self.references.second,
        )  # fmt: skip
        named = parted(reply.text, self.separator)
        kept, notes = bounded(named, self.max_steps, question, self.references)
        steps.append({"step": "plan", "questions": list(kept), **notes})
        return kept


@dataclass(frozen=True, slots=True)
class Part:
    """A sub-question as it was asked, with its answer and what was found for it."""

    question: str
    answer: Answer
    found: Found

    def steps(self, number: int) -> list[Json]:
        """Its part of the trace."""
        retrieved: dict[str, Json] = {"retrieved": list(self.found.retrieved)} if self.found.retrieved else {}
        made = told("answer", self.answer, question=self.question, **retrieved)
        return of_part([*self.found.steps, made], number)


class QueryDecomposition:
    """Asks for a plan, answers each sub-question, and merges.

    Those that refer to no answer that is still to come are answered side by side.
    """

    def __init__(self, plan: Plan, sources: Sources, part: Chat, last: Chat, merge: Chat | None) -> None:
        """Put the parts together.

        Args:
            plan: Takes the question apart.
            sources: Finds documents for a sub-question.
            part: Answers a sub-question that is not the whole answer.
            last: Answers one that is.
            merge: Makes one answer of theirs; None where the last sub-answer is the answer.
        """
        self._plan, self._sources, self._part, self._last, self._merge = plan, sources, part, last, merge

    async def prepare(self) -> None:
        """Let the retrieval do what it has to do before the first question."""
        await self._sources.prepare()

    async def answer(self, question: Question, /) -> Answer:
        """Plan, answer and merge; `retrieved` is what was found for all the parts, in their order."""
        steps: list[Json] = []
        asked = await self._plan.of(question, steps)
        parts = await self._answered(question, asked)
        for number, part in enumerate(parts, 1):
            steps += part.steps(number)
        found = union(part.found for part in parts)
        answer = parts[-1].answer
        if self._merge is not None and len(parts) > 1:
            results = [{"question": part.question, "answer": part.answer.text} for part in parts]
            answer = await self._merge.answer(question, found.documents, results=results)
            steps.append({"step": "merge", "parts": len(parts)})
        return replace(answer, retrieved=found.retrieved, steps=tuple(steps))

    async def _answered(self, question: Question, asked: Sequence[str]) -> list[Part]:
        """Each sub-question's answer, asked as soon as those that it refers to are there."""
        refers = self._plan.references
        needs = [refers.of(text, before) for before, text in enumerate(asked)]
        done: dict[int, Part] = {}

        async def one(place: int) -> Part:
            before = [bare(done[at].answer.text, self._sources.ids) if at in done else "" for at in range(place)]
            whole = place == len(asked) - 1 and (self._merge is None or len(asked) == 1)
            return await self._ask(question, refers.filled(asked[place], before), whole)

        while len(done) < len(asked):
            ready = [place for place in range(len(asked)) if place not in done and needs[place] <= done.keys()]
            done.update(zip(ready, await side_by_side(one, ready), strict=True))
        return [done[place] for place in range(len(asked))]

    async def _ask(self, question: Question, text: str, whole: bool) -> Part:
        asked = question if text == question.text else saying(question, text)
        found = await self._sources.find(asked)
        answer = await (self._last if whole else self._part).answer(asked, found.documents)
        return Part(text, answer, found)


def build_query_decomposition(spec: RungSpec, kit: Kit) -> System:
    """Read the prompts of the plan, of the sub-questions and of the merging, and the retrieval where there is a corpus.

    Raises:
        InvalidFile: a key or a prompt that cannot be used.
        InvalidRequest: the retriever or the reranker refuses its name or options.
    """
    template = grounded_template(spec, kit) if "corpus" in spec.options else read_template(spec, kit)
    examples, output = read_examples(spec, kit), read_output(spec, kit)
    merge = options.choice(spec, "merge", MERGES[0], MERGES)
    if merge == "last" and "merge_prompt" in spec.options:
        fault, next_step = 'with `merge = "last"` nothing is merged', 'set `merge = "model"`, or leave it out'
        raise InvalidFile(message(options.where(spec, "merge_prompt"), fault, next_step=next_step))
    merging = step_template(spec, kit, "merge_prompt", MERGE, ["results"], "results")
    return QueryDecomposition(
        _plan(spec, kit), read_sources(spec, kit, own=["max_steps"]), Chat(template, examples, kit),
        Chat(template, examples, kit, output), None if merge == "last" else step_chat(merging, spec, kit, output),
    )  # fmt: skip


def _plan(spec: RungSpec, kit: Kit) -> Plan:
    seen = ("separator", "max_steps", "first", "second")
    template = step_template(spec, kit, "plan_prompt", PLAN, seen, "input")
    separator = options.text(spec, "step_separator", LINE)
    max_steps = options.whole(spec, "max_steps", DEFAULT_STEPS, least=1)
    return Plan(step_chat(template, spec, planner_kit(spec, kit)), separator, read_references(spec), max_steps)
