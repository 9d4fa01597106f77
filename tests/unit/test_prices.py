"""What a call to come is expected to take."""

from __future__ import annotations

import pytest

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.prices import TOKENS_AN_ANSWER, expected_tokens

SENT = [{"role": "user", "content": "x" * 40}]


@pytest.mark.parametrize(
    ("most", "usual", "answer"),
    [
        (None, None, TOKENS_AN_ANSWER), (None, 30.0, 30.0), (100, 30.0, 30.0), (20, 30.0, 20), (100, None, 100),
        (-1, 30.0, 30.0), (-1, None, TOKENS_AN_ANSWER), (0, None, TOKENS_AN_ANSWER), (True, 30.0, 30.0),
    ],
)  # fmt: skip
def test_an_answer_takes_what_others_took_and_no_more_than_it_may(most: Json, usual: float | None, answer: float):
    assert expected_tokens(SENT, most, usual) == (10, answer)
