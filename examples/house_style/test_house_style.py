"""The ladder of house notes, one test a rung."""

import pytest


@pytest.mark.ladder
def test_house_style(rung):
    rung.check()
