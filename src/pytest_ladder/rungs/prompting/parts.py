"""How many characters of a prompt are whose."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.prompt_parts import CONTEXT, EXAMPLES, INSTRUCTIONS, QUESTION

SHOWN = (
    (CONTEXT, ("context", "documents", "document")), (CONTEXT, ("chunk",)),
    (CONTEXT, ("previous", "outputs", "results")), (EXAMPLES, ("examples",)), (QUESTION, ("input",)),
)  # fmt: skip
"""Whose what a template shows is: of several names that stand for the same, the first that it uses counts."""


def parts_of(
    messages: Sequence[Mapping[str, str]],
    turns: Sequence[Mapping[str, str]],
    values: Mapping[str, Json],
    uses: Collection[str],
) -> dict[str, int]:
    """Part -> characters of a rendered prompt; they add up to all of it.

    What the template takes of the input, the documents, earlier replies and the examples is counted as if it showed the
    whole of each once; what is left is the template's own: the instructions.

    Args:
        messages: All of them.
        turns: Those of them that are examples.
        values: What the template saw.
        uses: The names that occur in it.
    """
    left = sum(len(part["content"]) for part in messages)
    found = {EXAMPLES: sum(len(part["content"]) for part in turns), CONTEXT: 0, QUESTION: 0}
    left -= found[EXAMPLES]
    for part, names in SHOWN:
        name = next((name for name in names if name in uses), None)
        taken = min(left, _length(values[name])) if name else 0
        found[part] += taken
        left -= taken
    return {INSTRUCTIONS: left, **found}


def _length(value: Json) -> int:
    """Characters of a value as prompts show it; of a list of objects, of the texts in them."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list | tuple) and all(isinstance(item, Mapping) for item in value):
        return sum(_length(text) for item in value for text in item.values())
    return len(json.dumps(value, ensure_ascii=False))
