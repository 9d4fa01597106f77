"""The entry point of the plugin. Imported in every pytest run: pytest and the standard library only."""

from __future__ import annotations

import pytest

from pytest_ladder.plugin.fixtures import evalset, ladder, llm, rung, tuned_model
from pytest_ladder.plugin.options import add_options

__all__ = ["evalset", "ladder", "llm", "rung", "tuned_model"]

MARKER = "ladder"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; load the engine only where it is asked for."""
    config.addinivalue_line(
        "markers",
        'ladder(path="ladder.toml"): one test for each rung of the ladder beside the file, or at the path; '
        "runs only with --ladder",
    )
    if config.getoption("ladder"):
        from pytest_ladder.plugin.run import start

        start(config)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without --ladder, leave the ladder tests out."""
    if config.getoption("ladder"):
        return
    out = [item for item in items if item.get_closest_marker(MARKER)]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if not item.get_closest_marker(MARKER)]
