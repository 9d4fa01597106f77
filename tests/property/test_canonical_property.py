"""Canonical JSON against its reference implementation."""

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from pytest_ladder.core.answers import Answer, Record, answers_digest
from pytest_ladder.core.canonical import canonical_lf, digest, normalised

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_it_writes_what_the_reference_writes_with_lf_line_ends(value):
    assert canonical_lf(value) == rfc8785.dumps(normalised(value))


@given(st.lists(st.text("ab\n", max_size=8), max_size=4))
def test_line_ends_do_not_change_a_digest(lines):
    assert digest([text.replace("\n", "\r\n") for text in lines]) == digest(lines)


@given(st.lists(st.tuples(st.text("0123456789abcdef:", max_size=8), st.integers(0, 3), texts), max_size=6))
def test_the_digest_of_answers_is_that_of_their_sorted_list(rows):
    records = [Record("c", given_, repeat, "f", Answer(text)) for given_, repeat, text in rows]
    triples = [[given_, repeat, Answer(text).as_dict()] for given_, repeat, text in rows]
    expected = digest(sorted(triples, key=lambda row: (row[0], row[1], canonical_lf(row[2]))))

    assert answers_digest(records) == expected
