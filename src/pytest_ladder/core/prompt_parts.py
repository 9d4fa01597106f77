"""What a prompt is made of, and how many of its tokens each part takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_ladder.core.answers import Call

INSTRUCTIONS = "instructions"
EXAMPLES = "examples"
CONTEXT = "context"
QUESTION = "question"
REPAIR = "repair"
PARTS = (INSTRUCTIONS, EXAMPLES, CONTEXT, QUESTION, REPAIR)
"""The parts of a prompt: what the template says itself and all the rest, worked examples, documents and what earlier
steps found, the case's input, and earlier answers with what was wrong with them."""

COLD = "cold"
"""The call was begun before the model had given any reply in its run: it may have waited for a start."""
REPAIRING = "repair"
"""The call shows the model an answer of its own that did not fit, and asks again."""
FALLBACK = "fallback"
"""The call shows the schema, or the tools, in the prompt because the provider did not take them."""
FLAGS = (COLD, REPAIRING, FALLBACK)


class Prompt(tuple[Mapping[str, Any], ...]):
    """Messages that know what they are made of; to whoever does not ask they are a tuple of messages."""

    parts: Mapping[str, int]
    """Part -> characters."""
    flags: tuple[str, ...]
    """Of `FLAGS`, in their order."""

    def __new__(
        cls, messages: Iterable[Mapping[str, Any]], parts: Mapping[str, int], flags: Iterable[str] = ()
    ) -> Prompt:
        """Put messages and what is known of them together."""
        made = super().__new__(cls, messages)
        made.parts = dict(parts)
        made.flags = tuple(flag for flag in FLAGS if flag in set(flags))
        return made


def told(call: Call, messages: Sequence[object], cold: bool = False) -> Call:
    """The call with what its messages tell: the tokens of each part, and the flags.

    A part's tokens are its share of the characters: an estimate, whose sum is exact.
    """
    if not isinstance(messages, Prompt):
        return replace(call, flags=(COLD,)) if cold else call
    flags = (*([COLD] if cold else []), *messages.flags)
    return replace(call, parts=apportioned(messages.parts, call.reply.prompt_tokens), flags=flags)


def apportioned(weights: Mapping[str, int], whole: int) -> dict[str, int]:
    """Whole numbers in proportion to weights, whose sum is `whole`; parts without weight are left out.

    Source: the method of largest remainders (Hamilton); ties go to the earlier part.
    """
    given = {name: weight for name, weight in weights.items() if weight > 0}
    total = sum(given.values())
    if not total or whole <= 0:
        return {}
    shares = {name: divmod(whole * weight, total) for name, weight in given.items()}
    left = whole - sum(share for share, _ in shares.values())
    most = sorted(shares, key=lambda name: -shares[name][1])[:left]
    return {name: share + (name in most) for name, (share, _) in shares.items()}
