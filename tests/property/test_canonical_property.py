"""Canonical JSON against its reference implementation."""

import math

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ladder.core.answers import Answer, Record, Request, answers_digest
from pytest_ladder.core.canonical import canonical_lf, digest, normalised, quick
from pytest_ladder.core.cases import Case

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
floats = st.floats(allow_nan=False, allow_infinity=False)
plain = st.decimals(-(10**7), 10**7, places=6).map(float)  # as costs, times and scores are
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | floats | plain
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_it_writes_what_the_reference_writes_with_lf_line_ends(value):
    assert canonical_lf(value) == rfc8785.dumps(normalised(value))


@given(texts | st.text('\r\n\\"r\x00', max_size=6))
def test_the_digest_of_a_plain_input_is_that_of_its_canonical_form(text):
    assert Case("c", text).input_digest == digest({"input": text})


looks = st.text(':[,"{}0123456789.eE+-\\', max_size=12)


@given(st.lists(numbers | looks, max_size=6) | st.dictionaries(looks, numbers | looks, max_size=4) | numbers)
@settings(max_examples=500)
def test_numbers_and_texts_that_look_like_some_are_written_as_the_reference_writes_them(value):
    assert quick(value) == rfc8785.dumps(value)


@given(st.integers(2**53, 2**70) | st.integers(-(2**70), -(2**53)) | st.sampled_from([math.nan, math.inf, -math.inf]))
def test_what_the_reference_refuses_is_refused(value):
    for whole in (value, [value], {"a": [1, value]}):
        with pytest.raises(ValueError):
            quick(whole)


@given(st.lists(st.text("ab\n", max_size=8), max_size=4))
def test_line_ends_do_not_change_a_digest(lines):
    assert digest([text.replace("\n", "\r\n") for text in lines]) == digest(lines)


@given(st.lists(st.tuples(st.text("0123456789abcdef:", max_size=8), st.integers(0, 3), texts), max_size=6))
def test_the_digest_of_answers_is_that_of_their_sorted_list(rows):
    records = [Record("c", given_, repeat, "f", Answer(text)) for given_, repeat, text in rows]
    triples = [[given_, repeat, Answer(text).as_dict()] for given_, repeat, text in rows]
    expected = digest(sorted(triples, key=lambda row: (row[0], row[1], canonical_lf(row[2]))))

    assert answers_digest(records) == expected


lined = st.text('ab"\\\r\n\u2028\U0001f600', max_size=8)
messages = st.dictionaries(st.sampled_from(["role", "content", "name"]), lined | values, max_size=3)
requests = st.builds(
    Request, texts, st.lists(messages, max_size=3).map(tuple), st.dictionaries(texts, values, max_size=2),
    st.integers(0, 2**40), st.integers(0, 3), texts,
)  # fmt: skip


@given(requests)
def test_the_digest_of_a_request_is_that_of_its_canonical_json(request):
    whole = {
        "model": request.model, "messages": list(request.messages), "options": request.options,
        "seed": request.seed, "repeat": request.repeat, **({"files": request.files} if request.files else {}),
    }  # fmt: skip

    assert request.digest == digest(whole)
