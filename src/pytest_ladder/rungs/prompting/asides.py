"""What a rung asks the model besides the answer: prompts with a default text, and replies read by the line."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import TypeVar

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.ports import LLM, Kit
from pytest_ladder.core.prompt_parts import Prompt
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.prompting.parts import parts_of
from pytest_ladder.rungs.prompting.template import PromptTemplate

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 16
"""Questions that are asked side by side, at most."""
_MARK = re.compile(r"^\s*(?:[-*•]\s+|\d+[.)]\s*)")
_QUOTES = "\"'`“”‘’«» "


def read_aside(
    spec: RungSpec, kit: Kit, key: str, default: str, variables: Collection[str], needed: str
) -> PromptTemplate:
    """The prompt of a key's file, or the default text; InvalidFile where it does not show `needed`."""
    written = options.text(spec, key, "")
    text, where = (kit.read_text(written), kit.shown(written)) if written else (default, options.where(spec, key))
    template = PromptTemplate(text, where, variables)
    if needed not in template.uses:
        next_step = f"put `{{{{ {needed} }}}}` into it"
        raise InvalidFile(message(where, f"the prompt does not show `{needed}`", next_step=next_step))
    return template


async def ask(llm: LLM, template: PromptTemplate, **values: Json) -> str:
    """What the model replies to a prompt."""
    messages = template.render(**values)
    return (await llm.chat(Prompt(messages, parts_of(messages, (), values, template.uses)))).text


def lines_of(reply: str) -> list[str]:
    """The lines of a reply without bullets, numbers and quotes; blank and repeated ones are left out."""
    found = (_MARK.sub("", line).strip(_QUOTES) for line in reply.splitlines())
    return list(dict.fromkeys(line for line in found if line))


async def side_by_side(work: Callable[[T], Awaitable[R]], items: Iterable[T], most: int = AT_ONCE) -> Sequence[R]:
    """Do work for each item, some at a time; in the items' order.

    After a failure nothing more is begun, what is under way is waited for, and the first failure is raised.
    """
    queue = iter(enumerate(items))
    made: dict[int, R] = {}

    async def worker() -> None:
        for place, item in queue:
            try:
                made[place] = await work(item)
            except BaseException:
                for _ in queue:  # the others find nothing left to do
                    continue
                raise

    results = await asyncio.gather(*(worker() for _ in range(most)), return_exceptions=True)
    for result in results:
        if result is not None:
            raise result
    return [made[place] for place in sorted(made)]
