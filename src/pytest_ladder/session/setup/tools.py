"""The rungs whose model calls tools: looked at before anything is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pytest_ladder.core.answers import Reply
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.names import mend
from pytest_ladder.core.ports import Hit, Kit
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.errors import InvalidFile, InvalidRequest, message
from pytest_ladder.rungs.registry import build
from pytest_ladder.session.setup.assemble import Assembler

TOOL_AGENT = "tool_agent"


class Nobody:
    """A model client that is never asked, a retriever that is never searched, a reranker that orders nothing."""

    async def chat(self, messages: Sequence[Mapping[str, Json]], /, **options: Json) -> Reply:  # noqa: ARG002
        """Refuse."""
        raise InvalidRequest(message("llm", "nothing is asked while a ladder is read"))

    def search(self, query: str, top_k: int, /) -> Sequence[Hit]:  # noqa: ARG002
        """Find nothing."""
        return ()

    async def scores(self, query: str, texts: Sequence[str], /) -> Sequence[float]:  # noqa: ARG002
        """Find all alike."""
        return [0.0] * len(texts)


def without_search(kit: Kit) -> Kit:
    """The same kit with neither an index nor a reranker, whose weights need not be here."""
    return replace(kit, retriever=lambda *_: Nobody(), reranker=lambda *_: Nobody())


def agents(ladder: Ladder) -> Iterator[RungSpec]:
    """The rungs whose built-in system calls tools."""
    for rung in ladder.rungs:
        built_in = rung.kind is Kind.DECOMPOSE and rung.system is None and "router" not in rung.options
        if built_in and rung.options.get("strategy") == TOOL_AGENT:
            yield rung


def check_agents(assembler: Assembler, evalset: EvalSet) -> None:
    """Load the tools of each agent, and read its rules against them and against the cases.

    Raises:
        InvalidFile: a tool cannot be offered to a model, a rule cannot be used, or it asks for metadata that no case
            has.
    """
    for rung in agents(assembler.ladder):
        if assembler.added(rung) is None:
            build(rung, without_search(assembler.kit(rung, lambda _: Nobody())))
            _check_metadata(rung, evalset)


def _check_metadata(rung: RungSpec, evalset: EvalSet) -> None:
    for tool, rule in (rung.options.get("tool_rules") or {}).items():
        for part in ("when", "required"):
            asked = rule.get(part)
            check_known(asked if isinstance(asked, dict) else (), evalset, rung.at("tool_rules", tool, part))


def check_known(keys: Iterable[str], evalset: EvalSet, where: str) -> None:
    """Check that cases have what a rule asks of their metadata; InvalidFile on a key that none of them has."""
    known = dict.fromkeys(key for case in evalset for key in case.metadata)
    for key in keys:
        if key not in known:
            fault, expected = "no case has this key in its `metadata`", " | ".join(known) or None
            raise InvalidFile(message(where, fault, got=key, expected=expected, next_step=mend(key, known)))
