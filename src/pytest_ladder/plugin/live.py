"""Live progress while a rung runs: a bar on a terminal, a line every half minute elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TextIO

import pytest

from pytest_ladder.report.progress import ProgressLine, should_print
from pytest_ladder.session.ladder_run import LadderRun

BAR_AFTER_S = 0.5
"""A rung that ends sooner shows no bar."""

MAKE_ROOM = "\x1bD\x1b[1A"
"""Down one line, which scrolls on the last one, and up again: the cursor keeps its column."""
BELOW = "\x1b7\x1bD\r{text}\x1b[K\x1b8"
"""A text on the line below, with the cursor back where it was: the line that pytest is writing stays as it is."""
DRAWN = pytest.StashKey["Live"]()
"""What drew the last bar."""


def watcher(config: pytest.Config) -> Callable[[LadderRun, str], Live | None]:
    """How a run draws the progress of its rungs; on a worker of pytest-xdist, or under `-q`, not at all.

    To be called while pytest captures nothing.
    """
    screen = None if hasattr(config, "workerinput") else _screen(config)

    def watch(run: LadderRun, rung: str) -> Live | None:
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is None or hasattr(config, "workerinput") or config.get_verbosity() < 0:
            return None
        return Live(config, reporter, run, rung, screen)

    return watch


def announcer(config: pytest.Config) -> Callable[[str], None]:
    """How a run tells a line at once; a worker of pytest-xdist, and a run under `-q`, keep silent."""

    def announce(text: str) -> None:
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is None or hasattr(config, "workerinput") or config.get_verbosity() < 0:
            return
        manager = config.pluginmanager.getplugin("capturemanager")
        with manager.global_and_fixture_disabled() if manager else nullcontext():
            if (bar := config.stash.get(DRAWN, None)) is not None:
                bar.erase()
            reporter.ensure_newline()
            reporter.write_line(text)
            reporter.flush()

    return announce


def _screen(config: pytest.Config) -> TextIO | None:
    """The terminal itself, so that a bar can be drawn while pytest captures.

    None where there is none, or where what the tests print goes to it too.
    """
    if config.getoption("capture", "no") == "no":
        return None
    try:
        if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
            return None
        handle = os.dup(sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return None
    screen = open(handle, "w", encoding=sys.stdout.encoding or "ascii", errors="replace", newline="")  # noqa: SIM115
    config.add_cleanup(screen.close)
    return screen


@dataclass
class Live:
    """Draws one rung's progress; called about five times a second while it runs."""

    config: pytest.Config
    reporter: Any
    run: LadderRun
    rung: str
    screen: TextIO | None = None
    last: float = 0.0
    drawn: bool = False

    def __call__(self) -> None:
        """Draw, if there is something new to draw."""
        progress = self.run.progress
        if progress is None:
            return
        now = time.monotonic()
        elapsed = now - progress.started
        encoding = getattr(self.screen or self.reporter._tw._file, "encoding", None) or "ascii"
        label = " ".join(filter(None, [self.run.ladder.name, self.rung, progress.doing]))
        line = ProgressLine(progress.total, label, self._width() - 1, "utf" in encoding.lower())
        if self.screen is not None:
            if elapsed >= BAR_AFTER_S:
                self._bar(self.screen, line.render(progress.done, progress.errors, elapsed))
            return
        self.last = self.last or progress.started
        if should_print(now, self.last, True):
            self.last = now
            self._line(line.render(progress.done, progress.errors, elapsed))

    def _width(self) -> int:
        """Columns now; pytest cannot tell while it captures."""
        try:
            return os.get_terminal_size(self.screen.fileno()).columns if self.screen else self.reporter._tw.fullwidth
        except OSError:
            return int(self.reporter._tw.fullwidth)

    def _bar(self, screen: TextIO, text: str) -> None:
        screen.write(("" if self.drawn else MAKE_ROOM) + BELOW.format(text=text))
        screen.flush()
        self.drawn = True
        self.config.stash[DRAWN] = self

    def _line(self, text: str) -> None:
        manager = self.config.pluginmanager.getplugin("capturemanager")
        if manager is None:
            self._write_line(text)
            return
        with manager.global_and_fixture_disabled():
            self._write_line(text)

    def _write_line(self, text: str) -> None:
        self.reporter.ensure_newline()
        self.reporter.write_line(text)
        self.reporter.flush()

    def erase(self) -> None:
        """Take the bar off the screen."""
        if self.drawn and self.screen is not None:
            self.screen.write(BELOW.format(text=""))
            self.screen.flush()
        self.drawn = False
