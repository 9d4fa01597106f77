"""The entry point of the plugin. Imported in every pytest run: pytest and the standard library only."""

from __future__ import annotations

import pytest

from pytest_ladder.plugin.fixtures import evalset, ladder, llm, rung, tuned_model
from pytest_ladder.plugin.options import add_options

__all__ = ["evalset", "ladder", "llm", "rung", "tuned_model"]

MARKER = "ladder"

LEFT_OUT = pytest.StashKey[int]()
"""How many ladder tests a run without --ladder left out."""

INTENTS = {
    "--ladder-fine-tune": "ladder_fine_tune",
    "--ladder-rung": "ladder_rung",
    "--ladder-holdout": "ladder_holdout",
    "--ladder-limit": "ladder_limit",
    "--ladder-base": "ladder_base",
    "--ladder-drift": "ladder_drift",
    "--ladder-selftest": "ladder_selftest",
}
"""Options that ask for a run of a ladder: without --ladder they would silently do nothing."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that others may implement."""
    from pytest_ladder import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


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
    elif asked := [flag for flag, dest in INTENTS.items() if config.getoption(dest)]:
        raise pytest.UsageError(f"{', '.join(asked)}: nothing is run without --ladder. Add --ladder.")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without --ladder, leave the ladder tests out."""
    if config.getoption("ladder"):
        return
    out = [item for item in items if item.get_closest_marker(MARKER)]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if not item.get_closest_marker(MARKER)]
        config.stash[LEFT_OUT] = len(out)


def pytest_report_collectionfinish(config: pytest.Config) -> str | list[str]:
    """Say that ladder tests were left out, and how to run them."""
    count = config.stash.get(LEFT_OUT, 0)
    return f"ladder: {count} left out; `--ladder` runs them" if count else []
