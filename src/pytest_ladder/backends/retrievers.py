"""Retrievers by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_ladder.backends.bm25 import build_bm25
from pytest_ladder.backends.bm25s_index import build_bm25s
from pytest_ladder.backends.dense import build_dense
from pytest_ladder.backends.hybrid import build_hybrid
from pytest_ladder.backends.registry import Registry
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.ports import Document, Retriever

RETRIEVERS: Registry[Retriever] = Registry("retriever")
RETRIEVERS.add("bm25", build_bm25)
RETRIEVERS.add("bm25s", build_bm25s)
RETRIEVERS.add("dense", build_dense)
RETRIEVERS.add("hybrid", build_hybrid)


def build_retriever(
    name: str, documents: Sequence[Document], options: Mapping[str, Json], where: str = "retriever",
    home: Path | None = None,
) -> Retriever:  # fmt: skip
    """Build a retriever over documents; an unknown name or option raises InvalidRequest.

    `home` is the ladder's folder: local weights are relative to it, and embeddings are kept in it; None keeps none.
    """
    return RETRIEVERS.get(name, where)(documents, options, home)
