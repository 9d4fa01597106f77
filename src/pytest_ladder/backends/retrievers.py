"""Retrievers by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_ladder.backends.bm25 import build_bm25
from pytest_ladder.backends.registry import Registry
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.ports import Document, Retriever

RETRIEVERS: Registry[Retriever] = Registry("retriever")
RETRIEVERS.add("bm25", build_bm25)
for _name in ("dense", "hybrid"):
    RETRIEVERS.announce(_name, 'use "bm25", or give the rung a `system` of your own')


def build_retriever(
    name: str, documents: Sequence[Document], options: Mapping[str, Json], where: str = "retriever"
) -> Retriever:
    """Build a retriever over documents; an unknown name or option raises InvalidRequest."""
    return RETRIEVERS.get(name, where)(documents, options)
