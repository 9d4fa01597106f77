"""What the strategies of `decompose` have in common: prompts of steps, and their trace."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.ports import Kit
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.decomposition.references import NUMBERED, References
from pytest_ladder.rungs.prompting.asides import read_aside
from pytest_ladder.rungs.prompting.chat import Chat
from pytest_ladder.rungs.prompting.few_shot import Fixed, read_examples
from pytest_ladder.rungs.prompting.structured import Output
from pytest_ladder.rungs.prompting.template import VARIABLES, PromptTemplate
from pytest_ladder.rungs.retrieval.advanced_rag import Found

PLANNER = "planner"
DEFAULT_STEPS = 5
"""Most parts of one task, where `max_steps` does not say."""


def read_references(spec: RungSpec) -> References:
    """What `placeholder` says stands for earlier answers; InvalidFile on one that is blank."""
    placeholder = options.text(spec, "placeholder", NUMBERED)
    if not placeholder.strip():
        raise InvalidFile(message(options.where(spec, "placeholder"), "the text is empty", expected="some text"))
    return References(placeholder)


def planner_kit(spec: RungSpec, kit: Kit) -> Kit:
    """The kit with the model that plans: the rung's `planner` where it names one."""
    named = spec.options.keys() & {PLANNER, f"{PLANNER}_options"}
    return replace(kit, llm=kit.other(PLANNER)) if named else kit


def step_template(
    spec: RungSpec, kit: Kit, key: str, default: str, seen: Collection[str], needed: str
) -> PromptTemplate:
    """The prompt of a step, from a key's file or the default text: it sees what every prompt sees, and `seen`."""
    return read_aside(spec, kit, key, default, (*VARIABLES, *seen), needed)


def step_chat(template: PromptTemplate, spec: RungSpec, kit: Kit, output: Output | None = None) -> Chat:
    """What asks a step's prompt: worked examples are in it only where the template shows them."""
    examples = read_examples(spec, kit) if "examples" in template.uses else Fixed()
    return Chat(template, examples, kit, output)


def check_shown(spec: RungSpec, key: str, names: Sequence[str], templates: Iterable[PromptTemplate]) -> None:
    """Refuse a key whose fruits no prompt of the rung shows; InvalidFile."""
    if key in spec.options and not any(template.uses & set(names) for template in templates):
        shown = " or ".join(f"`{{{{ {name} }}}}`" for name in names)
        fault = "no prompt of the rung shows what comes of it"
        raise InvalidFile(message(options.where(spec, key), fault, next_step=f"put {shown} into one"))


def told(step: str, answer: Answer, **more: Json) -> Json:
    """A step of the trace that a reply ends; a reply that was not stopped by itself says by what."""
    ended = {} if answer.finish_reason == "stop" else {"finish_reason": answer.finish_reason}
    return {"step": step, **more, "answer": answer.text, **ended}


def of_part(steps: Iterable[Json], part: int) -> list[Json]:
    """Steps of the trace, marked as those of one part of the task, from 1."""
    return [{**step, "part": part} if isinstance(step, Mapping) else step for step in steps]


def union(found: Iterable[Found]) -> Found:
    """All documents of several searches, each once, in their order."""
    documents = {(document.id, document.text): document for one in found for document in one.documents}
    return Found(tuple(documents.values()))
