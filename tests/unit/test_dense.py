"""The retrievers `dense` and `hybrid`, over an embedder that counts letters."""

from __future__ import annotations

import asyncio
import shutil
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_ladder.backends.bm25 import Bm25
from pytest_ladder.backends.retrievers import build_retriever
from pytest_ladder.core.fusion import reciprocal_rank_fusion
from pytest_ladder.core.ports import Document
from pytest_ladder.errors import InvalidRequest, MissingDependency

CORPUS = [
    Document("d0", "aaab"), Document("d1", "bbba"), Document("d2", "cccc", "Sea"), Document("d3", "abc"),
    Document("d4", "aaab"),
]  # fmt: skip


class Letters:
    """A stand-in for SentenceTransformer: how often each letter stands in a text."""

    passes: list[list[str]] = []  # noqa: RUF012
    loaded: list[tuple[str, dict[str, Any]]] = []  # noqa: RUF012

    def __init__(self, path: str, **options: Any) -> None:
        self.loaded.append((path, options))

    def encode_document(self, texts: list[str], **_: Any) -> np.ndarray:
        self.passes.append(texts)
        return np.array([[text.count(letter) for letter in "abcdefgh"] for text in texts], np.float32)

    encode_query = encode_document


@pytest.fixture(autouse=True)
def letters(monkeypatch) -> type[Letters]:
    Letters.passes, Letters.loaded = [], []
    library = types.SimpleNamespace(SentenceTransformer=Letters)
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    monkeypatch.setattr("pytest_ladder.backends.embedder.quiet", __import__("contextlib").nullcontext)
    return Letters


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/model.safetensors").write_bytes(b"1")
    (tmp_path / "weights/config.json").write_text("{}")
    return tmp_path


def dense(home: Path, corpus: list[Document] = CORPUS, name: str = "dense", **options: Any) -> Any:
    return build_retriever(name, corpus, {"embedder": "local:weights", **options}, home=home)


def found(retriever: Any, query: str, top_k: int = 10) -> list[str]:
    return [hit.document.id for hit in retriever.search(query, top_k)]


def test_documents_come_by_their_cosine_with_ties_by_position(home: Path):
    hits = dense(home).search("aab", 10)
    assert [hit.document.id for hit in hits] == ["d0", "d4", "d3", "d1", "d2"]
    assert hits[0].score == pytest.approx((3 * 2 + 1) / (10**0.5 * 5**0.5))
    assert found(dense(home), "aab", 1) == ["d0"]


def test_the_title_is_embedded_too(home: Path):
    assert found(dense(home), "e", 1) == ["d2"]


def test_finding_is_searching_with_queries_embedded_together(home: Path, letters):
    retriever = dense(home)

    async def main() -> list[Any]:
        await retriever.prepare()
        return await asyncio.gather(*(retriever.find(query, 2) for query in ("aab", "c", "b", "ab")))

    together = asyncio.run(main())
    assert together == [dense(home).search(query, 2) for query in ("aab", "c", "b", "ab")]
    assert len(letters.passes) <= 3  # the corpus, the first queries, those that came meanwhile


def test_the_second_run_embeds_nothing_and_loads_nothing(home: Path, letters, monkeypatch):
    first = dense(home).search("aab", 3)
    letters.passes, letters.loaded = [], []
    monkeypatch.delitem(sys.modules, "sentence_transformers")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    assert dense(home).search("aab", 3) == first
    assert (letters.passes, letters.loaded) == ([], [])


def test_only_a_text_that_is_new_is_embedded(home: Path, letters):
    dense(home).search("aab", 1)
    letters.passes = []
    dense(home, [*CORPUS, Document("d5", "hhh")]).search("aab", 1)
    assert letters.passes == [["hhh"]]


def test_equal_texts_are_embedded_once(home: Path, letters):
    dense(home).search("c", 1)
    assert [sorted(texts) for texts in letters.passes] == [["Sea\ncccc", "aaab", "abc", "bbba"], ["c"]]


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_other_weights_embed_everything_again(home: Path, letters, file):
    dense(home).search("c", 1)
    letters.passes = []
    (home / "weights" / file).write_bytes(b'{"other": 1}')
    dense(home).search("c", 1)
    assert len(letters.passes) == 2


def test_the_name_and_the_place_of_the_weights_do_not_matter(home: Path, letters):
    dense(home).search("c", 1)
    letters.passes = []
    shutil.move(home / "weights", home / "elsewhere")
    (home / "elsewhere/README.md").write_text("moved")
    dense(home, embedder="local:elsewhere").search("c", 1)
    assert letters.passes == []


def test_a_query_is_not_taken_for_a_document(home: Path, letters):
    dense(home, [Document("d", "c")]).search("c", 1)
    assert letters.passes == [["c"], ["c"]]


def test_the_device_reaches_the_library_and_no_network_is_asked_for_a_folder(home: Path, letters):
    dense(home, device="cuda:1").search("c", 1)
    assert letters.loaded == [(str(home / "weights"), {"device": "cuda:1", "local_files_only": True})]


def test_nothing_is_loaded_before_the_first_search(home: Path, letters):
    dense(home)
    assert letters.loaded == []


@pytest.mark.parametrize("name", ["dense", "hybrid"])
def test_an_empty_corpus_finds_nothing(home: Path, name):
    assert dense(home, [], name).search("a", 3) == []


