"""ladder.toml's words to working parts: systems, models, scorers."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from pytest_ladder.backends.calling import calls_by
from pytest_ladder.backends.cross_encoder import CrossEncoder
from pytest_ladder.backends.models import build_model, settings_of
from pytest_ladder.backends.retrievers import RETRIEVERS, build_retriever
from pytest_ladder.backends.splitter import chunk
from pytest_ladder.backends.structured import able
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.extensions import Extensions, Indexer, NoExtensions
from pytest_ladder.core.hybrids import referred
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.ports import LLM, Document, Example, Kit, Model, Retriever, System, Tool
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.core.scorers import SCORERS, build_scorer
from pytest_ladder.core.scores import MetricSpec, Scorer
from pytest_ladder.engine.client import attempt
from pytest_ladder.errors import InvalidFile, InvalidRequest, message
from pytest_ladder.rungs.hybrids.guarded import guarded
from pytest_ladder.rungs.hybrids.preparing import Once
from pytest_ladder.rungs.optimization.optimize import SEARCHING
from pytest_ladder.rungs.own import OwnSystem
from pytest_ladder.rungs.registry import build
from pytest_ladder.rungs.tools.function import FunctionTool
from pytest_ladder.session.setup.own_scorer import own_scorer
from pytest_ladder.store.corpus import read_documents, read_examples
from pytest_ladder.store.digests import found_path, searches
from pytest_ladder.store.paths import beside, inside, read_text, relative
from pytest_ladder.store.user_code import load

CORPUS_KEY = "corpus"
NOTHING_ADDED = NoExtensions()
Client = Callable[[RungSpec], LLM]
"""Gives the client of the model that a rung names."""


class Family(Protocol):
    """Metrics whose scorers another builds: those that a model judges."""

    def knows(self, metric: MetricSpec) -> bool:
        """Whether a metric is one of them."""
        ...

    def scorer(self, metric: MetricSpec) -> Scorer:
        """The scorer of one of them."""
        ...


class Assembler:
    """Builds the parts of one ladder."""

    def __init__(self, ladder: Ladder, evalsets: Sequence[EvalSet], extensions: Extensions = NOTHING_ADDED) -> None:
        self.ladder = ladder
        self.evalsets = evalsets
        """Every set whose cases no example may repeat."""
        self.extensions = extensions
        self.judged: Family | None = None
        """Who builds the scorers of metrics that a model judges."""
        self._documents: dict[Path, tuple[Document, ...]] = {}
        self._models: dict[tuple[str, str], Model] = {}

    def path(self, written: str) -> Path:
        """A path of ladder.toml, absolute and inside the rootdir."""
        return inside(self.ladder.rootdir, self.ladder.folder, written, self.ladder.where)

    def shown(self, written: str) -> str:
        """A path of ladder.toml as the user would type it from the rootdir."""
        return relative(self.path(written), self.ladder.rootdir)

    def function(self, reference: str, where: str) -> Callable[..., Any]:
        """A function that ladder.toml names; `where` begins the message of an error."""
        return load(reference, self.ladder.folder, self.ladder.rootdir, where)

    def documents(self, written: str) -> Sequence[Document]:
        """A corpus, read once."""
        path = self.path(written)
        if path not in self._documents:
            self._documents[path] = tuple(read_documents(path, self.ladder.rootdir))
        return self._documents[path]

    def examples(self, written: str) -> Sequence[Example]:
        """The worked examples of a file, none of which is a case."""
        path = self.path(written)
        read = [read_examples(path, self.ladder.rootdir, evalset) for evalset in self.evalsets]
        return read[0]

    def corpus(self) -> dict[str, str]:
        """Id -> text of every document of the ladder's corpora."""
        written = {str(rung.options[CORPUS_KEY]) for rung in self.ladder.rungs if rung.options.get(CORPUS_KEY)}
        return {document.id: document.text for name in written for document in self.documents(name)}

    def system(self, rung: RungSpec, client: Client, own: Callable[..., Any] | None = None) -> System:
        """The system of a rung, with what stands between it and its answers.

        Args:
            rung: Which.
            client: Gives the client of the model that a rung names.
            own: A function that answers in the place of the rung's own system.
        """
        others: dict[str, System] = {}

        def other(name: str) -> System:
            if name not in others:
                spec = self.ladder.rung(name)
                others[name] = Once(whole(served(spec), self.added(spec)))
            return others[name]

        def whole(spec: RungSpec, own: Callable[..., Any] | None) -> System:
            kit = replace(self.kit(spec, client), system=other)
            return guarded(self._bare(spec, kit, own), spec, kit)

        return whole(rung, own)

    def _bare(self, rung: RungSpec, kit: Kit, own: Callable[..., Any] | None) -> System:
        """The user's own system where there is one, else the built-in of the rung's kind."""
        if own is not None:
            return OwnSystem(own, self.ladder.rung(rung.id), kit.llm)
        if rung.system is not None:
            return OwnSystem(self.function(rung.system, rung.at("system")), rung, kit.llm)
        return build(found(self.ladder, rung), kit)

    def kit(self, rung: RungSpec, client: Client) -> Kit:
        """What the factory of a rung may use; `client` as above."""
        return Kit(
            llm=client(rung),
            read_text=lambda written: read_text(self.path(written), self.shown(written)),
            read_documents=self.documents,
            read_examples=self.examples,
            retriever=self._retriever,
            chunk=chunk,
            reranker=lambda name, settings: CrossEncoder(name, settings, self.ladder.folder),
            other=lambda key: client(rung.asking(key)),
            shown=self.shown,
            seed=self.ladder.seed,
            structured=lambda: able(rung.model, lambda name: self.function(name, self.ladder.at_model(rung))),
            tool=lambda reference: self._tool(rung, reference),
            function=self.function,
            attempt=attempt,
            found=partial(self._found, (rung, *referred(self.ladder.rungs, rung))),
            calling=lambda: calls_by(rung.model, lambda name: self.function(name, self.ladder.at_model(rung))),
        )

    def _found(self, rungs: Sequence[RungSpec], ids: Collection[str]) -> Sequence[Document]:
        """The documents of these ids, in their order, from the corpora of some rungs."""
        written = dict.fromkeys(str(rung.options[CORPUS_KEY]) for rung in rungs if rung.options.get(CORPUS_KEY))
        known = {document.id: document for name in written for document in self.documents(name)}
        return [known[id_] for id_ in ids if id_ in known]

    def added(self, rung: RungSpec) -> Callable[..., Any] | None:
        """The system that a plugin gives for a rung whose table names none."""
        return None if rung.system else self.extensions.system(rung, self.ladder)

    def _tool(self, rung: RungSpec, reference: str) -> Tool:
        where = rung.at("tools")
        return FunctionTool(self.function(reference, where), reference.rpartition(":")[2], where)

    def _retriever(
        self, name: str, documents: Sequence[Document], options: Mapping[str, Json], where: str = "retriever"
    ) -> Retriever:
        index = self.indexer(name, options)
        return index(documents) if index else build_retriever(name, documents, options, where, self.ladder.folder)

    def indexer(self, name: str, options: Mapping[str, Json]) -> Indexer | None:
        """Who indexes a corpus for a retriever that a plugin adds; None for a name that none of them knows."""
        return None if name in RETRIEVERS.names else self.extensions.retriever(name, options)

    def opener(self, rung: RungSpec) -> Callable[[str], Model]:
        """How a rung's model is opened by its name; one that another rung has open in the same way is shared."""
        return self.model_opener(run_settings(rung), self.ladder.at_model(rung))

    def model_opener(self, settings: Mapping[str, Any], where: str) -> Callable[[str], Model]:
        """The same for settings of `model_options`; `where` begins the message of an error."""

        def open_model(name: str) -> Model:
            key = name, repr(sorted(settings.items()))
            if key not in self._models:
                base, _, adapter = name.partition(ADAPTER)
                self._models[key] = build_model(
                    base,
                    load_function=lambda reference: self.function(reference, where),
                    folder=self.ladder.folder,
                    adapter=self.path(adapter) if adapter else None,
                    price=self.ladder.prices.get(name),
                    **settings,
                )
            return self._models[key]

        return open_model

    def scorers(self) -> dict[str, Scorer]:
        """Metric -> its scorer."""
        return {metric.name: self.scorer(metric) for metric in self.ladder.metrics}

    def scorer(self, metric: MetricSpec) -> Scorer:
        """The scorer of one metric: the user's own function, or a registered one."""
        where = self.ladder.at("metrics", metric.name, "scorer")
        if self.judged is not None and self.judged.knows(metric):
            return self.judged.scorer(metric)
        if ":" in metric.scorer:
            return own_scorer(self.function(metric.scorer, where), metric.options, f"{where}: {metric.scorer}")
        added = None if metric.scorer in SCORERS else self.extensions.scorer(metric.scorer, metric.options)
        if added is not None:
            return own_scorer(added, {}, f"{where}: {metric.scorer}")
        if metric.scorer in SCORERS:
            where = self.ladder.at("metrics", metric.name, "options")
        try:
            return build_scorer(metric.scorer, self._options(metric))
        except InvalidRequest as fault:
            raise InvalidFile(f"{where}: {fault}") from None

    def _options(self, metric: MetricSpec) -> Mapping[str, Json]:
        schema = metric.options.get("schema")
        if metric.scorer != "json_schema" or not isinstance(schema, str):
            return metric.options
        try:
            return {**metric.options, "schema": json.loads(read_text(self.path(schema), self.shown(schema)))}
        except json.JSONDecodeError as error:
            where = f"{self.shown(schema)}:{error.lineno}"
            raise InvalidFile(message(where, f"not JSON ({error.msg})", expected="a JSON Schema")) from None

    def close(self) -> None:
        """Free the models."""
        for model in self._models.values():
            model.close()
        self._models.clear()


ADAPTER = "+adapter:"
"""Joins a base model's name and the folder of its LoRA adapter into one model name."""


def run_settings(rung: RungSpec) -> dict[str, Any]:
    """What of a rung's `model_options` says how its model runs or is reached, not what it is asked."""
    known = settings_of(rung.model) if rung.model else ()
    return {key: value for key, value in rung.model_options.items() if key in known}


def served(rung: RungSpec) -> RungSpec:
    """The rung with the model that answers for it: for a tuned rung, its base and its adapter."""
    if rung.kind is not Kind.FINE_TUNE:
        return rung
    base, adapter = rung.options.get("base") or rung.model, rung.options.get("adapter")
    return replace(rung, model=f"{base}{ADAPTER}{adapter}" if base and adapter else base)


def found(ladder: Ladder, rung: RungSpec) -> RungSpec:
    """A rung whose prompt a search finds, with that prompt: until there is one, with the prompt that it begins with."""
    if not searches(rung):
        return rung
    path = found_path(ladder, rung)
    prompt = beside(path, ladder.folder) if path.exists() else rung.options["prompt"]
    kept = {key: value for key, value in rung.options.items() if key not in SEARCHING}
    return replace(rung, options={**kept, "prompt": prompt})
