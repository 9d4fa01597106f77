"""Chats to padded batches of tokens, with a mark for what the loss counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import torch

from examples.model import sequences
from examples.model.sequences import Chat, Mixture

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

UNCOUNTED = -1
TASKS = {"Answer": "cite", "Rewrite": "rewrite", "Split": "plan", "Name": "topic", "Follow": "examples",
         "Repeat": "copy"}  # fmt: skip
"""First word of the instruction -> the skill it drills."""


@dataclass(frozen=True)
class Row:
    """One chat as tokens."""

    ids: list[int]
    turns: list[int]
    """For each token the counted turn it answers, from 0, or `UNCOUNTED`."""
    task: str


@dataclass(frozen=True)
class Batch:
    """Rows side by side: both tensors are rows x longest row."""

    ids: torch.Tensor
    turns: torch.Tensor
    tasks: list[str]


def encode(tokenizer: PreTrainedTokenizerBase, chats: Sequence[Chat]) -> list[Row]:
    """Chats to rows, in their order."""
    texts = [sequences.render(chat.messages) for chat in chats]
    encoded = tokenizer(texts, add_special_tokens=False)["input_ids"]
    begin, end = tokenizer.convert_tokens_to_ids(["<|assistant|>", "<|end|>"])
    return [
        Row(ids, _turns(ids, chat.counted, begin, end), _task(chat)) for ids, chat in zip(encoded, chats, strict=True)
    ]


def _turns(ids: Sequence[int], counted: Sequence[bool], begin: int, end: int) -> list[int]:
    """The tokens after each `begin` up to its `end`, which the model has to say too."""
    marks, turn, speaking = [], -1, False
    for token in ids:
        marks.append(turn if speaking and counted[turn] else UNCOUNTED)
        if token == begin:
            turn, speaking = turn + 1, True
        elif token == end:
            speaking = False
    return marks


def _task(chat: Chat) -> str:
    role, text = chat.messages[0]
    return TASKS.get(text.split()[0], "other") if role == "system" else "other"


def draw(
    rng: Random, tokenizer: PreTrainedTokenizerBase, mixture: Mixture, tokens: int, chats: int = 384
) -> Iterator[Batch]:
    """Fresh chats in batches of about so many tokens; rows of like length go together, so that little is padding."""
    rows = encode(tokenizer, [sequences.draw_chat(rng, mixture) for _ in range(chats)])
    groups = _group(sorted(rows, key=lambda row: len(row.ids)), tokens)
    rng.shuffle(groups)
    return (collate(group, tokenizer.pad_token_id) for group in groups)


def _group(rows: Sequence[Row], tokens: int) -> list[list[Row]]:
    groups: list[list[Row]] = [[]]
    for row in rows:
        if groups[-1] and (len(groups[-1]) + 1) * len(row.ids) > tokens:
            groups.append([])
        groups[-1].append(row)
    return groups


def collate(rows: Sequence[Row], padding: int) -> Batch:
    """Pad rows on the right."""
    width = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), width), padding)
    turns = torch.full((len(rows), width), UNCOUNTED)
    for place, row in enumerate(rows):
        ids[place, : len(row.ids)] = torch.tensor(row.ids)
        turns[place, : len(row.ids)] = torch.tensor(row.turns)
    return Batch(ids, turns, [row.task for row in rows])
