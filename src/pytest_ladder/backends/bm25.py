"""The retriever `bm25`: Okapi BM25 as rank_bm25 computes it, with its edge cases mended."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_ladder.backends.options import Rule, check_options, is_number
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.ports import Document, Hit

if TYPE_CHECKING:
    from rank_bm25 import BM25Okapi

RULES = {
    "k1": Rule(lambda value: is_number(value) and 0 < value < math.inf, "a number above 0"),
    "b": Rule(lambda value: is_number(value) and 0 <= value <= 1, "a number from 0 to 1"),
}

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]+")


def words(text: str) -> list[str]:
    """Split a text into lowercased Unicode words (NFKC); Chinese characters and kana stand alone."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def build_bm25(documents: Sequence[Document], options: Mapping[str, Json]) -> Bm25:
    """Build the retriever from the options `k1` and `b`; other ones raise InvalidRequest."""
    check_options(options, RULES, "retriever bm25")
    return Bm25(documents, **options)


class Bm25:
    """Finds the documents whose title and text share words with a query.

    Fewer than `top_k` documents come back where fewer share a word with the query. Scores are those of
    `rank_bm25.BM25Okapi` (`epsilon` 0.25) over `words(title + " " + text)`, but for terms to which it gives no
    positive weight: a term that stands in exactly half of the documents gets its floor for frequent terms, and in a
    corpus so small that this floor is not positive either, every term gets Lucene's weight ln(1 + (N-n+0.5)/(n+0.5)).
    """

    def __init__(self, documents: Sequence[Document], k1: float = 1.5, b: float = 0.75) -> None:
        """Index the documents.

        Args:
            documents: The corpus; it may be empty, and documents in it too.
            k1: Saturation of term frequency, above 0.
            b: Share of length normalisation, 0 to 1.
        """
        self._documents = tuple(documents)
        tokens = [words(f"{document.title} {document.text}") for document in self._documents]
        self._postings: dict[str, list[int]] = defaultdict(list)
        for position, found in enumerate(tokens):
            for term in dict.fromkeys(found):
                self._postings[term].append(position)
        self._index = _okapi(tokens, k1, b) if self._postings else None

    def search(self, query: str, top_k: int, /) -> list[Hit]:
        """The best documents, best first; ties by position in the corpus."""
        terms = [term for term in words(query) if term in self._postings]
        found = sorted({position for term in terms for position in self._postings[term]})
        if not found or self._index is None:
            return []
        scores = [float(score) for score in self._index.get_batch_scores(terms, found)]
        # Rounded for the order alone, so that the last bit of a platform's logarithm does not decide a tie.
        order = sorted(range(len(found)), key=lambda i: (-round(scores[i], 9), found[i]))
        return [Hit(self._documents[found[i]], scores[i]) for i in order[: max(top_k, 0)]]


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
