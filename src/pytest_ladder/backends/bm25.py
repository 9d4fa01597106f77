"""The retriever `bm25`: Okapi BM25 as rank_bm25 computes it, with its edge cases mended."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ladder.backends.options import Rule, check_options, is_number
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.daemon import run_in_daemon
from pytest_ladder.core.ports import Document, Hit

if TYPE_CHECKING:
    import numpy as np
    from rank_bm25 import BM25Okapi

    Array = np.ndarray[Any, Any]

RULES = {
    "k1": Rule(lambda value: is_number(value) and 0 < value < math.inf, "a number above 0"),
    "b": Rule(lambda value: is_number(value) and 0 <= value <= 1, "a number from 0 to 1"),
}

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]+")


def words(text: str) -> list[str]:
    """Split a text into lowercased Unicode words (NFKC); Chinese characters and kana stand alone."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def build_bm25(documents: Sequence[Document], options: Mapping[str, Json], _: Path | None = None) -> Bm25:
    """Build the retriever from the options `k1` and `b`; other ones raise InvalidRequest."""
    check_options(options, RULES, "retriever bm25")
    return Bm25(documents, **options)


class Bm25:
    """Finds the documents whose title and text share words with a query.

    Fewer than `top_k` documents come back where fewer share a word with the query. Scores are those of
    `rank_bm25.BM25Okapi` (`epsilon` 0.25) over `words(title + " " + text)`, but for terms to which it gives no
    positive weight: a term that stands in exactly half of the documents gets its floor for frequent terms, and in a
    corpus so small that this floor is not positive either, every term gets Lucene's weight ln(1 + (N-n+0.5)/(n+0.5)).

    What each word adds to each document is computed once, by `prepare` or at the first search, so that a query only
    adds up the lists of its words.
    """

    def __init__(self, documents: Sequence[Document], k1: float = 1.5, b: float = 0.75) -> None:
        """Take the documents; they are not indexed yet.

        Args:
            documents: The corpus; it may be empty, and documents in it too.
            k1: Saturation of term frequency, above 0.
            b: Share of length normalisation, 0 to 1.
        """
        self._documents = tuple(documents)
        self._k1, self._b = k1, b
        self._made: dict[str, tuple[Array, Array]] | None = None

    async def prepare(self) -> None:
        """Index the documents, beside the event loop."""
        await run_in_daemon(self._index)

    def search(self, query: str, top_k: int, /) -> list[Hit]:
        """The best documents, best first; ties by position in the corpus."""
        import numpy as np

        postings = self._index()
        lists = [postings[term] for term in words(query) if term in postings]
        if not lists or top_k <= 0:
            return []
        scores = np.zeros(len(self._documents))
        for positions, weights in lists:
            scores[positions] += weights
        places = best_of(scores, np.flatnonzero(scores), top_k)
        return [Hit(self._documents[place], float(scores[place])) for place in places]

    def _index(self) -> dict[str, tuple[Array, Array]]:
        if self._made is None:
            tokens = [words(indexed_text(document)) for document in self._documents]
            self._made = _postings(_okapi(tokens, self._k1, self._b)) if any(tokens) else {}
        return self._made


def indexed_text(document: Document) -> str:
    """What of a document is searched for words."""
    return f"{document.title} {document.text}"


def best_of(scores: Array, found: Array, top_k: int) -> Array:
    """Of the places found those of the highest scores, best first; ties by place.

    Scores are rounded for the order alone, so that the last bit of a platform's logarithm does not decide a tie.
    """
    import numpy as np

    ranks = np.round(scores[found], 9)
    if len(found) > top_k:
        kept = ranks >= np.partition(ranks, -top_k)[-top_k]
        found, ranks = found[kept], ranks[kept]
    return found[np.lexsort((found, -ranks))][:top_k]


def _postings(index: BM25Okapi) -> dict[str, tuple[Array, Array]]:
    """Term -> the documents that have it, ascending, and what it adds to the score of each."""
    import numpy as np

    terms: dict[str, int] = {}
    columns, rows, counts = [], [], []
    for row, frequencies in enumerate(index.doc_freqs):
        for term, count in frequencies.items():
            columns.append(terms.setdefault(term, len(terms)))
            rows.append(row)
            counts.append(count)
    column, row_of, tf = np.array(columns), np.array(rows, dtype=np.int32), np.array(counts, dtype=float)
    idf = np.array([index.idf[term] for term in terms])
    norm = index.k1 * (1 - index.b + index.b * np.array(index.doc_len) / index.avgdl)
    weights = idf[column] * (tf * (index.k1 + 1) / (tf + norm[row_of]))
    order = np.argsort(column, kind="stable")
    ends = np.cumsum(np.bincount(column, minlength=len(terms)))[:-1]
    return dict(
        zip(terms, zip(np.split(row_of[order], ends), np.split(weights[order], ends), strict=True), strict=True)
    )


def _okapi(tokens: list[list[str]], k1: float, b: float) -> BM25Okapi:
    from rank_bm25 import BM25Okapi

    class Okapi(BM25Okapi):  # type: ignore[misc]
        def _calc_idf(self, counts: Mapping[str, int]) -> None:
            super()._calc_idf(counts)
            _mend(self, counts)

    return Okapi(tokens, k1=k1, b=b)


def _mend(index: Any, counts: Mapping[str, int]) -> None:
    floor = index.epsilon * index.average_idf
    size = index.corpus_size
    for term, count in counts.items():
        if floor <= 0:
            index.idf[term] = math.log(1 + (size - count + 0.5) / (count + 0.5))
        elif index.idf[term] == 0:
            index.idf[term] = floor
