"""The protocols through which the siblings meet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from pytest_ladder.core.answers import Answer, Reply, Request
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.core.prices import Price
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.errors import InvalidRequest, message


@dataclass(frozen=True, slots=True)
class Document:
    """One line of a corpus, or a chunk of one: a chunk keeps the id of its document."""

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, Json] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Hit:
    """A document found, and how well it fits: higher is better, on the retriever's own scale."""

    document: Document
    score: float


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example for a prompt: never one of the eval set's cases."""

    input: Json
    expected: Json


class System(Protocol):
    """Answers a question; built by a rung, or the user's own."""

    async def answer(self, question: Question, /) -> Answer:
        """Answer one question; may be called many times at once."""


class Model(Protocol):
    """A chat model behind one name."""

    async def complete(self, request: Request, /) -> Reply:
        """Answer one request; may be called many times at once; raises ModelFailed."""

    def close(self) -> None:
        """Free what the model holds; it may be used again afterwards, at the price of a new start."""


@runtime_checkable
class Priced(Protocol):
    """What a model is besides, whose calls cost by the token."""

    price: Price


class LLM(Protocol):
    """The client a rung asks: it counts, bounds, records and replays."""

    async def chat(self, messages: Sequence[Mapping[str, Json]], /, **options: Json) -> Reply:
        """Ask for one reply; options overlay the rung's `model_options`."""


class Retriever(Protocol):
    """Finds documents for a query."""

    def search(self, query: str, top_k: int, /) -> Sequence[Hit]:
        """The best `top_k` documents, best first; ties by position in the corpus."""


@runtime_checkable
class Finding(Protocol):
    """What a retriever is besides, that serves queries better together than one by one."""

    async def find(self, query: str, top_k: int, /) -> Sequence[Hit]:
        """What `search` gives, without holding up the event loop."""


class Reranker(Protocol):
    """Judges how well texts fit a query, reading both at once."""

    async def scores(self, query: str, texts: Sequence[str], /) -> Sequence[float]:
        """One score a text, higher is better; may be called many times at once."""


class Tool(Protocol):
    """What an agent may call on the way to an answer."""

    name: str
    """What the model calls it."""
    description: str
    """What it does and when to call it, in the model's words."""
    parameters: Mapping[str, Json]
    """A JSON Schema of its arguments."""

    async def call(self, arguments: Mapping[str, Json], question: Question, /) -> Json:
        """Call it with arguments that fit; may be called many times at once; raises whatever it raises."""


@runtime_checkable
class Prepared(Protocol):
    """What a system or a retriever is besides, that has work to do before the first question."""

    async def prepare(self) -> None:
        """Do it; called once, before anything is answered."""


def no_other(key: str) -> LLM:
    """What a kit without other models says; raises InvalidRequest."""
    raise InvalidRequest(message(key, "there is no other model here"))


def no_reranker(name: str, _: Mapping[str, Json]) -> Reranker:
    """What a kit without rerankers says; raises InvalidRequest."""
    raise InvalidRequest(message(f"reranker {name}", "there are no rerankers here"))


def no_tool(reference: str) -> Tool:
    """What a kit without tools says; raises InvalidRequest."""
    raise InvalidRequest(message(f"tool {reference}", "there are no tools here"))


def no_system(rung: str) -> System:
    """What a kit without other rungs says; raises InvalidRequest."""
    raise InvalidRequest(message(rung, "there is no other rung here"))


def no_function(reference: str, where: str) -> Callable[..., Any]:
    """What a kit without functions of the user's says; raises InvalidRequest."""
    raise InvalidRequest(message(where, "there are no functions here", got=reference))


@dataclass(frozen=True)
class Kit:
    """What a rung's factory may use: everything that touches files or vendors comes through here."""

    llm: LLM
    read_text: Callable[[str], str]
    """A text file, by its path relative to the ladder's folder."""
    read_documents: Callable[[str], Sequence[Document]]
    """A corpus file `{"id", "text", "title"?}`, by its path."""
    read_examples: Callable[[str], Sequence[Example]]
    """An examples file `{"input", "expected"}`, by its path; one that shares a case with the eval set is an error."""
    retriever: Callable[[str, Sequence[Document], Mapping[str, Json]], Retriever]
    """Build a retriever by its registered name."""
    chunk: Callable[[Sequence[Document], int, int], Sequence[Document]]
    """Split documents into chunks of at most so many characters, with so much overlap."""
    reranker: Callable[[str, Mapping[str, Json]], Reranker] = no_reranker
    """Build a reranker by the name of its model, with its options."""
    other: Callable[[str], LLM] = no_other
    """The client of the model that one of `core.rungs.OTHER_MODELS` names; of the answering one where it is absent."""
    system: Callable[[str], System] = no_system
    """The system of another rung, by its id; the same one each time."""
    function: Callable[[str, str], Callable[..., Any]] = no_function
    """A function of the user's, by its reference; the second text begins the message where it cannot be loaded."""
    attempt: Callable[[int], AbstractContextManager[None]] = lambda _: nullcontext()
    """Within it, the calls are those of another answer to the same question: the first is 0, as everywhere else."""
    found: Callable[[Collection[str]], Sequence[Document]] = lambda _: ()
    """Whole documents by their ids, of every corpus from which the rung may answer; unknown ids are left out."""
    seed: int = 0
    shown: Callable[[str], str] = str
    """A path relative to the ladder's folder, as messages name it."""
    structured: Callable[[], str] = lambda: "prompt"
    """How the rung's model can be held to a schema: `provider`, `constrained`, or `prompt` where it cannot."""
    tool: Callable[[str], Tool] = no_tool
    """A tool by the reference of its function; InvalidFile on one that cannot be offered to a model."""
    calling: Callable[[], str] = lambda: "text"
    """How the rung's model asks for a tool: `provider`, in a field of its reply, or `text` where it has none."""


RungFactory = Callable[[RungSpec, Kit], System]
"""Builds the system of a rung; raises InvalidFile on options it cannot use."""
