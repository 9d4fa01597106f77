"""Live or structured sources are reached by a tool, prose by retrieval: told where a corpus looks like records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.structure import structure
from pytest_ladder.errors import LadderError
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.setup.assemble import CORPUS_KEY
from pytest_ladder.session.setup.tools import agents

LOOKED_AT = 2000
"""Documents of a corpus that are looked at, at most, evenly spread."""


def tools_first(run: LadderRun) -> Iterator[str]:
    """One line for each corpus of records that rungs search; none where the ladder has an agent with tools already."""
    if any(agents(run.ladder)):
        return
    for corpus, rungs in _searched(run.ladder).items():
        texts = _texts(run, corpus)
        found = structure(texts[:: len(texts) // LOOKED_AT + 1])
        if found.structured:
            where, share = run.assembler.shown(corpus), f"{found.share:.0%} of its documents, most of them {found.form}"
            yield (
                f"{', '.join(rungs)}: {where} looks like records, not prose ({share}): a tool may serve it better, as "
                '`strategy = "tool_agent"` of [rungs.decompose] calls it'
            )


def _searched(ladder: Ladder) -> dict[str, list[str]]:
    """Corpus -> the rungs whose built-in system searches it."""
    found: dict[str, list[str]] = {}
    for rung in ladder.rungs:
        corpus = rung.options.get(CORPUS_KEY)
        if isinstance(corpus, str) and rung.system is None:
            found.setdefault(corpus, []).append(rung.id)
    return found


def _texts(run: LadderRun, corpus: str) -> Sequence[str]:
    try:
        return [document.text for document in run.assembler.documents(corpus)]
    except LadderError:  # it is told of where the corpus is used
        return []
