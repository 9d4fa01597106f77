"""What the requests of an agent's conversation show."""

from __future__ import annotations

import pytest

from pytest_ladder.rungs.calls import Results


@pytest.mark.parametrize("at_once", [1, 2, 16])
@pytest.mark.parametrize("most", [0, 1, 3, 16])
@pytest.mark.parametrize("others", [0, 1, 16])
@pytest.mark.parametrize("requests", [1, 2, 9, 20])
def test_what_all_requests_show_together_is_the_sum_of_what_each_shows(
    at_once: int, most: int, others: int, requests: int
):  # fmt: skip
    results = Results(most, min(most, others), 8000, at_once)
    assert results.before(0, 300) == 0
    assert results.together(requests, 300) == sum(results.before(replies, 300) for replies in range(requests))
