"""The retriever `bm25s`: odd corpora, its options, and the index that is kept on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ladder.backends.retrievers import build_retriever
from pytest_ladder.core.ports import Document
from pytest_ladder.errors import InvalidRequest, MissingDependency
from tests.extras import needs

needs("bm25s", "bm25s", module=True)

METHODS = ["lucene", "robertson", "atire", "bm25l", "bm25+"]
TEXTS = ("refund period", "delivery time of a parcel", "the colour of the lamp", "size of the lamp", "a parcel lost")


def documents(*texts: str) -> list[Document]:
    return [Document(f"d{place}", text) for place, text in enumerate(texts)]


def build(corpus: list[Document], home: Path | None = None, **options):
    return build_retriever("bm25s", corpus, options, home=home)


def found(retriever, query: str, top_k: int = 10) -> list[str]:
    return [hit.document.id for hit in retriever.search(query, top_k)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("corpus", [[], documents(""), documents("", "...")])
def test_a_corpus_without_words_finds_nothing(corpus, method, tmp_path):
    assert build(corpus, tmp_path, method=method).search("refund", 3) == []


@pytest.mark.parametrize("query", ["", "?!", "zebra"])
def test_a_query_that_shares_no_word_finds_nothing(query):
    assert found(build(documents(*TEXTS)), query) == []


@pytest.mark.parametrize("method", METHODS)
def test_only_documents_that_share_a_word_come_back_however_many_are_asked_for(method):
    retriever = build(documents(*TEXTS), method=method)
    assert sorted(found(retriever, "a parcel refund", 100)) == ["d0", "d1", "d4"]
    assert found(retriever, "parcel", 1) == ["d4"]
    assert found(retriever, "parcel", 0) == []


@pytest.mark.parametrize("texts", [["refund period"], ["refund period", "delivery time"]])
def test_a_tiny_corpus_is_ranked_by_positive_scores(texts):
    hits = build(documents(*texts)).search("refund", 3)
    assert [hit.document.id for hit in hits] == ["d0"]
    assert hits[0].score > 0


def test_ties_fall_to_the_earlier_document():
    assert found(build(documents("b x", "a y", "a z", "a w", "c v")), "a", 2) == ["d1", "d2"]


def test_the_title_counts_and_words_are_unicode():
    corpus = [Document("d0", "x", "Die GRÖẞE"), Document("d1", "退款"), Document("d2", "naïve ﬁt"), Document("d3", "y")]
    retriever = build(corpus)
    assert [found(retriever, query) for query in ("größe", "退", "fit NAÏVE")] == [["d0"], ["d1"], ["d2"]]


def test_empty_documents_beside_others_do_no_harm_even_with_full_length_normalisation():
    assert found(build(documents("", "refund", "delivery", "colour"), b=1), "refund") == ["d1"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"k1": 0}, "`k1` cannot be used, got 0; expected a number above 0"),
        ({"b": 2}, "`b` cannot be used, got 2; expected a number from 0 to 1"),
        ({"method": "okapi"}, "expected lucene | robertson | atire | bm25l | bm25+"),
        ({"numba": 1}, "`numba` cannot be used, got 1; expected true or false"),
        ({"metod": "lucene"}, "Did you mean `method`?"),
    ],
)
def test_an_option_that_cannot_be_used_is_told(options, told):
    with pytest.raises(InvalidRequest) as caught:
        build(documents(*TEXTS), **options)
    assert told in str(caught.value)


@pytest.mark.parametrize(("absent", "options", "told"), [
    ("bm25s", {}, 'pip install "pytest-ladder[bm25s]"'),
    ("numba", {"numba": True}, "`numba = true` needs the package `numba`"),
])  # fmt: skip
def test_a_package_that_is_missing_is_told_at_the_first_search(absent, options, told, monkeypatch):
    monkeypatch.setattr("pytest_ladder.backends.bm25s_index.find_spec", lambda name: None if name == absent else True)
    monkeypatch.setitem(sys.modules, absent, None)
    retriever = build(documents(*TEXTS), **options)
    with pytest.raises(MissingDependency) as caught:
        retriever.search("refund", 3)
    assert told in str(caught.value)


# ---- the index on disk


@pytest.fixture
def built(monkeypatch) -> list[int]:
    """The sizes of the corpora that were indexed."""
    import bm25s

    sizes: list[int] = []
    original = bm25s.BM25.index

    def index(self, corpus, **options):
        sizes.append(len(corpus))
        return original(self, corpus, **options)

    monkeypatch.setattr(bm25s.BM25, "index", index)
    return sizes


def indexes(home: Path) -> list[Path]:
    return sorted((home / ".ladder-cache/bm25s").iterdir())


@pytest.mark.parametrize("method", METHODS)
def test_a_second_retriever_reads_the_index_and_gives_the_same_scores(method, tmp_path, built):
    first, second = (build(documents(*TEXTS), tmp_path, method=method) for _ in range(2))
    assert first.search("the lamp of a parcel", 5) == second.search("the lamp of a parcel", 5)
    assert built == [5]


def test_nothing_is_indexed_before_the_first_search(tmp_path, built):
    build(documents(*TEXTS), tmp_path)
    assert built == []
    assert not (tmp_path / ".ladder-cache").exists()


@pytest.mark.parametrize(
    ("corpus", "options"),
    [
        ([*documents(*TEXTS), Document("d5", "one more")], {}),
        (documents("refund periods", *TEXTS[1:]), {}),
        (documents(*TEXTS[1:], TEXTS[0]), {}),
        ([Document("d0", TEXTS[0], "Title"), *documents(*TEXTS)[1:]], {}),
        (documents(*TEXTS), {"k1": 1.2}),
        (documents(*TEXTS), {"b": 0.5}),
        (documents(*TEXTS), {"method": "atire"}),
    ],
    ids=["a line more", "a word", "the order", "a title", "k1", "b", "method"],
)
def test_another_text_or_option_makes_another_index(corpus, options, tmp_path, built):
    found(build(documents(*TEXTS), tmp_path), "parcel")
    found(build(corpus, tmp_path, **options), "parcel")
    assert built == [5, len(corpus)]
    found(build(documents(*TEXTS), tmp_path), "parcel")
    assert len(built) == 2


def test_an_id_or_metadata_that_changes_makes_none(tmp_path, built):
    found(build(documents(*TEXTS), tmp_path), "parcel")
    corpus = [Document(f"x{place}", text, metadata={"n": place}) for place, text in enumerate(TEXTS)]
    assert found(build(corpus, tmp_path), "refund") == ["x0"]
    assert built == [5]


def test_another_version_of_the_library_makes_another_index(tmp_path, built, monkeypatch):
    found(build(documents(*TEXTS), tmp_path), "parcel")
    monkeypatch.setattr("pytest_ladder.backends.bm25s_files.version", lambda _: "99")
    found(build(documents(*TEXTS), tmp_path), "parcel")
    assert built == [5, 5]


@pytest.mark.parametrize("harm", ["cut", "flipped", "removed", "unmarked"])
def test_an_index_that_is_not_whole_is_made_again(harm, tmp_path, built):
    expected = build(documents(*TEXTS), tmp_path).search("the lamp", 3)
    [folder] = indexes(tmp_path)
    data = folder / "data.csc.index.npy"
    whole = data.read_bytes()
    if harm == "cut":
        data.write_bytes(whole[:-9])
    elif harm == "flipped":
        data.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif harm == "removed":
        data.unlink()
    else:
        (folder / "whole.sha256").unlink()
    assert build(documents(*TEXTS), tmp_path).search("the lamp", 3) == expected
    assert built == [5, 5]
    assert build(documents(*TEXTS), tmp_path).search("the lamp", 3) == expected
    assert built == [5, 5]


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / ".ladder-cache").write_text("in the way")
    assert found(build(documents(*TEXTS), tmp_path), "refund") == ["d0"]


def test_the_cache_is_kept_out_of_git(tmp_path):
    found(build(documents(*TEXTS), tmp_path), "parcel")
    assert (tmp_path / ".ladder-cache/.gitignore").read_text() == "*\n"


def test_two_processes_at_once_leave_one_index_and_nothing_beside_it(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\nfrom pytest_ladder.backends.retrievers import build_retriever\n"
        "from pytest_ladder.core.ports import Document\n"
        "corpus = [Document(str(n), f'word{n % 97} word{n % 89} common') for n in range(3000)]\n"
        "hits = build_retriever('bm25s', corpus, {}, home=Path(sys.argv[1])).search('word5 word7', 3)\n"
        "print([(hit.document.id, hit.score) for hit in hits])\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = {process.communicate(timeout=120)[0] for process in running}
    assert [process.returncode for process in running] == [0, 0]
    assert len(said) == 1
    assert len(indexes(tmp_path)) == 1
