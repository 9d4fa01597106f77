"""The tables of rungs that have no answers yet: read as far as they can be before anything is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pytest_ladder.backends.model_check import check_model
from pytest_ladder.backends.openai_compatible import PREFIX
from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import EvalSet, Question
from pytest_ladder.core.ports import Kit, System
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.errors import InvalidFile, InvalidRequest, LadderError
from pytest_ladder.rungs.hybrids.guarded import guarded
from pytest_ladder.rungs.hybrids.routing import RULE
from pytest_ladder.rungs.registry import build
from pytest_ladder.rungs.retrieval.filtering import CASE
from pytest_ladder.session.setup.assemble import Assembler, found
from pytest_ladder.session.setup.tools import Nobody, check_known

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
    """A system that is never asked, and a reranker that orders nothing."""

    async def answer(self, question: Question, /) -> Answer:  # noqa: ARG002
        return Answer()

    async def scores(self, query: str, texts: Sequence[str], /) -> Sequence[float]:  # noqa: ARG002
        return [0.0] * len(texts)


def check_tables(assembler: Assembler, evalset: EvalSet, has_answers: Callable[[RungSpec], bool]) -> None:
    """Check the rungs of a ladder; those that have answers were built from the same files before.

    Raises:
        InvalidFile: a rung cannot be used, or its router or its filters ask for metadata that no case has.
    """
    for rung in assembler.ladder.rungs:
        _check_routes(rung, evalset)
        _check_filters(rung, evalset)
        if not has_answers(rung):
            _check_models(assembler, rung)
            _check_table(assembler, rung)


def _check_models(assembler: Assembler, rung: RungSpec) -> None:
    """Check the options of every model that a rung asks, and the price of one that only ladder.toml can know.

    What LiteLLM knows of names and prices is asked once the rung's turn comes.
    """
    ladder = assembler.ladder
    for asked in rung.asks if rung.kind is not Kind.FINE_TUNE else ():
        if asked.model is None:
            continue
        price = ladder.prices.get(asked.model)
        try:
            check_model(asked.model, asked.model_options, price, ladder.folder, asked=asked.model.startswith(PREFIX))
        except InvalidRequest as fault:
            raise InvalidFile(f"{ladder.at_model(rung)}: {fault}") from None


def _check_table(assembler: Assembler, rung: RungSpec) -> None:
    """Build the system of a rung without its model, its index and its reranker.

    What these find wrong, and an extra that is not installed, is told when the rung's turn comes: a run of the other
    rungs need not have it.
    """
    kit = replace(
        assembler.kit(rung, lambda _: Nobody()), retriever=lambda *_: Nobody(), reranker=lambda *_: _Stub(),
        system=lambda _: _Stub(),
    )  # fmt: skip
    try:
        guarded(_system(assembler, rung, kit), rung, kit)
    except InvalidFile:
        raise
    except LadderError:
        return


def _system(assembler: Assembler, rung: RungSpec, kit: Kit) -> System:
    """The built-in system that a table clearly asks for; else nothing that is looked into."""
    own = rung.system is not None or assembler.added(rung) is not None
    whole = "router" in rung.options or all(key in rung.options for key in NEEDS.get(rung.kind, ("router",)))
    return build(found(assembler.ladder, rung), kit) if whole and not own else _Stub()


def _check_routes(rung: RungSpec, evalset: EvalSet) -> None:
    router = rung.options.get("router")
    for number, rule in enumerate(router if isinstance(router, list) else (), 1):
        check_known(rule.get("when") or {}, evalset, f"{rung.at('router')} {RULE} {number}")


def _check_filters(rung: RungSpec, evalset: EvalSet) -> None:
    for key, asked in (rung.options.get("filters") or {}).items():
        if isinstance(asked, Mapping) and isinstance(asked.get(CASE), str):
            check_known((asked[CASE],), evalset, f"{rung.at('filters')} {key}")
