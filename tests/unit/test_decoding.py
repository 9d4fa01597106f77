from __future__ import annotations

import pytest

from pytest_ladder.backends.decoding import Decoding
from pytest_ladder.errors import InvalidRequest


def test_without_options_the_likeliest_256_tokens_are_taken():
    decoding = Decoding.of({}, "m")
    assert (decoding.greedy, decoding.max_tokens, decoding.stop) == (True, 256, ())


def test_options_are_read():
    decoding = Decoding.of({"temperature": 0.7, "top_p": 0.9, "top_k": 5, "max_tokens": 3, "stop": ["a", "b"]}, "m")
    assert decoding == Decoding(0.7, 0.9, 5, 3, ("a", "b"))


def test_one_stop_text_may_stand_alone():
    assert Decoding.of({"stop": "END"}, "m").stop == ("END",)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"max_token": 3}, "got 'max_token'; expected max_tokens | response_format | stop | "),
        ({"tools": []}, "unknown option, got 'tools'"),
        ({"temperature": -0.1}, "`temperature` cannot be used, got -0.1; expected a number from 0"),
        ({"temperature": True}, "`temperature` cannot be used, got True"),
        ({"temperature": float("nan")}, "`temperature` cannot be used"),
        ({"top_p": 0}, "above 0, at most 1"),
        ({"top_k": 0}, "a whole number from 1"),
        ({"max_tokens": 2.0}, "`max_tokens` cannot be used, got 2.0; expected a whole number from 1"),
        ({"stop": ["a", ""]}, "`stop` cannot be used"),
        ({"stop": 3}, "a list of texts"),
        ({"response_format": {"type": "json_object"}}, "`response_format` cannot be used"),
    ],
)
def test_what_cannot_be_used_is_told(options, part):
    with pytest.raises(InvalidRequest) as caught:
        Decoding.of(options, "model m")
    assert str(caught.value).startswith("model m: ")
    assert part in str(caught.value)
