"""What a reader knows a document by: its title, or its first words."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ladder.core.ports import Document
from pytest_ladder.errors import LadderError
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.setup.assemble import CORPUS_KEY

MOST_SIGNS = 100


def headings(run: LadderRun) -> Mapping[str, str]:
    """Id -> title or first words of every document of the ladder's corpora; those that cannot be read are left out."""
    named = dict.fromkeys(str(rung.options[CORPUS_KEY]) for rung in run.ladder.rungs if rung.options.get(CORPUS_KEY))
    return {document.id: _heading(document) for name in named for document in _documents(run, name)}


def _documents(run: LadderRun, name: str) -> tuple[Document, ...]:
    try:
        return tuple(run.assembler.documents(name))
    except LadderError:  # it is told of where the corpus is used
        return ()


def _heading(document: Document) -> str:
    text = " ".join((document.title or document.text[: 4 * MOST_SIGNS]).split())
    return text if len(text) <= MOST_SIGNS else f"{text[: MOST_SIGNS - 1]}…"
