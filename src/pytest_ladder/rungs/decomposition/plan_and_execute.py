"""Plan and execute: one model plans, the rung's own carries the steps out one by one and writes the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question, saying
from pytest_ladder.core.ports import Kit, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.rungs import options
from pytest_ladder.rungs.decomposition.planning import ASTRAY, UNREADABLE, bounded, numbered
from pytest_ladder.rungs.decomposition.references import References, bare
from pytest_ladder.rungs.decomposition.stepping import (
    DEFAULT_STEPS,
    check_shown,
    of_part,
    planner_kit,
    read_references,
    step_chat,
    step_template,
    told,
    union,
)
from pytest_ladder.rungs.prompting.chat import Chat
from pytest_ladder.rungs.prompting.structured import read_output
from pytest_ladder.rungs.retrieval.advanced_rag import Found
from pytest_ladder.rungs.retrieval.sources import Sources, read_sources

DEFAULT_REPLANS = 0
DONE = re.compile(r"\bdone\b", re.IGNORECASE)
PLAN = """\
{% if results -%}
A plan to answer the question below was carried out:

{% for result in results -%}
{{ loop.index }}. {{ result.task }}
{{ result.answer }}

{% endfor -%}
If this is enough for the answer, reply with the one word DONE. Else write the further steps that are needed, numbered
from {{ results | length + 1 }}, one a line, at most {{ left }}, and nothing else.
{%- else -%}
Write a plan to answer the question below: numbered steps, one a line, as few as it takes and at most {{ left }}, and
nothing else. Each step asks for one thing that can be looked up or worked out from what the steps before it found.
{%- endif %}
{% if second -%}
Where a step needs what an earlier one found, write {{ first }} for that of step 1, {{ second }} for that of step 2, and
so on.
{%- else -%}
Where a step needs what the one before it found, write {{ first }} in its place.
{%- endif %}

Question: {{ input }}
"""
STEP = """\
Carry out one step of a plan{% if context %}, from these documents and nothing else:

{{ context }}
{% else %}.
{% endif %}
The plan is to answer: {{ input }}
{% for result in results %}
{% if loop.first %}Found so far:
{% endif -%}
{{ loop.index }}. {{ result.task }}
{{ result.answer }}
{% endfor %}
The step: {{ step }}

Reply with what the step asks for and nothing else, as briefly as it allows.
{%- if context %} Cite the document in square brackets.{% endif %} Where it cannot be found, say that you do not know.
"""
ANSWER = """\
Steps towards the answer to a question were carried out:

{% for result in results -%}
{{ loop.index }}. {{ result.task }}
{{ result.answer }}

{% endfor -%}
Answer the question from what they found and nothing else, as briefly as it allows. Keep what they cite in square
brackets. Where they do not hold the answer, say that you do not know.

