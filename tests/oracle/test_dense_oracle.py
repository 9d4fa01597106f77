"""The retriever `dense` against the search of sentence-transformers, on its real model."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from pytest_ladder.backends.retrievers import build_retriever
from pytest_ladder.core.ports import Document
from tests.embedding import EMBEDDER, folder, real_embedder

pytestmark = real_embedder
ARTICLES = Path(__file__).parents[2] / "examples/support/kb.jsonl"
QUERIES = ["my parcel has not come", "money back for a broken kettle", "how long may I send things back?", ""]


@pytest.fixture(scope="module")
def corpus() -> list[Document]:
    lines = [json.loads(line) for line in ARTICLES.read_text(encoding="utf-8").splitlines()]
    return [Document(line["id"], line["text"], line.get("title", "")) for line in lines[:120]]


def test_ranks_and_scores_are_those_of_semantic_search(corpus, tmp_path):
    from sentence_transformers import SentenceTransformer, util

    model = SentenceTransformer(str(folder()), device="cpu")
    texts = [f"{document.title}\n{document.text}".strip() for document in corpus]
    encode = {"convert_to_tensor": True, "normalize_embeddings": True, "show_progress_bar": False}
    expected = util.semantic_search(model.encode(QUERIES, **encode), model.encode(texts, **encode), top_k=10)
    retriever = build_retriever("dense", corpus, {"embedder": EMBEDDER, "device": "cpu"}, home=tmp_path)

    async def main() -> list:
        return await asyncio.gather(*(retriever.find(query, 10) for query in QUERIES))

    places = {document.id: place for place, document in enumerate(corpus)}
    for hits, theirs in zip(asyncio.run(main()), expected, strict=True):
        assert [hit.score for hit in hits] == pytest.approx([one["score"] for one in theirs], abs=1e-5)
        scores = {one["corpus_id"]: one["score"] for one in theirs}
        assert all(abs(scores.get(places[hit.document.id], hit.score) - hit.score) < 1e-5 for hit in hits)
        assert places[hits[0].document.id] == theirs[0]["corpus_id"] or theirs[0]["score"] - theirs[1]["score"] < 1e-5


def test_a_paraphrase_is_found_that_shares_no_word(tmp_path):
    corpus = [
        Document("colours", "The lamp comes in red and blue."), Document("money", "We reimburse purchases in full."),
        Document("post", "Parcels are shipped on weekdays."),
    ]  # fmt: skip
    query = "Can I get a refund?"
    assert build_retriever("bm25", corpus, {}).search(query, 3) == []
    for name in ("dense", "hybrid"):
        retriever = build_retriever(name, corpus, {"embedder": EMBEDDER, "device": "cpu"}, home=tmp_path)
        assert retriever.search(query, 3)[0].document.id == "money"
