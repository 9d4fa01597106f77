"""The ladder of hard support questions, one test a rung."""

import pytest


@pytest.mark.ladder
def test_support_hard(rung):
    rung.check()
