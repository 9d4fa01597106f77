"""The retriever `dense`: documents whose embedding lies near that of the query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ladder.backends.embedder import BATCH_SIZE, DOCUMENT, QUERY, Embedder
from pytest_ladder.backends.options import Rule, check_options, is_integer
from pytest_ladder.backends.weights_folder import FORMS
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.daemon import run_in_daemon
from pytest_ladder.core.ports import Document, Hit
from pytest_ladder.errors import InvalidRequest, message

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

RULES = {
    "embedder": Rule(lambda value: isinstance(value, str) and value != "", FORMS),
    "device": Rule(lambda value: isinstance(value, str) and value != "", "`cpu`, `cuda`, `cuda:1` ..."),
    "batch_size": Rule(lambda value: is_integer(value) and value > 0, "a whole number from 1"),
}


def build_dense(documents: Sequence[Document], options: Mapping[str, Json], home: Path | None = None) -> Dense:
    """Build the retriever from the options `embedder`, `device` and `batch_size`.

    Raises:
        InvalidRequest: another option, a value that cannot be used, no `embedder`, or its folder is not there.
    """
    check_options(options, RULES, "retriever dense")
    return Dense(documents, embedder_of(options, home, "retriever dense"))


def embedder_of(options: Mapping[str, Json], home: Path | None, where: str) -> Embedder:
    """The embedder that a retriever's options name; InvalidRequest where they name none."""
    if "embedder" not in options:
        raise InvalidRequest(message(where, "no `embedder` is named", expected=FORMS))
    size = int(options.get("batch_size", BATCH_SIZE))
    return Embedder(str(options["embedder"]), home, options.get("device"), size)


class Dense:
    """Ranks every document by the cosine between its embedding and the query's; scores are from -1 to 1.

    The title and the text of a document are embedded together, cut where the model's window ends. The search is
    exact: it looks at every document.
    """

    def __init__(self, documents: Sequence[Document], embedder: Embedder) -> None:
        """Take the corpus, which may be empty; it is embedded by `prepare`, or at the first search."""
        self._documents = tuple(documents)
        self._embedder = embedder
        self._matrix: Array | None = None

    async def prepare(self) -> None:
        """Embed the corpus, beside the event loop."""
        await run_in_daemon(self._index)

    def search(self, query: str, top_k: int, /) -> list[Hit]:
        """The nearest documents, best first; ties by position in the corpus."""
        matrix = self._index()
        return self._best(matrix, self._embedder.embed([query], QUERY)[0], top_k) if len(matrix) else []

    async def find(self, query: str, top_k: int, /) -> list[Hit]:
        """The same, the query embedded together with those of others that are asked at the same time."""
        if self._matrix is None:
            await self.prepare()
        matrix = self._index()
        return self._best(matrix, await self._embedder.query(query), top_k) if len(matrix) else []

    def _index(self) -> Array:
        if self._matrix is None:
            texts = [f"{document.title}\n{document.text}".strip() for document in self._documents]
            self._matrix = self._embedder.embed(texts, DOCUMENT)
        return self._matrix

    def _best(self, matrix: Array, query: Array, top_k: int) -> list[Hit]:
        import numpy as np

        if top_k <= 0:
            return []
        scores = np.asarray(matrix @ query, np.float64)
        # Rounded for the order alone, so that the last bits, which hang on the batch, do not decide a tie.
        ranks = np.round(scores, 6)
        found = np.arange(len(scores))
        if len(found) > top_k:
            found = np.flatnonzero(ranks >= np.partition(ranks, -top_k)[-top_k])
        order = found[np.lexsort((found, -ranks[found]))][:top_k]
        return [Hit(self._documents[place], float(scores[place])) for place in order]