def test_hybrid_fuses_both_rankings_by_rank(home: Path):
    corpus = [Document(f"d{n}", text) for n, text in enumerate(["ab ab", "hh ab", "cc", "aab", "gg"])]
    words = [hit.document.id for hit in Bm25(corpus).search("ab", 10)]
    meaning = [hit.document.id for hit in dense(home, corpus).search("ab", 10)]
    fused = reciprocal_rank_fusion([words, meaning])
    hits = dense(home, corpus, "hybrid").search("ab", 10)
    assert {hit.document.id: hit.score for hit in hits} == pytest.approx(fused)
    assert hits[0].document.id == "d0"
    assert len(hits) == 5


def test_hybrid_keeps_ties_in_the_order_of_the_corpus(home: Path):
    corpus = [Document("d0", "b"), Document("d1", "x a"), Document("d2", "zz"), Document("d3", "zzz")]
    hits = dense(home, corpus, "hybrid").search("b a", 2)
    assert [hit.document.id for hit in hits] == ["d0", "d1"]


def test_hybrid_reads_the_options_of_both_and_its_own(home: Path):
    hits = dense(home, CORPUS, "hybrid", k1=1.2, b=0.5, depth=1, rrf_k=1).search("aaab", 5)
    assert [(hit.document.id, hit.score) for hit in hits[:1]] == [("d0", pytest.approx(1 / 2 + 1 / 2))]


@pytest.mark.parametrize(("weight", "first"), [(0.1, "d1"), (10, "d0")])
def test_hybrid_leans_to_either_side_by_its_weight(home: Path, weight: float, first: str):
    corpus = [Document("d0", "cab hhhh"), Document("d1", "c a b"), Document("d2", "g")]
    hits = dense(home, corpus, "hybrid", rrf_k=1, bm25_weight=weight).search("cab", 3)
    assert hits[0].document.id == first


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("hybrid", {"bm25_weight": 0}, "`bm25_weight` cannot be used, got 0; expected a number above 0"),
        ("dense", {"embedder": "local:missing"}, "there is no such folder, got 'local:missing'"),
        ("dense", {"embedder": "package:no_such_thing/model"}, "the package `no_such_thing` is not installed"),
        ("dense", {"embedder": "hub:thing"}, "no model has such a name"),
        ("dense", {"embedder": 3}, "`embedder` cannot be used, got 3"),
        ("dense", {"batch_size": 0}, "`batch_size` cannot be used, got 0"),
        ("dense", {"devise": "cpu"}, "unknown option, got 'devise'.*Did you mean `device`"),
        ("hybrid", {"depth": 0}, "`depth` cannot be used"),
        ("hybrid", {"rrf_k": 0}, "`rrf_k` cannot be used"),
    ],
)
def test_an_option_that_cannot_be_used_is_told_at_once(home: Path, name, options, text):
    with pytest.raises(InvalidRequest, match=text):
        dense(home, name=name, **options)


def test_an_embedder_must_be_named():
    with pytest.raises(InvalidRequest, match="retriever dense: no `embedder` is named"):
        build_retriever("dense", CORPUS, {})


def test_without_the_library_the_extra_is_named(home: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    retriever = dense(home)
    with pytest.raises(MissingDependency, match=r"pip install \"pytest-ladder\[embed\]\""):
        retriever.search("c", 1)


def test_what_the_library_says_of_a_model_is_told(home: Path, letters, monkeypatch):
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("no modules.json\nand more")

    monkeypatch.setattr(sys.modules["sentence_transformers"], "SentenceTransformer", broken)
    with pytest.raises(InvalidRequest, match=r"model local:weights: the model cannot be loaded \(OSError: no modules"):
        dense(home).search("c", 1)
    with pytest.raises(InvalidRequest, match="cannot be loaded"):
        asyncio.run(dense(home).find("c", 1))


def test_an_interruption_loses_no_more_than_what_was_not_yet_written(home: Path, letters, monkeypatch):
    monkeypatch.setattr("pytest_ladder.backends.embedder.FLUSH", 2)
    corpus = [Document(f"d{n}", "a" * (n + 1)) for n in range(7)]
    encode = Letters.encode_document

    def interrupted(self: Letters, texts: list[str], **options: Any) -> np.ndarray:
        if len(self.passes) == 2:
            raise KeyboardInterrupt
        return encode(self, texts, **options)

    monkeypatch.setattr(Letters, "encode_document", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dense(home, corpus).search("a", 1)
    monkeypatch.setattr(Letters, "encode_document", encode)
    letters.passes = []
    dense(home, corpus).search("a", 1)
    assert [text for texts in letters.passes[:-1] for text in texts] == ["a" * (n + 1) for n in range(4, 7)]


def test_a_model_of_the_hub_is_fetched_once_and_then_known_by_its_files(home: Path, letters, monkeypatch):
    fetched: list[str] = []

    def known(name: str, file: str) -> str | None:
        assert name == "some/model"
        return str(home / "weights" / file) if fetched else None

    def fetch(self: Letters, path: str, **options: Any) -> None:
        fetched.append(path)
        self.loaded.append((path, options))

    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(try_to_load_from_cache=known))
    monkeypatch.setattr(Letters, "__init__", fetch)
    first = dense(home, embedder="some/model").search("aab", 2)
    assert letters.loaded == [("some/model", {"device": None, "local_files_only": False})]
    letters.passes, letters.loaded = [], []
    assert dense(home, embedder="some/model").search("aab", 2) == first
    assert (letters.passes, letters.loaded) == ([], [])
    assert dense(home).search("aab", 2) == first  # the same files under another name
    assert letters.passes == []
