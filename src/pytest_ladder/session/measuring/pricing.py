"""What an answer of a rung may cost, by what its table declares: between the fewest and the most of its calls."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from statistics import fmean

from pytest_ladder.backends.retrievers import RETRIEVERS
from pytest_ladder.core.cases import Question
from pytest_ladder.core.hybrids import FALLBACK, STANDING_BACK, referred, targets
from pytest_ladder.core.ports import Priced, Tool
from pytest_ladder.core.prices import CHARACTERS_A_TOKEN, Price, longest
from pytest_ladder.core.prompts import split_front_matter
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.engine.client import Client
from pytest_ladder.rungs.calls import Calls, calls_of, checks, draws
from pytest_ladder.rungs.hybrids.guarded import resorts_of
from pytest_ladder.rungs.prompting.chat import as_text, context_of
from pytest_ladder.rungs.prompting.few_shot import DEFAULT_K
from pytest_ladder.rungs.retrieval.contextual import read_contexts
from pytest_ladder.rungs.retrieval.filtering import read_filters
from pytest_ladder.rungs.retrieval.searching import DEFAULT_TOP_K, read_corpus
from pytest_ladder.rungs.retrieval.sources import Sources
from pytest_ladder.rungs.tools.rules import read_rules
from pytest_ladder.rungs.tools.search import SearchTool
from pytest_ladder.rungs.tools.talk import PROVIDER, TOOL_PROMPT
from pytest_ladder.session.ladder_files import LadderFiles
from pytest_ladder.session.setup.assemble import found, served
from pytest_ladder.store.paths import read_text

_DOCUMENTS = re.compile(r"\b(context|documents)\b")
Clients = Callable[[RungSpec], Client]
"""Gives the client of the model that a rung names."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Model calls and USD, from the least that is needed to the most that may be."""

    least_calls: int = 0
    most_calls: int = 0
    least_usd: float = 0.0
    most_usd: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.least_calls + other.least_calls, self.most_calls + other.most_calls,
            self.least_usd + other.least_usd, self.most_usd + other.most_usd,
        )  # fmt: skip

    def times(self, least: int, most: int) -> Spent:
        """The same, so often at least and so often at most."""
        return Spent(
            self.least_calls * least, self.most_calls * most, self.least_usd * least, self.most_usd * most
        )  # fmt: skip


def either(ways: Iterable[Spent]) -> Spent:
    """What one of several ways takes, from the cheapest to the dearest; nothing where there is none."""
    known = list(ways)
    if not known:
        return Spent()
    return Spent(
        min(way.least_calls for way in known), max(way.most_calls for way in known),
        min(way.least_usd for way in known), max(way.most_usd for way in known),
    )  # fmt: skip


