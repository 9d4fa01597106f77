"""What the tests of the plugin share."""

from __future__ import annotations

import pytest

from tests.plugin.bench import Bench


@pytest.fixture
def bench(pytester: pytest.Pytester) -> Bench:
    """An empty project; `bench.make()` writes a ladder into it."""
    return Bench(pytester)
