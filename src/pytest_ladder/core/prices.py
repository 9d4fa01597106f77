"""What a model's tokens cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_ladder.core.canonical import Json

CHARACTERS_A_TOKEN = 4
"""Of English text, roughly: only for estimates before a call; what is counted is what the provider reports."""

TOKENS_AN_ANSWER = 256
"""Taken for an answer's length as long as nothing else is known."""

_MILLION = 1_000_000


def usd(amount: float) -> str:
    """Write an amount of USD: two decimals, or as many as two digits that count need: `12.30`, `0.021`, `0.0000037`."""
    size = abs(amount)
    if not 0 < size < 0.995:
        return f"{amount:.2f}"
    whole, _, decimals = f"{amount:.{1 - math.floor(math.log10(size))}f}".rstrip("0").partition(".")
    return f"{whole}.{decimals:0<2}"


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens; 0 and 0 for a model that is free."""

    input: float
    output: float

    def cost(self, prompt_tokens: float, completion_tokens: float) -> float:
        """USD for so many tokens."""
        return (self.input * prompt_tokens + self.output * completion_tokens) / _MILLION

    @property
    def free(self) -> bool:
        """Whether tokens cost nothing."""
        return not self.input and not self.output


def expected_tokens(messages: Iterable[Mapping[str, Json]], most: Json, usual: float | None) -> tuple[float, float]:
    """Tokens of the prompt and of the answer of a call to come, roughly.

    Args:
        messages: What is sent; counted by its characters.
        most: The option `max_tokens`, where it is given.
        usual: Mean tokens of the answers so far; None where there are none.
    """
    prompt = sum([len(str(part.get("content") or "")) for part in messages]) / CHARACTERS_A_TOKEN
    answer = TOKENS_AN_ANSWER if usual is None else usual
    return prompt, min(answer, longest(most, answer))


def longest(most: Json, otherwise: float = TOKENS_AN_ANSWER) -> float:
    """Tokens that an answer may have by the option `max_tokens`; `otherwise` without one.

    Below 1 it is none: to some servers -1 is no bound.
    """
    return most if isinstance(most, int | float) and most >= 1 and not isinstance(most, bool) else otherwise
