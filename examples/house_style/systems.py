"""Two systems of our own on the small model: retrieval with more care, and the task taken apart.

Both keep what the rungs below them found best: the notes of the past that are most like the message, as examples.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ladder import Answer, Question

if TYPE_CHECKING:
    from pytest_ladder.core.ports import LLM

HERE = Path(__file__).parent
NOTE = "Write the house note of the message."
CITE = "Answer from the articles and cite the article."
REWRITE = "Rewrite the question in catalogue words."
TOPIC = "Name the topic of the message in one word."
ABSTENTION = "I do not know."
POOL, KEPT, SHOWN = 8, 2, 2
"""Candidates that are looked at; articles and notes of them that are shown."""

Turn = dict[str, str]


class Library:
    """Rows of a file, found by the words of one of their fields."""

    def __init__(self, file: str, key: str) -> None:
        """Read and index a JSONL file beside this one."""
        from rank_bm25 import BM25Okapi

        self.rows = [json.loads(line) for line in (HERE / file).read_text(encoding="utf-8").splitlines()]
        self._index = BM25Okapi([words(row[key]) for row in self.rows])

    def best(self, query: str, count: int) -> list[dict[str, str]]:
        """The rows most like a query, best first; ties by their order in the file."""
        scores = [round(float(score), 9) for score in self._index.get_scores(words(query))]
        order = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
        return [self.rows[place] for place in order[:count]]


def words(text: str) -> list[str]:
    """The words and numbers of a text in lower case."""
    return re.findall(r"[a-z]+|\d+", text.lower())


@cache
def articles() -> Library:
    """The knowledge base."""
    return Library("kb.jsonl", "text")


@cache
def notes() -> Library:
    """The notes of the past."""
    return Library("notes.jsonl", "input")


def turns(system: str, user: str, shown: Sequence[tuple[str, str]] = ()) -> list[Turn]:
    """A conversation: the instruction, worked examples, and the question."""
    told = [("system", system)]
    for asked, answer in shown:
        told += [("user", asked), ("assistant", answer)]
    return [{"role": role, "content": content} for role, content in [*told, ("user", user)]]


def examples(found: Sequence[dict[str, str]]) -> list[tuple[str, str]]:
    """Notes of the past as worked examples, the best one last, next to the message."""
    return [(f"Message: {note['input']}", note["expected"]) for note in reversed(found)]


async def ask(llm: LLM, system: str, user: str, shown: Sequence[tuple[str, str]] = ()) -> str:
    """One call of the model."""
    return (await llm.chat(turns(system, user, shown))).text.strip()


async def advanced_rag(case: Question, llm: LLM) -> Answer:
    """Rewrite the message into a catalogue query, let the model say which articles answer it, and write the note."""
    query = await ask(llm, REWRITE, f"Question: {case.text}")
    pool = articles().best(f"{case.text} {query}", POOL)
    kept = [row for row in pool if await _answers(llm, row["text"], query)] or pool
    shown = " ".join(row["text"] for row in kept[:KEPT])
    note = await ask(llm, NOTE, f"Articles: {shown} Message: {case.text}", examples(notes().best(case.text, SHOWN)))
    return Answer(note, retrieved=tuple(row["id"] for row in kept[:KEPT]))


async def _answers(llm: LLM, article: str, query: str) -> bool:
    return await ask(llm, CITE, f"Articles: {article} Question: {query}") != ABSTENTION


async def decompose(case: Question, llm: LLM) -> Answer:
    """Name the topic first, then write the note after notes of the past on the same topic."""
    topic = await topic_of(case.text, llm)
    pool = notes().best(case.text, POOL)
    same = [note for note in pool if await topic_of(note["input"], llm) == topic]
    shown = [*same, *(note for note in pool if note not in same)][:SHOWN]
    note = await ask(llm, NOTE, f"Message: {case.text}", examples(shown))
    return Answer(note, steps=({"topic": topic, "notes on it": len(same)},))


async def topic_of(text: str, llm: LLM) -> str:
    """What a message is about, in one word."""
    return await ask(llm, TOPIC, f"Message: {text}")
