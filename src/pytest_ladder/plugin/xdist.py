"""Ladders under pytest-xdist: the rungs of one stay on one worker, in order; workers only send reports."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from pytest_ladder.plugin.run import Context

OUTPUT = "ladder"
"""Key of a worker's output: how many reports of rungs it has sent."""

GROUPED = ("load", "loadgroup", "worksteal")
"""Distribution modes that would tear a ladder apart."""


class LadderScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Sends the parameters of one test in a file that speaks of ladders to one worker, and any other test alone."""

    def _split_scope(self, nodeid: str) -> str:
        path, _, _ = nodeid.partition("::")
        return (
            nodeid.partition("[")[0]
            if "[" in nodeid and _speaks_of_ladders(str(self.config.rootpath / path))
            else nodeid
        )


@cache
def _speaks_of_ladders(path: str) -> bool:
    try:
        return "ladder" in Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True


class Scheduler:
    """Chooses the scheduler on the controller."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Keep a ladder's rungs together."""
        mode = config.getoption("dist", "no")
        if mode == "each":
            raise pytest.UsageError("--dist=each would run every ladder on every worker. Use --dist=load.")
        return LadderScheduling(config, log) if mode in GROUPED else None


class Worker:
    """Counts what a worker sends, and frees what it holds."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.sent = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the reports of rungs."""
        self.sent += hasattr(report, "ladder_report")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the controller how many there were."""
        output = session.config.workeroutput  # type: ignore[attr-defined]
        output[OUTPUT] = {"sent": self.sent, "fault": self.context.fault}
        self.context.close()
