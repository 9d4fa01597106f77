"""Ladders under pytest-xdist: the rungs of one stay on one worker, in order; workers only send reports."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling, LoadGroupScheduling, LoadScopeScheduling

from pytest_ladder.plugin.context import BUDGET, Context
from pytest_ladder.plugin.items import param_of

OUTPUT = "ladder"
"""Key of a worker's output: how many reports of rungs it sent, and which tests they are of."""


class LadderScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Sends the rungs of a ladder to one worker, and any other test alone; runs no test again that killed a worker."""

    def _split_scope(self, nodeid: str) -> str:
        path, _, _ = nodeid.partition("::")
        test, parameters, _ = nodeid.partition("[")
        return test if parameters and _speaks_of_ladders(str(self.config.rootpath / path)) else nodeid

    def remove_node(self, node: Any) -> str | None:
        """Take a worker out; what it was running when it died is done with, what it had not begun is not."""
        workload: dict[str, dict[str, bool]] = self.assigned_work.pop(node)
        running = next(((unit, nodeid) for unit in workload.values() for nodeid in unit if not unit[nodeid]), None)
        if running is None:
            return None
        unit, nodeid = running
        unit[nodeid] = True
        self.workqueue.update({scope: unit for scope, unit in workload.items() if not all(unit.values())})
        for other in self.assigned_work:
            self._reschedule(other)
        return nodeid


class ByGroup(LadderScheduling):
    """As above, and tests of one `xdist_group` together."""

    def _split_scope(self, nodeid: str) -> str:
        scope = str(LoadGroupScheduling._split_scope(self, nodeid))
        return scope if scope != nodeid else super()._split_scope(nodeid)


class ByScope(LadderScheduling):
    """Tests of one module or class together."""

    def _split_scope(self, nodeid: str) -> str:
        return str(LoadScopeScheduling._split_scope(self, nodeid))


class ByFile(LadderScheduling):
    """Tests of one file together."""

    def _split_scope(self, nodeid: str) -> str:
        return str(LoadFileScheduling._split_scope(self, nodeid))


SCHEDULERS = {
    "load": LadderScheduling, "worksteal": LadderScheduling, "loadgroup": ByGroup, "loadscope": ByScope,
    "loadfile": ByFile,
}  # fmt: skip
"""Distribution mode -> what takes the place of its scheduler."""


@cache
def _speaks_of_ladders(path: str) -> bool:
    try:
        return "ladder" in Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True


class Scheduler:
    """Chooses the scheduler on the controller, and gives the workers a place to keep count of what they spend."""

    def __init__(self) -> None:
        self._folder: TemporaryDirectory[str] | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where the budget of the run is kept."""
        self._folder = self._folder or TemporaryDirectory(prefix="pytest-ladder-")
        node.workerinput[BUDGET] = str(Path(self._folder.name) / "budget.json")

    def pytest_unconfigure(self) -> None:
        """Remove that place."""
        if self._folder is not None:
            self._folder.cleanup()

    @pytest.hookimpl(tryfirst=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Keep a ladder's rungs together."""
        scheduler = SCHEDULERS.get(config.getoption("dist"))
        return scheduler(config, log) if scheduler else None


def check_mode(config: pytest.Config) -> None:
    """Refuse a distribution that runs everything everywhere.

    Raises:
        pytest.UsageError: the mode is `each`.
    """
    if config.getoption("dist") == "each":
        raise pytest.UsageError("--dist=each would run every ladder on every worker. Use --dist=load.")


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
        tests = {item.nodeid: [str(param.path), param.rung] for item in session.items if (param := param_of(item))}
        output[OUTPUT] = {"sent": self.sent, "fault": self.context.fault, "tests": tests}
        self.context.close()
