"""Instructions that a model writes, from the task, the instruction so far, and examples of right answers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from pytest_ladder.core.ports import LLM
from pytest_ladder.core.prompt_parts import INSTRUCTIONS, Prompt
from pytest_ladder.rungs.optimization.drafts import Turn
from pytest_ladder.rungs.prompting.asides import side_by_side

SHOWN = 3
"""Examples that one proposal is shown."""
MOST_SIGNS = 4000
"""A longer reply is no instruction."""
TIPS = (
    "Say exactly what a right answer looks like: its parts, their order, its length.",
    "Be as short and plain as can be.",
    "Say what is easily done wrong, and how it is done right.",
    "Tell step by step how to get from the question to the answer, and to give the answer alone.",
    "Describe who is asking, what the answer is for, and what makes it useless.",
)
"""What a proposal is to be like, in turn."""
ASKED = """\
Write the instruction of an assistant. It will stand above each question; the questions stay as they are.

{task}The instruction so far:
{instruction}

{examples}{tip}
Reply with the new instruction alone."""


async def propose(llm: LLM, task: str, instruction: str, turns: Sequence[Turn], count: int, seed: int) -> Sequence[str]:
    """Ask for so many instructions, side by side; blank, repeated and endless replies are left out.

    Args:
        llm: The model that writes.
        task: What a right answer does; may be empty.
        instruction: The one so far.
        turns: Right answers to show some of; may be empty.
        count: How many are asked for.
        seed: Of the choice of examples.
    """

    async def one(number: int) -> str:
        told = _asked(task, instruction, _some(turns, seed + number), TIPS[number % len(TIPS)], number)
        reply = await llm.chat(Prompt([{"role": "user", "content": told}], {INSTRUCTIONS: len(told)}))
        return reply.text.strip()

    written = await side_by_side(one, range(count))
    return [text for text in dict.fromkeys(written) if text and len(text) <= MOST_SIGNS and text != instruction]


def _some(turns: Sequence[Turn], seed: int) -> Sequence[Turn]:
    return Random(seed).sample(list(turns), min(SHOWN, len(turns)))  # noqa: S311 - drawn to be repeated


def _asked(task: str, instruction: str, turns: Sequence[Turn], tip: str, number: int) -> str:
    shown = "".join(f"Question:\n{turn.user}\nRight answer:\n{turn.assistant}\n\n" for turn in turns)
    again = f" Write it otherwise than {number // len(TIPS)} others did." if number >= len(TIPS) else ""
    return ASKED.format(
        task=f"The task: {task}\n\n" if task else "", instruction=instruction, examples=shown, tip=tip + again
    )
