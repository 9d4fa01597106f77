"""Live progress while a rung runs: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_ladder.report.progress import ProgressLine, should_print
from pytest_ladder.session.ladder_run import LadderRun

BAR_AFTER_S = 0.5
"""A rung that ends sooner shows no bar."""


def watcher(config: pytest.Config) -> Callable[[LadderRun, str], Callable[[], None] | None]:
    """How a run draws the progress of its rungs; on a worker of pytest-xdist, not at all."""

    def watch(run: LadderRun, rung: str) -> Callable[[], None] | None:
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is None or hasattr(config, "workerinput") or config.get_verbosity() < 0:
            return None
        return Live(config, reporter, run, rung)

    return watch


@dataclass
class Live:
    """Draws one rung's progress; called about five times a second while it runs."""

    config: pytest.Config
    reporter: Any
    run: LadderRun
    rung: str
    last: float = 0.0
    column: int = -1

    def __call__(self) -> None:
        """Draw, if there is something new to draw."""
        progress = self.run.progress
        if progress is None:
            return
        elapsed = time.monotonic() - progress.started
        writer = self.reporter._tw
        line = ProgressLine(progress.total, f"{self.run.ladder.name} {self.rung}", writer.fullwidth, _unicode(writer))
        if writer.isatty if hasattr(writer, "isatty") else self.reporter.isatty:
            if elapsed >= BAR_AFTER_S:
                self._bar(writer, line.render(progress.done, progress.errors, elapsed))
            return
        now = time.monotonic()
        self.last = self.last or progress.started
        if should_print(now, self.last, True):
            self.last = now
            with _uncaptured(self.config):
                self.reporter.ensure_newline()
                writer.line(line.render(progress.done, progress.errors, elapsed))
                writer.flush()

    def _bar(self, writer: Any, text: str) -> None:
        """Draw on the line below, and put the cursor back to where pytest left it."""
        if self.column < 0:
            self.column = writer.width_of_current_line
        with _uncaptured(self.config):
            back = f"\x1b[1A\x1b[{self.column + 1}G"
            writer._file.write(f"\n\r{text}\x1b[K{back}")
            writer.flush()

    def erase(self) -> None:
        """Take the bar off the screen."""
        if self.column >= 0:
            with _uncaptured(self.config):
                self.reporter._tw._file.write(f"\n\r\x1b[K\x1b[1A\x1b[{self.column + 1}G")
                self.reporter._tw.flush()
            self.column = -1


@contextmanager
def _uncaptured(config: pytest.Config) -> Generator[None, None, None]:
    manager = config.pluginmanager.getplugin("capturemanager")
    if manager is None:
        yield
        return
    with manager.global_and_fixture_disabled():
        yield


def _unicode(writer: Any) -> bool:
    encoding = getattr(writer._file, "encoding", None) or "ascii"
    return "utf" in encoding.lower()
