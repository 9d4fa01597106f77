"""The state of one pytest run with --ladder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ladder.engine.meter import Meter
from pytest_ladder.errors import LadderError
from pytest_ladder.plugin.handles import LadderHandle, LlmHandle, RungHandle
from pytest_ladder.plugin.options import read_settings
from pytest_ladder.session.climb import Climb
from pytest_ladder.session.ladder_files import Shared
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.settings import Settings
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
        return LadderHandle(self.run(self._path(request)))

    def llm_handle(self, request: pytest.FixtureRequest) -> LlmHandle:
        """The fixture `llm`: of the rung under test, else of the ladder's first rung that names a model."""
        run = self.run(self._path(request))
        param = request.node.callspec.params.get("rung") if hasattr(request.node, "callspec") else None
        rungs = [param.rung] if isinstance(param, RungParam) else [r.id for r in run.ladder.rungs if r.model]
        rung = run.ladder.rung(rungs[0] if rungs else run.ladder.rungs[0].id)
        return LlmHandle(run.client(rung), run.shared.loop)

    def tuned_handle(self, request: pytest.FixtureRequest) -> LlmHandle:
        """The fixture `tuned_model`, behind the gate."""
        from pytest_ladder.plugin.tuned import tuned

        return tuned(self, self._path(request))

    def _path(self, request: pytest.FixtureRequest) -> Path:
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


def start(config: pytest.Config) -> None:
    """Set the plugin up for a run with --ladder.

    Raises:
        pytest.UsageError: an option cannot be used.
    """
    from pytest_ladder.plugin.base import open_base
    from pytest_ladder.plugin.controller import Controller
    from pytest_ladder.plugin.interrupted import Interrupted
    from pytest_ladder.plugin.items import Items
    from pytest_ladder.plugin.live import announcer, watcher
    from pytest_ladder.plugin.outcomes import Outcomes, Words
    from pytest_ladder.report.write import check_extension
    from pytest_ladder.session.extensions import HookExtensions

    settings = read_settings(config)
    try:
        for path in settings.reports:
            check_extension(path)
    except LadderError as error:
        raise pytest.UsageError(str(error)) from None
    shared = Shared(
        settings, config.rootpath, meter=_meter(config, settings), base=open_base(settings, config.rootpath),
        extensions=HookExtensions(config.hook),
    )  # fmt: skip
    made = Context(config, settings, shared)
    made.watch = watcher(config)
    made.shared.announce = announcer(config)
    config.stash[CONTEXT] = made
    _register(config, Items(made), "ladder-items")
    _register(config, Outcomes(made), "ladder-outcomes")
    _register(config, Words(), "ladder-words")
    if made.worker:
        from pytest_ladder.plugin.xdist import Worker

        _register(config, Worker(made), "ladder-worker")
        return
    _register(config, Controller(made), "ladder-controller")
    _register(config, Interrupted(made), "ladder-interrupted")
    if config.pluginmanager.hasplugin("xdist"):
        from pytest_ladder.plugin.xdist import Scheduler, check_mode

        check_mode(config)
        _register(config, Scheduler(), "ladder-scheduler")


def _register(config: pytest.Config, part: object, name: str) -> None:
    """Register a part of the plugin; without any one of them rungs or the gate would silently go unjudged."""
    if config.pluginmanager.is_blocked(name):
        raise pytest.UsageError(
            f"-p no:{name}: --ladder needs this part of the plugin. Leave it, or leave out --ladder."
        )
    config.pluginmanager.register(part, name)


def _meter(config: pytest.Config, settings: Settings) -> Meter:
    """The budget of the run; workers of pytest-xdist spend it together."""
    bounds: dict[str, Any] = {
        "max_calls": settings.max_calls, "max_cost_usd": settings.max_cost_usd, "max_tokens": settings.max_tokens,
        "max_time_s": settings.max_time_s,
    }  # fmt: skip
    shared = getattr(config, "workerinput", {}).get(BUDGET)
    if shared is None or not any(bound is not None for bound in bounds.values()):
        return Meter(**bounds)
    from pytest_ladder.engine.shared_meter import SharedMeter

    return SharedMeter(**bounds, path=Path(shared))