class Pricing:
    """Prices the calls of one ladder's rungs, by the length of what they show and by `max_tokens`."""

    def __init__(self, files: LadderFiles, clients: Clients, questions: Sequence[Question], usual: float | None = None):
        """Take the questions to come; `usual` is how many tokens an answer has, where something tells."""
        self._files, self._clients, self._usual = files, clients, usual
        self._questions = questions
        self._question = fmean(len(question.text) for question in questions)
        self.prices: dict[str | None, Price | None] = {}
        """Of every model that was looked at; None for one that costs nothing by the token."""

    @property
    def priced(self) -> bool:
        """Whether any model that was looked at costs something."""
        return any(self.prices.values())

    def answer(self, rung: RungSpec) -> Spent:
        """One answer of a rung, with its samples, its verifier, and what it falls back on."""
        spec = found(self._files.ladder, rung)
        own = total(self.calls(calls) for calls in calls_of(spec)) + either(map(self._other, targets(spec.options)))
        spent = own.times(*draws(spec)) + total(self.calls(calls) for calls in checks(spec))
        if FALLBACK in resorts_of(spec):
            spent += self._other(spec.options["fallback"]).times(0, 1)
        return spent

    def _other(self, name: str) -> Spent:
        """One answer of a rung that is referred to; one that escalates or abstains asks nothing."""
        return Spent() if name in STANDING_BACK else self.answer(served(self._files.ladder.rung(name)))

    def calls(self, calls: Calls) -> Spent:
        """The calls of one kind."""
        price, answer = self._price(calls.asks), self._tokens(calls.asks)
        if price is None:
            return Spent(calls.least, calls.most)
        shortest, longest, together = self._lengths(calls, answer)
        least = calls.least * price.cost(shortest / CHARACTERS_A_TOKEN, answer)
        dearest = price.cost(together / CHARACTERS_A_TOKEN, calls.most * answer)
        if calls.cap_usd is not None:
            dearest = min(dearest, calls.cap_usd + 2 * price.cost(longest / CHARACTERS_A_TOKEN, answer))
        return Spent(calls.least, calls.most, least, max(dearest, least))

    def lines(self, rung: RungSpec) -> Spent:
        """The lines of `contextual` that are not on record, of a rung and of those that it refers to."""
        rungs = (rung, *map(served, referred(self._files.ladder.rungs, rung)))
        return total(self._lines(spec) for spec in rungs if spec.options.get("contextual"))

    def _lines(self, spec: RungSpec) -> Spent:
        client = self._clients(spec)
        kit = self._files.assembler.kit(spec, self._clients)
        contexts, chunks = read_contexts(spec, kit), read_filters(spec).allowed(read_corpus(spec, kit))
        asked = [prompt for prompt in contexts.prompts(chunks) if not client.on_record(prompt)] if contexts else []
        price = self._price(spec)
        if price is None:
            return Spent(len(asked), len(asked))
        lengths = (sum(len(part["content"]) for part in prompt) for prompt in asked)
        usd = sum(price.cost(length / CHARACTERS_A_TOKEN, self._tokens(spec)) for length in lengths)
        return Spent(len(asked), len(asked), usd, usd)

    def _price(self, spec: RungSpec) -> Price | None:
        """What the model's tokens cost; None for one that is free, and for one in this process."""
        if spec.model not in self.prices:
            self.prices[spec.model] = _price(self._clients(spec))
        return self.prices[spec.model]

    def _tokens(self, spec: RungSpec) -> float:
        bound = longest(spec.model_options.get("max_tokens"))
        return bound if self._usual is None else min(bound, self._usual)

    def _lengths(self, calls: Calls, answer: float) -> tuple[float, float, float]:
        """Characters of the shortest prompt there may be, of the longest, and of the most there may be together."""
        spec, text = calls.asks, self._text(calls)
        least = self._question + len(text)
        if calls.whole or "examples" in text:
            least += self._examples(spec)
        if calls.whole and isinstance(spec.options.get("output"), str):
            least += len(self._read(spec.options["output"]))
        documents = self._documents(spec) if calls.searches and _DOCUMENTS.search(text) else 0.0
        more = (calls.searches - 1) * documents if documents else 0.0
        least += documents
        reply = answer * CHARACTERS_A_TOKEN
        if calls.results is None:
            longest = least + more + calls.earlier * reply
            return least, longest, calls.most * longest
        least += self._tools(spec)
        opened, after = least + self._tool_prompt(spec), calls.most - 1
        found_at_most = self._found(spec, calls.results.characters)
        shown = calls.results.together(calls.most, found_at_most)
        longest = opened + after * reply + calls.results.before(after, found_at_most)
        return least, longest, calls.most * opened + after * calls.most / 2 * reply + shown

    def _found(self, spec: RungSpec, most: int) -> int:
        """Characters of a result of `search`, at most: `most`, or less where its documents are the corpus's own."""
        known = str(spec.options.get("retriever", "bm25")) in RETRIEVERS.names and not spec.options.get("contextual")
        if "corpus" not in spec.options or not known:
            return most
        chunks = read_corpus(spec, self._files.assembler.kit(spec, self._clients))
        longest = max((len(context_of([chunk])) for chunk in chunks), default=0)
        return min(most, int(spec.options.get("top_k") or DEFAULT_TOP_K) * (longest + len("\n\n")))

    def _tools(self, spec: RungSpec) -> int:
        """Characters that tell a model of its tools."""
        kit = self._files.assembler.kit(spec, self._clients)
        tools: list[Tool] = [kit.tool(reference) for reference in spec.options.get("tools") or ()]
        tools += [SearchTool(Sources())] if "corpus" in spec.options else []
        told = [one for rule in read_rules(spec, tools).values() for one in rule.told(self._questions[0])]
        shown = [[tool.name, tool.description, dict(tool.parameters)] for tool in tools]
        return len(json.dumps([*shown, *told], ensure_ascii=False))

    def _tool_prompt(self, spec: RungSpec) -> int:
        """Characters that tell a model how to call them, where that may be in the prompt."""
        if spec.options.get("tool_mode") == PROVIDER:
            return 0
        return len(self._text(Calls(spec, file=spec.options.get("tool_prompt"), text=TOOL_PROMPT)))

    def _text(self, calls: Calls) -> str:
        if calls.file is None:
            return calls.text
        return split_front_matter(self._read(calls.file), calls.file).body

    def _read(self, written: str) -> str:
        return read_text(self._files.assembler.path(written), self._files.assembler.shown(written))

    def _examples(self, spec: RungSpec) -> float:
        written = spec.options.get("examples")
        known = self._files.assembler.examples(written) if isinstance(written, str) else ()
        lengths = [len(Question("", one.input).text) + len(as_text(one.expected)) for one in known]
        return fmean(lengths) * min(len(lengths), int(spec.options.get("k") or DEFAULT_K)) if lengths else 0.0

    def _documents(self, spec: RungSpec) -> float:
        """Characters of the chunks that one search puts before the model."""
        corpus = spec.options.get("corpus")
        documents = self._files.assembler.documents(corpus) if isinstance(corpus, str) else ()
        size = spec.options.get("chunk_size")
        lengths = [min(len(one.text), size) if isinstance(size, int) else len(one.text) for one in documents]
        return fmean(lengths) * min(len(lengths), int(spec.options.get("top_k") or DEFAULT_TOP_K)) if lengths else 0.0


def total(parts: Iterable[Spent]) -> Spent:
    """All of them together."""
    return reduce(Spent.__add__, parts, Spent())


def _price(client: Client) -> Price | None:
    if client.name is None or client.pace is None:
        return None
    model: object = client.model()
    return model.price if isinstance(model, Priced) and not model.price.free else None