Question: {{ input }}
"""


@dataclass(slots=True)
class Work:
    """What was done for one question."""

    steps: list[Json] = field(default_factory=list)
    """The trace."""
    results: list[dict[str, Json]] = field(default_factory=list)
    """`{"task", "answer"}` of each step carried out."""
    found: list[Found] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Prompts:
    """What asks the planner, and the model that carries out and answers."""

    plan: Chat
    step: Chat
    answer: Chat


class PlanAndExecute:
    """Has a plan written, carries it out, lets it be revised, and asks for the answer.

    Source: the division of labour is that of Wang et al., "Plan-and-Solve Prompting", ACL 2023, with a model for each.
    """

    def __init__(
        self, prompts: Prompts, sources: Sources, references: References, *, max_steps: int, replan: int
    ) -> None:
        """Take the parts; `max_steps` bounds the steps of the plan and its revisions together."""
        self._prompts, self._sources, self._references = prompts, sources, references
        self._max_steps, self._replan = max_steps, replan

    async def prepare(self) -> None:
        """Let the retrieval do what it has to do before the first question."""
        await self._sources.prepare()

    async def answer(self, question: Question, /) -> Answer:
        """Plan, carry out, revise and answer; `retrieved` is what was found for all the steps, in their order."""
        work = Work()
        await self._execute(question, await self._plan(question, work), work)
        for revision in range(1, self._replan + 1):
            tasks = await self._revised(question, work, revision)
            if not tasks:
                break
            await self._execute(question, tasks, work)
        found = union(work.found)
        answer = await self._prompts.answer.answer(question, found.documents, results=list(work.results))
        work.steps.append({"step": "merge", "parts": len(work.results)})
        return replace(answer, retrieved=found.retrieved, steps=tuple(work.steps))

    async def _planned(self, question: Question, work: Work) -> str:
        reply = await self._prompts.plan.answer(
            question, results=list(work.results), left=self._max_steps - len(work.results),
            first=self._references.first, second=self._references.second,
        )  # fmt: skip
        return reply.text

    async def _plan(self, question: Question, work: Work) -> list[str]:
        named = numbered(await self._planned(question, work))
        kept, notes = bounded(named, self._max_steps, question, self._references)
        work.steps.append({"step": "plan", "tasks": list(kept), **notes})
        return kept

    async def _revised(self, question: Question, work: Work, revision: int) -> list[str]:
        """Further tasks; none, with the reason in the trace, where there is nothing more to do."""
        left = self._max_steps - len(work.results)
        if left <= 0:
            work.steps.append({"step": "stop", "reason": "limit"})
            return []
        reply = await self._planned(question, work)
        named = numbered(reply)
        done = {result["task"] for result in work.results}
        tasks = [task for task in named if self._filled(task, work) not in done]
        if not tasks:
            reason = "repeated" if named else "enough" if DONE.search(reply) else UNREADABLE
            work.steps.append({"step": "stop", "reason": reason})
            return []
        kept = tasks[:left]
        before = len(work.results)
        if self._references.astray(kept, before, before + len(tasks), question.text):
            work.steps.append({"step": "stop", "reason": ASTRAY, "planned": list(kept)})
            return []
        more: dict[str, Json] = {"left_out": len(tasks) - left} if len(tasks) > left else {}
        work.steps.append({"step": "plan", "revision": revision, "tasks": list(kept), **more})
        return kept

    async def _execute(self, question: Question, tasks: list[str], work: Work) -> None:
        for task in tasks:
            text = self._filled(task, work)
            found = await self._sources.find(saying(question, text))
            answer = await self._prompts.step.answer(question, found.documents, step=text, results=list(work.results))
            retrieved: dict[str, Json] = {"retrieved": list(found.retrieved)} if found.retrieved else {}
            work.results.append({"task": text, "answer": answer.text})
            work.found.append(found)
            work.steps += of_part([*found.steps, told("answer", answer, task=text, **retrieved)], len(work.results))

    def _filled(self, task: str, work: Work) -> str:
        found = [bare(str(result["answer"]), self._sources.ids) for result in work.results]
        return self._references.filled(task, found)


def build_plan_and_execute(spec: RungSpec, kit: Kit) -> System:
    """Read the prompts of the plan, of its steps and of the answer, and the retrieval where there is a corpus.

    Raises:
        InvalidFile: a key or a prompt that cannot be used.
        InvalidRequest: the retriever or the reranker refuses its name or options, or there is no such planner.
    """
    replan = options.whole(spec, "replan", DEFAULT_REPLANS, least=0)
    plan = step_template(spec, kit, "plan_prompt", PLAN, ("results", "left", "first", "second"), "input")
    step = step_template(spec, kit, "step_prompt", STEP, ("step", "results"), "step")
    answer = step_template(spec, kit, "answer_prompt", ANSWER, ("results",), "results")
    if replan:
        check_shown(spec, "replan", ("results",), [plan])
    check_shown(spec, "corpus", ("context", "documents"), [step, answer])
    check_shown(spec, "examples", ("examples",), [plan, step, answer])
    prompts = Prompts(
        step_chat(plan, spec, planner_kit(spec, kit)), step_chat(step, spec, kit),
        step_chat(answer, spec, kit, read_output(spec, kit)),
    )  # fmt: skip
    max_steps = options.whole(spec, "max_steps", DEFAULT_STEPS, least=1)
    sources = read_sources(spec, kit, own=["max_steps"])
    return PlanAndExecute(prompts, sources, read_references(spec), max_steps=max_steps, replan=replan)
