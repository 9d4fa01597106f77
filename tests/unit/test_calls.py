"""What the requests of an agent's conversation show."""

from __future__ import annotations

import pytest

from pytest_ladder.rungs.calls import Results


@pytest.mark.parametrize("at_once", [1, 2, 16])
@pytest.mark.parametrize("most", [0, 1, 3, 16])
@pytest.mark.parametrize("requests", [1, 2, 9, 20])
def test_what_all_requests_show_together_is_the_sum_of_what_each_shows(at_once: int, most: int, requests: int):
    results = Results(most, 8000, at_once)
    assert results.before(0) == 0
    assert results.together(requests) == sum(map(results.before, range(requests)))
