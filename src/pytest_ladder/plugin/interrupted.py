"""What is told at the end of a run that was interrupted: what is kept, and how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_ladder.plugin.context import Context
from pytest_ladder.report.numbers import count, plural
from pytest_ladder.session.settings import Record


@dataclass(eq=False)  # pluggy keeps plugins in sets
class Interrupted:
    """One for each run, never on a worker."""

    context: Context
    stopped: bool = False

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember it; the lines come when all else is told. Errors at collection end a run in this way too."""
        self.stopped = not isinstance(excinfo.value, pytest.Session.Interrupted)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what is on record of the rungs that did not come to their end, and the command that goes on."""
        if not self.stopped or self.context.settings.read_only:
            return
        for line in (*self._kept(), self._go_on()):
            terminalreporter.write_line(f"ladder: {line}", yellow=True)

    def _kept(self) -> Iterator[str]:
        """A line for each rung that was being asked; one for all where only the workers know."""
        found = [(run, run.asker.unfinished) for run in self.context.runs.values()]
        for run, unfinished in found:
            if unfinished is not None:
                rung, progress = unfinished
                kept, total = progress.done - progress.errors, plural(progress.total, "answer")
                asked = f"{count(kept)} of {total} that {run.ladder.name} was asking for are recorded"
                yield f"interrupted at rung {rung}: {asked}"
        if not any(unfinished for _, unfinished in found):
            yield "interrupted: every answer that came is recorded"

    def _go_on(self) -> str:
        command = shlex.join(["pytest", *map(str, self.context.config.invocation_params.args)])
        if self.context.settings.record is Record.ALL:
            return f"`{command}` asks for all of them again; without `--ladder-record=all` what is recorded counts"
        return f"`{command}` goes on from there"
