"""The ladder of support questions, one test a rung."""

import pytest


@pytest.mark.ladder
def test_support(rung):
    rung.check()
