"""Worked examples: which of them a question is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Document, Example, Kit, Retriever
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs import options

SELECT = ("first", "bm25")
DEFAULT_K = 4


class Examples(Protocol):
    """Chooses examples for a question."""

    def choose(self, query: str, /) -> Sequence[Example]:
        """The examples to show, in the order in which they stand before the question."""


class Fixed:
    """The same examples for every question."""

    def __init__(self, examples: Sequence[Example] = ()) -> None:
        """Keep the examples in their order."""
        self._examples = tuple(examples)

    def choose(self, _: str, /) -> Sequence[Example]:
        """All of them."""
        return self._examples


class Nearest:
    """The examples most like the question, the most similar one last, next to the question."""

    def __init__(self, examples: Sequence[Example], k: int, retriever: Retriever) -> None:
        """Take a retriever over documents whose ids are the examples' positions."""
        self._examples = tuple(examples)
        self._k = k
        self._retriever = retriever

    def choose(self, query: str, /) -> Sequence[Example]:
        """The nearest k; where fewer are like the question at all, the file's first ones fill up."""
        found = [int(hit.document.id) for hit in self._retriever.search(query, self._k)]
        fill = [place for place in range(len(self._examples)) if place not in found]
        places = (found + fill)[: self._k]
        return [self._examples[place] for place in reversed(places)]


def read_examples(spec: RungSpec, kit: Kit, *, needed: bool = False) -> Examples:
    """The examples that a rung's `examples`, `k` and `select` ask for; none where `examples` is absent.

    Raises:
        InvalidFile: a key that cannot be used, or is not used, or fewer examples than `k`.
    """
    k = options.whole(spec, "k", DEFAULT_K, least=1)
    select = options.choice(spec, "select", SELECT[0], SELECT)
    if "examples" not in spec.options and not needed:
        if spec.kind is not Kind.OPTIMIZE:  # its examples are the pool of its search, and are read there
            options.check_used(spec, ("k", "select"), "examples")
        return Fixed()
    path = options.text(spec, "examples")
    examples = kit.read_examples(path)
    if len(examples) < k:
        next_step = f"add examples to it, or lower `k` in [rungs.{spec.id}]"
        raise InvalidFile(
            message(
                kit.shown(path), f"it has {len(examples)} examples", expected=f"at least k = {k}", next_step=next_step
            )
        )
    if select == "first":
        return Fixed(examples[:k])
    documents = [Document(str(place), Question("", example.input).text) for place, example in enumerate(examples)]
    return Nearest(examples, k, kit.retriever(select, documents, {}))
