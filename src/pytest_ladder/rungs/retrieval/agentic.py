"""Agentic retrieval: the model says what to search, looks at what was found, and says what to search next."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import LLM, Document, Hit, Kit
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.rungs import options
from pytest_ladder.rungs.prompting.asides import ask, read_aside
from pytest_ladder.rungs.prompting.chat import context_of
from pytest_ladder.rungs.prompting.template import PromptTemplate

DEFAULT_STEPS = 3
AGENT = """\
system:
You collect what is needed to answer a question by searching a collection of documents. Reply with one line, and with
nothing else:
SEARCH: the words to search for next, if something that the answer needs has not been found yet
DONE, if what was found is enough
user:
Question: {{ input }}
{% if searches %}
Searched so far: {{ searches | join("; ") }}

Found:
{{ context or "nothing" }}
{% endif %}
Searches left: {{ left }}
"""
_ACTION = re.compile(r"^\W*(search|done)\b[\s:*]*(.*)$", re.IGNORECASE | re.MULTILINE)

Find = Callable[[str], Awaitable[Sequence[Hit]]]
Fuse = Callable[[Sequence[Sequence[Hit]]], Sequence[Document]]


class Agent:
    """Searches until the model has enough, or the limit is reached."""

    def __init__(self, llm: LLM, template: PromptTemplate, max_steps: int) -> None:
        """Take the prompt; `max_steps` bounds the searches, and so the model calls."""
        self._llm = llm
        self._template = template
        self._max_steps = max_steps

    async def gather(self, question: Question, find: Find, fuse: Fuse, steps: list[Json]) -> list[Sequence[Hit]]:
        """What each search found, in their order; there is at least one, with the question where the model has none.

        Args:
            question: What is to be answered.
            find: Does one search.
            fuse: Chooses, of what all searches found, the documents that the model is shown.
            steps: Gets why it ended.
        """
        queries: list[str] = []
        found: list[Sequence[Hit]] = []
        reason = "limit"
        while len(found) < self._max_steps:
            query, reason = await self._next(question, queries, fuse(found))
            if not query:
                break
            queries.append(query)
            found.append(await find(query))
            reason = "limit"
        steps.append({"step": "stop", "reason": reason, "searches": len(found)})
        return found or [await find(question.text)]

    async def _next(self, question: Question, queries: list[str], documents: Sequence[Document]) -> tuple[str, str]:
        """The next query, or an empty one with the reason why there is none."""
        reply = await ask(
            self._llm, self._template, input=question.input, metadata=question.metadata, searches=list(queries),
            context=context_of(documents), left=self._max_steps - len(queries),
        )  # fmt: skip
        action = _ACTION.search(reply)
        if action is None:
            return "", "unreadable"
        query = " ".join(action[2].split()) if action[1].lower() == "search" else ""
        if not query:
            return "", "enough"
        return ("", "repeated") if query in queries else (query, "")


def read_agent(spec: RungSpec, kit: Kit) -> Agent | None:
    """What `agentic` and `max_steps` ask for; None where it is off. InvalidFile on a prompt that cannot be used."""
    seen = ("input", "metadata", "searches", "context", "left")
    template = read_aside(spec, kit, "agent_prompt", AGENT, seen, "input")
    max_steps = options.whole(spec, "max_steps", DEFAULT_STEPS, least=1)
    return Agent(kit.llm, template, max_steps) if options.flag(spec, "agentic") else None
