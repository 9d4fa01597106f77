"""Setting the plugin up for a run with --ladder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_ladder.engine.meter import Meter
from pytest_ladder.errors import LadderError
from pytest_ladder.plugin.context import BUDGET, CONTEXT, Context
from pytest_ladder.plugin.options import read_settings
from pytest_ladder.session.settings import Settings
from pytest_ladder.session.shared import Shared


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
