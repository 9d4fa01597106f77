"""The tables of rungs that are to be asked: read as far as they can be before anything is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_ladder.backends.model_check import check_model
from pytest_ladder.backends.models import is_function
from pytest_ladder.backends.openai_compatible import PREFIX
from pytest_ladder.backends.retrievers import build_retriever
from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import EvalSet, Question
from pytest_ladder.core.hybrids import CLASSIFIER
from pytest_ladder.core.ports import Document, Kit, Retriever, System
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.errors import InvalidFile, InvalidRequest, MissingDependency
from pytest_ladder.rungs.hybrids.guarded import guarded
from pytest_ladder.rungs.hybrids.routing import RULE
from pytest_ladder.rungs.registry import build
from pytest_ladder.rungs.retrieval.filtering import CASE
from pytest_ladder.session.setup.assemble import Assembler, found
from pytest_ladder.session.setup.tools import Nobody, check_known, without_search
from pytest_ladder.store.modules import names_file

NEEDS: Mapping[Kind, Sequence[str]] = {
    Kind.PROMPT: ("prompt",),
    Kind.FEW_SHOT: ("prompt", "examples"),
    Kind.OPTIMIZE: ("prompt",),
    Kind.RAG: ("prompt", "corpus"),
    Kind.ADVANCED_RAG: ("prompt", "corpus"),
    Kind.DECOMPOSE: ("strategy",),
}
"""Kind -> the keys without which a test may be meant to give the system. A tuned rung waits for its adapter."""


class _Stub:
    """A system that is never asked."""

    async def answer(self, question: Question, /) -> Answer:  # noqa: ARG002
        return Answer()


def check_tables(
    assembler: Assembler,
    evalset: EvalSet,
    has_answers: Callable[[RungSpec], bool],
    in_run: Callable[[RungSpec], bool],
) -> None:
    """Check the rungs of a ladder.

    Args:
        assembler: Of the ladder.
        evalset: The eval set.
        has_answers: Whether a rung has answers: then it was built from the same files before.
        in_run: Whether a rung may be asked in this run: weights, prices and LiteLLM need not be here for another one.

    Raises:
        InvalidFile: a rung cannot be used, or its router or its filters ask for metadata that no case has.
    """
    for rung in assembler.ladder.rungs:
        _check_routes(rung, evalset)
        _check_filters(rung, evalset)
        if not has_answers(rung):
            table = _Table(assembler, rung, in_run(rung))
            table.check_models()
            table.check_system()


@dataclass(frozen=True)
class _Table:
    """The table of one rung that has no answers."""

    assembler: Assembler
    rung: RungSpec
    in_run: bool

    def check_models(self) -> None:
        """Check the options of each model that the rung asks and, where it will be asked, its name and its price."""
        for where, asked in self._asked():
            if asked.model is None:
                continue
            serves = self.in_run and self._built_in
            try:
                self._check_model(where, asked.model, asked, asked=serves or asked.model.startswith(PREFIX))
            except InvalidRequest as fault:
                raise InvalidFile(f"{where}: {fault}") from None

    def _asked(self) -> Iterator[tuple[str, RungSpec]]:
        """Where a model is named, and the rung as it asks it."""
        rung = self.rung
        if rung.kind is Kind.FINE_TUNE:
            return
        if rung.options.get("router", CLASSIFIER) == CLASSIFIER:
            yield self.assembler.ladder.at_model(rung), rung
        yield from ((rung.at(key), rung.asking(key)) for key in rung.others)

    def _check_model(self, where: str, name: str, spec: RungSpec, *, asked: bool) -> None:
        ladder = self.assembler.ladder
        check_model(name, spec.model_options, ladder.prices.get(name), ladder.folder, asked=asked)
        if asked and is_function(name) and not names_file(name):
            self.assembler.function(name, where)

    def check_system(self) -> None:
        """Build the system without asking, indexing or loading; an extra that is not installed is told in its turn."""
        kit = replace(self.assembler.kit(self.rung, lambda _: Nobody()), system=lambda _: _Stub())
        kit = replace(kit, retriever=self._retriever) if self.in_run else without_search(kit)
        try:
            guarded(self._system(kit), self.rung, kit)
        except MissingDependency:
            return
        except InvalidRequest as fault:
            raise InvalidFile(str(fault)) from None

    def _retriever(self, name: str, _: Sequence[Document], options: Mapping[str, Json]) -> Retriever:
        """The retriever over nothing; that of a plugin is not looked into."""
        added = self.assembler.indexer(name, options)
        return Nobody() if added else build_retriever(name, (), options, home=self.assembler.ladder.folder)

    def _system(self, kit: Kit) -> System:
        return build(found(self.assembler.ladder, self.rung), kit) if self._built_in else _Stub()

    @property
    def _built_in(self) -> bool:
        """Whether the table clearly asks for a built-in system; no other is looked into."""
        rung = self.rung
        own = rung.system is not None or self.assembler.added(rung) is not None
        whole = "router" in rung.options or all(key in rung.options for key in NEEDS.get(rung.kind, ("router",)))
        return whole and not own


def _check_routes(rung: RungSpec, evalset: EvalSet) -> None:
    router = rung.options.get("router")
    for number, rule in enumerate(router if isinstance(router, list) else (), 1):
        check_known(rule.get("when") or {}, evalset, f"{rung.at('router')} {RULE} {number}")


def _check_filters(rung: RungSpec, evalset: EvalSet) -> None:
    for key, asked in (rung.options.get("filters") or {}).items():
        if isinstance(asked, Mapping) and isinstance(asked.get(CASE), str):
            check_known((asked[CASE],), evalset, f"{rung.at('filters')} {key}")
