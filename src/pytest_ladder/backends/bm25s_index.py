"""The retriever `bm25s`: BM25 in five variants by the library of that name, its index kept on disk."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_ladder.backends import bm25
from pytest_ladder.backends.bm25 import best_of, indexed_text, words
from pytest_ladder.backends.bm25s_files import IndexFiles
from pytest_ladder.backends.options import Rule, check_options
from pytest_ladder.backends.require import require
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.daemon import run_in_daemon
from pytest_ladder.core.ports import Document, Hit
from pytest_ladder.errors import MissingDependency, message

EXTRA = "bm25s"
WHERE = "retriever bm25s"
METHODS = ("lucene", "robertson", "atire", "bm25l", "bm25+")
RULES = {
    **bm25.RULES,
    "method": Rule(lambda value: value in METHODS, " | ".join(METHODS)),
    "numba": Rule(lambda value: isinstance(value, bool), "true or false"),
}


def build_bm25s(documents: Sequence[Document], options: Mapping[str, Json], home: Path | None = None) -> Bm25s:
    """Build the retriever from the options `k1`, `b`, `method` and `numba`; other ones raise InvalidRequest.

    Raises:
        InvalidRequest: another option, or a value that cannot be used.
    """
    check_options(options, RULES, WHERE)
    return Bm25s(documents, home, **options)


def _library(*, numba: bool) -> Any:
    library = require("bm25s", WHERE, EXTRA)
    if numba and find_spec("numba") is None:
        next_step = "install it: `pip install numba`, or leave the option out"
        raise MissingDependency(message(WHERE, "`numba = true` needs the package `numba`", next_step=next_step))
    return library


class Bm25s:
    """Finds the documents whose title and text share words with a query, by one of the variants of BM25.

    What counts as a word is what `bm25` counts, and so is the order of ties. Scores are those of the library, in
    double precision. Those of `bm25` are k1 + 1 times those of the method `robertson`, for words that stand in fewer
    than half of the documents. A document comes back if a word that it shares weighs anything: `robertson` gives no
    weight to words of at least half of the documents, and `atire` none to words of all.

    The index is made, or read from disk, by `prepare` or at the first search; it is kept by the digest of the texts,
    the options and the library's version.
    """

    def __init__(
        self,
        documents: Sequence[Document],
        home: Path | None = None,
        k1: float = 1.5,
        b: float = 0.75,
        method: str = METHODS[0],
        numba: bool = False,
    ) -> None:
        """Take the corpus, which may be empty, and documents in it too; nothing is indexed yet.

        Args:
            documents: The corpus.
            home: The ladder's folder, where the index is kept; None keeps it in memory.
            k1: Saturation of term frequency, above 0.
            b: Share of length normalisation, 0 to 1.
            method: One of `METHODS`; `bm25l` and `bm25+` with the library's delta of 0.5.
            numba: Compile the search with numba, which must be installed.
        """
        self._documents = tuple(documents)
        self._texts = [indexed_text(document) for document in self._documents]
        self._settings = {"k1": float(k1), "b": float(b), "method": method}
        self._backend = "numba" if numba else "numpy"
        self._files = IndexFiles(home)
        self._lock = threading.Lock()
        self._index: Any = None
        self._ready = False

    async def prepare(self) -> None:
        """Make or read the index, beside the event loop.

        Raises:
            MissingDependency: bm25s is not installed, or `numba` is asked for and is not.
        """
        await run_in_daemon(self._made)

    def search(self, query: str, top_k: int, /) -> list[Hit]:
        """The best documents, best first; ties by position in the corpus."""
        import numpy as np

        index = self._made()
        known = [word for word in words(query) if word in index.vocab_dict] if index is not None else []
        if not known or top_k <= 0:
            return []
        scores = index.get_scores(known)
        found = np.flatnonzero(scores > _base(index, known))
        return [Hit(self._documents[place], float(scores[place])) for place in best_of(scores, found, top_k)]

    def _made(self) -> Any:
        with self._lock:
            if not self._ready:
                self._index = self._read_or_build()
                self._ready = True
            return self._index

    def _read_or_build(self) -> Any:
        library = _library(numba=self._backend == "numba")
        key = self._files.key(self._texts, self._settings)
        found = self._files.read(key, library, self._backend)
        if found is not None:
            return found
        tokens = [words(text) for text in self._texts]
        if not any(tokens):
            return None
        made = library.BM25(**self._settings, dtype="float64", backend=self._backend)
        made.index(tokens, show_progress=False)
        self._files.write(key, made)
        return made


def _base(index: Any, known: Sequence[str]) -> float:
    """What `bm25l` and `bm25+` give a document that shares no word with the query; 0 for the other methods."""
    if index.nonoccurrence_array is None:
        return 0.0
    return float(index.nonoccurrence_array[index.get_tokens_ids(list(known))].sum())
