from __future__ import annotations

import pytest

from pytest_ladder.backends.splitter import chunk
from pytest_ladder.core.ports import Document
from pytest_ladder.errors import InvalidRequest

TEXT = "Refunds take thirty days. Deliveries take two days.\n\nColours are red and blue."


def test_chunks_keep_their_documents_id_and_title_and_stay_within_the_size():
    chunks = chunk([Document("a", TEXT, "Facts"), Document("b", "Short.")], 30, 0)
    assert {(part.id, part.title) for part in chunks} == {("a", "Facts"), ("b", "")}
    assert all(len(part.text) <= 30 for part in chunks)
    assert "".join("".join(part.text for part in chunks if part.id == "a").split()) == "".join(TEXT.split())


def test_a_chunk_repeats_no_more_than_the_overlap():
    first, second, *_ = chunk([Document("a", "one two three four five six")], 13, 5)
    assert (first.text, second.text) == ("one two three", "three four")


def test_a_document_without_text_stays():
    assert chunk([Document("a", "", "Title")], 10, 0) == [Document("a", "", "Title")]


@pytest.mark.parametrize(
    ("size", "overlap", "text"), [(0, 0, "chunk_size"), (5, 5, "chunk_overlap"), (5, -1, "from 0")]
)
def test_sizes_out_of_range_are_refused(size, overlap, text):
    with pytest.raises(InvalidRequest, match=text):
        chunk([Document("a", TEXT)], size, overlap)
