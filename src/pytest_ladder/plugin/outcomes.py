"""How ladder tests end: skipped before they start, and what their reports say."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_ladder.core.entries import Verdict
from pytest_ladder.core.summary import State
from pytest_ladder.plugin.context import HANDLE, Context
from pytest_ladder.plugin.handles import RungHandle
from pytest_ladder.plugin.items import param_of
from pytest_ladder.session.concluding.climb import Stop
from pytest_ladder.session.measuring.results import Report

ATTRIBUTE = "ladder_report"
"""Where a TestReport carries a `session.results.Report`, as JSON text."""

STATE = "ladder_state"
"""Where a TestReport carries the state of its rung."""

STOP = pytest.StashKey[Stop]()

OWN_FAILED = "it meets its thresholds, but its test failed"

WORDS: dict[str, tuple[str, str, dict[str, bool]]] = {
    State.SELECTED: ("selected", "L", {"green": True, "bold": True}),
    State.MET: ("met", ".", {"green": True}),
    State.SHORT: ("short", "S", {"yellow": True}),
    State.INCONCLUSIVE: ("undecided", "U", {"yellow": True}),
    State.NOT_NEEDED: ("not needed", "n", {"green": True}),
    State.NOT_RUN: ("not run", "n", {"yellow": True}),
    State.REFUSED: ("refused", "G", {"red": True}),
}
"""State -> category, letter and colour; a failed report keeps pytest's own."""


class Outcomes:
    """Ends each ladder test and sends what it found along with its report."""

    def __init__(self, context: Context) -> None:
        self.context = context

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip a rung that is not to be run, before any of its fixtures is made."""
        param = param_of(item)
        if param is None:
            return
        stop = self.context.climbs[param.path].why_not(param.rung)
        if stop is None:
            return
        item.stash[STOP] = stop
        if stop.failed:
            pytest.fail(stop.note, pytrace=False)
        raise pytest.skip.Exception(stop.note, _use_item_location=True)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Hold a test that only called `evaluate()` to the thresholds too; one that called neither is a mistake."""
        result = yield
        if param_of(item) is None:
            return result
        handle = item.stash.get(HANDLE, None)
        if handle is None or handle.result is None:
            pytest.fail("the test never called rung.check() or rung.evaluate(): nothing was measured", pytrace=False)
        if handle.state is None or handle.result.verdict is not Verdict.MET:
            handle.conclude()  # again where the test caught what `check()` raised
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach what the rung's test found."""
        param = param_of(item)
        stop, handle = item.stash.get(STOP, None), item.stash.get(HANDLE, None)
        told = stop is not None if call.when == "setup" else call.when == "call"
        sent = self._report(item, stop, handle, call) if param is not None and told else None
        if sent is not None:
            item.user_properties += _properties(sent, handle)
        report = yield
        if sent is not None:
            setattr(report, ATTRIBUTE, sent.dump())
            setattr(report, STATE, sent.state)
        return report

    def _report(
        self, item: pytest.Item, stop: Stop | None, handle: RungHandle | None, call: pytest.CallInfo[None]
    ) -> Report | None:
        param = param_of(item)
        assert param is not None
        climb = self.context.climbs[param.path]
        path, smoke = str(param.path), self.context.settings.limit is not None
        if stop is not None:
            climb.states[param.rung] = stop.state
            return Report(path, param.rung, str(stop.state), stop.note, requested=climb.requested, smoke=smoke)
        if handle is None or handle.result is None:
            climb.states[param.rung] = State.ERROR
            note = str(call.excinfo.value) if call.excinfo else ""
            return Report(path, param.rung, str(State.ERROR), note, requested=climb.requested, smoke=smoke)
        state = handle.state or climb.state_of(param.rung, handle.result.verdict)
        if handle.result.verdict is Verdict.ERROR:
            state = State.ERROR
        climb.states[param.rung] = state
        own = OWN_FAILED if call.excinfo is not None and state in (State.SELECTED, State.MET) else ""
        return Report.of(path, str(state), handle.result, own, requested=climb.requested, smoke=smoke)


def _properties(sent: Report, handle: RungHandle | None) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = [("ladder.state", sent.state)]
    if handle is not None and handle.result is not None:
        evaluation = handle.result.evaluation
        found.append(("ladder.verdict", str(evaluation.verdict)))
        if handle.result.holdout is not None:
            found.append(("ladder.holdout", str(handle.result.holdout.verdict)))
        for check in evaluation.checks:
            if check.figure is not None and check.figure.mean is not None:
                figure = check.figure
                value = f"{figure.mean:.6g} [{figure.low:.6g}, {figure.high:.6g}] n={figure.n} >= {check.threshold:g}"
                found.append((f"ladder.score.{check.metric}.{check.slice}", value))
    return found


class Words:
    """The plugin's own words and letters for its outcomes."""

    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Name the outcome of a rung; a failure keeps pytest's own word, so that it is shown as one."""
        state = getattr(report, STATE, None)
        if state is None or report.failed or state not in WORDS or getattr(report, "when", "") == "teardown":
            return None
        category, letter, colour = WORDS[state]
        return category, letter, (category.upper(), colour)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """List the rungs that were skipped, with the reason, where `-rs` or `-ra` asks for skipped tests."""
        if not terminalreporter.hasopt("s"):
            return
        for category, _, colour in WORDS.values():
            for report in terminalreporter.stats.get(category, ()):
                if report.skipped:
                    word = terminalreporter._tw.markup(category.upper(), **colour)
                    reason = report.longrepr[2].removeprefix("Skipped: ")
                    terminalreporter.write_line(f"{word} {report.nodeid} - {reason}")
