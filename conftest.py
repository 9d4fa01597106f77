"""What pytest needs to know about this repository before it collects."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

EXAMPLES = Path(__file__).parent / "examples"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let warnings of third parties be warnings in the examples: they run as a user's project would."""
    for item in items:
        if EXAMPLES in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default"))
