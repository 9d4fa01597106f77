"""The ladder of support questions with a retriever, a scorer and a gate rule of a plugin."""

import pytest


@pytest.mark.ladder
def test_plugin(rung):
    rung.check()
