"""What every test of this project gets."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

OUTER = ("CI", "BUILD_NUMBER", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT",
         "PYTEST_XDIST_TESTRUNUID", "PYTHONDONTWRITEBYTECODE", "COLUMNS")  # fmt: skip

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Told before PyTorch is loaded: the threads of several processes on a few cores mostly wait for each other."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background; what tests start would ignore it too
    signal.signal(signal.SIGINT, signal.default_int_handler)

LEAN = "-p no:hypothesispytest -p no:anyio"
"""Plugins that an inner run has no use for: a sixth of what it takes in a process of its own."""


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> Iterator[None]:
    """Keep the outer run's environment out of the inner runs, so that each test says which record mode it means."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [*OUTER, *(name for name in os.environ if name.upper().startswith("LADDER"))]:
            patch.delenv(name, raising=False)
        patch.setenv("PYTEST_ADDOPTS", LEAN)
        yield


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have a slow test, so that no worker is left with one alone at the end."""
    long = {item.path for item in items if any(item.get_closest_marker(name) for name in ("slow", "real_model"))}
    items.sort(key=lambda item: item.path not in long)
