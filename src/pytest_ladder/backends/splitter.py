"""Split documents into chunks where the text itself has its seams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_ladder.core.ports import Document
from pytest_ladder.errors import InvalidRequest, message


def chunk(documents: Sequence[Document], size_chars: int, overlap_chars: int) -> list[Document]:
    """Split documents at paragraphs, sentences or words, whichever is the largest seam that fits.

    A chunk keeps its document's id and title. A document without text stays as it is.

    Args:
        documents: What to split.
        size_chars: Most characters in a chunk, at least 1.
        overlap_chars: Most characters that a chunk repeats of the one before, from 0 to below `size_chars`.

    Raises:
        InvalidRequest: a size out of range.
    """
    from semantic_text_splitter import TextSplitter

    if size_chars < 1:
        raise InvalidRequest(message("chunk_size", "it is too small", got=size_chars, expected="at least 1 character"))
    if not 0 <= overlap_chars < size_chars:
        expected = f"from 0 to below chunk_size ({size_chars})"
        raise InvalidRequest(message("chunk_overlap", "it is out of range", got=overlap_chars, expected=expected))
    splitter = TextSplitter(size_chars, overlap=overlap_chars)
    return [
        replace(document, text=text)
        for document in documents
        for text in splitter.chunks(document.text) or [document.text]
    ]
