"""What the parts of the plugin share in one pytest run with --ladder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ladder.plugin.handles import LadderHandle, LlmHandle, RungHandle
from pytest_ladder.session.concluding.climb import Climb
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.settings import Settings
from pytest_ladder.session.shared import Shared
from pytest_ladder.store.paths import inside

if TYPE_CHECKING:
    from pytest_ladder.plugin.live import Live

FILE = "ladder.toml"
BUDGET = "ladder_budget"
"""Key of a worker's input: the file in which the workers of a run keep count."""


@dataclass(frozen=True)
class RungParam:
    """The parameter of a ladder test: which rung of which ladder."""

    path: Path
    """ladder.toml, absolute."""
    rung: str


@dataclass
class Context:
    """What the parts of the plugin share in one process."""

    config: pytest.Config
    settings: Settings
    shared: Shared
    runs: dict[Path, LadderRun] = field(default_factory=dict)
    climbs: dict[Path, Climb] = field(default_factory=dict)
    watch: Callable[[LadderRun, str], Live | None] = lambda _run, _rung: None
    """Makes the live progress of a rung."""
    fault: str = ""
    """What a worker found wrong with the options at collection."""

    @property
    def worker(self) -> bool:
        """Whether this process is a worker of pytest-xdist."""
        return hasattr(self.config, "workerinput")

    def run(self, path: Path) -> LadderRun:
        """A ladder, read once.

        Raises:
            InvalidFile: one of its files cannot be used.
        """
        if path not in self.runs:
            self.runs[path] = LadderRun(path, self.shared)
        return self.runs[path]

    def path_of(self, node: pytest.Item | pytest.FixtureRequest | pytest.Metafunc) -> Path | None:
        """The ladder.toml that a test is marked with; None without the marker.

        Raises:
            InvalidFile: the marker names no path, or one outside the rootdir.
        """
        item: Any = node.definition if isinstance(node, pytest.Metafunc) else getattr(node, "node", node)
        marker = item.get_closest_marker("ladder")
        if marker is None:
            return None
        written = marker.args[0] if marker.args else marker.kwargs.get("path", FILE)
        return inside(self.config.rootpath, Path(item.path).parent, str(written), f"{item.nodeid}: the marker `ladder`")

    def rung_handle(self, request: pytest.FixtureRequest) -> RungHandle:
        """The fixture `rung`."""
        param = getattr(request, "param", None)
        if not isinstance(param, RungParam):
            pytest.fail("the fixture `rung` needs a test marked with @pytest.mark.ladder", pytrace=False)
        run = self.run(param.path)
        handle = RungHandle(run, self.climbs[param.path], param.rung, self.watch(run, param.rung))
        request.node.stash[HANDLE] = handle
        return handle

    def ladder_handle(self, request: pytest.FixtureRequest) -> LadderHandle:
        """The fixture `ladder`."""
        return LadderHandle(self.run(self.of_test(request)))

    def llm_handle(self, request: pytest.FixtureRequest) -> LlmHandle:
        """The fixture `llm`: of the rung under test, else of the ladder's first rung that names a model."""
        run = self.run(self.of_test(request))
        param = request.node.callspec.params.get("rung") if hasattr(request.node, "callspec") else None
        rungs = [param.rung] if isinstance(param, RungParam) else [r.id for r in run.ladder.rungs if r.model]
        rung = run.ladder.rung(rungs[0] if rungs else run.ladder.rungs[0].id)
        return LlmHandle(run.client(rung), run.shared.loop)

    def of_test(self, request: pytest.FixtureRequest) -> Path:
        """The ladder.toml of a test that uses a fixture; the test fails where it has none."""
        path = self.path_of(request)
        if path is None:
            pytest.fail(
                f"{request.node.nodeid}: this fixture needs a test marked with @pytest.mark.ladder", pytrace=False
            )
        return path

    def close(self) -> None:
        """Free models, locks and the loop."""
        for run in self.runs.values():
            run.close()
        self.shared.loop.close()


CONTEXT = pytest.StashKey[Context]()
HANDLE = pytest.StashKey[RungHandle]()


def context(config: pytest.Config) -> Context:
    """The context of a run; without --ladder there is none, and a ladder's fixture cannot be used."""
    found = config.stash.get(CONTEXT, None)
    if found is None:
        pytest.fail("the fixtures of a ladder need `pytest --ladder`", pytrace=False)
    return found
