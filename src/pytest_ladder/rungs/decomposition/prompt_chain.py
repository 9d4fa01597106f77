"""Prompt chaining: declared prompts one after another, each of which sees what those before it were replied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Kit, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.decomposition.stepping import check_shown, of_part, step_chat, told
from pytest_ladder.rungs.prompting.chat import Chat
from pytest_ladder.rungs.prompting.structured import read_output
from pytest_ladder.rungs.prompting.template import VARIABLES, PromptTemplate
from pytest_ladder.rungs.retrieval.sources import Sources, read_sources

SEEN = (*VARIABLES, "previous", "outputs")
"""What a prompt of the chain sees: besides what every prompt sees, the last reply and all of them."""


class PromptChain:
    """Asks one prompt after another; the reply to the last is the answer."""

    def __init__(self, names: Sequence[str], links: Sequence[Chat], sources: Sources) -> None:
        """Take the prompts, with the names that the trace gives them, and what finds documents for all of them."""
        self._names, self._links, self._sources = names, links, sources

    async def prepare(self) -> None:
        """Let the retrieval do what it has to do before the first question."""
        await self._sources.prepare()

    async def answer(self, question: Question, /) -> Answer:
        """Find, and ask the chain."""
        found = await self._sources.find(question)
        steps: list[Json] = list(found.steps)
        outputs: list[str] = []
        answer = Answer()
        for number, (name, link) in enumerate(zip(self._names, self._links, strict=True), 1):
            previous = outputs[-1] if outputs else ""
            answer = await link.answer(question, found.documents, previous=previous, outputs=list(outputs))
            outputs.append(answer.text)
            steps += of_part([told("answer", answer, prompt=name)], number)
        return replace(answer, retrieved=found.retrieved, steps=tuple(steps))


def build_prompt_chain(spec: RungSpec, kit: Kit) -> System:
    """Read the prompts of `chain`, and the retrieval where there is a corpus.

    Raises:
        InvalidFile: a key or a prompt that cannot be used, a reply that no later prompt shows, or a first prompt that
            shows the one before it.
        InvalidRequest: the retriever or the reranker refuses its name or options.
    """
    names = options.texts(spec, "chain", least=2)
    templates = [PromptTemplate(kit.read_text(name), kit.shown(name), SEEN) for name in names]
    _check_first(templates[0])
    for place, name in enumerate(names[:-1]):
        if "previous" not in templates[place + 1].uses and all("outputs" not in t.uses for t in templates[place + 1 :]):
            fault = f"no later prompt of the chain shows the reply to {name}"
            next_step = "put `{{ previous }}` or `{{ outputs }}` into one, or leave the prompt out"
            raise InvalidFile(message(kit.shown(names[place + 1]), fault, next_step=next_step))
    check_shown(spec, "examples", ("examples",), templates)
    check_shown(spec, "corpus", ("context", "documents"), templates)
    output = read_output(spec, kit)
    last = len(templates) - 1
    links = [step_chat(t, spec, kit, output if place == last else None) for place, t in enumerate(templates)]
    return PromptChain(names, links, read_sources(spec, kit))


def _check_first(template: PromptTemplate) -> None:
    fault = "the first prompt of the chain shows `{{ previous }}`, and there is no reply before it"
    next_step = "leave it out, or put `{% if previous %}` around it where the prompt stands later in the chain too"
    template.refuse_bare("previous", fault, next_step=next_step)
