"""Context compression: of what was found only the sentences that fit the question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Document, Kit
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.rungs import options

DEFAULT_KEEP = 8
_SEAM = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


class Compressor:
    """Keeps the sentences that share most with the question, by BM25 over the sentences of what was found."""

    def __init__(self, kit: Kit, keep: int) -> None:
        """Keep so many sentences of all documents together."""
        self._kit = kit
        self._keep = keep

    def shorten(self, question: Question, documents: Sequence[Document]) -> list[Document]:
        """The same documents, their kept sentences in order; one of which none is kept has its first."""
        parts = [sentences(document.text) or [document.text] for document in documents]
        places = [(row, column) for row, part in enumerate(parts) for column in range(len(part))]
        every = [Document(str(place), parts[row][column]) for place, (row, column) in enumerate(places)]
        hits = self._kit.retriever("bm25", every, {}).search(question.text, self._keep)
        kept = {places[int(hit.document.id)] for hit in hits}
        kept |= {(row, 0) for row in range(len(parts)) if all(place[0] != row for place in kept)}
        return [
            replace(document, text=" ".join(text for column, text in enumerate(part) if (row, column) in kept))
            for row, (document, part) in enumerate(zip(documents, parts, strict=True))
        ]


def sentences(text: str) -> list[str]:
    """A text's sentences and lines."""
    return [part.strip() for part in _SEAM.split(text) if part.strip()]


def read_compressor(spec: RungSpec, kit: Kit) -> Compressor | None:
    """What `compress` and `keep_sentences` ask for; None where it is off."""
    keep = options.whole(spec, "keep_sentences", DEFAULT_KEEP, least=1)
    return Compressor(kit, keep) if options.flag(spec, "compress") else None
