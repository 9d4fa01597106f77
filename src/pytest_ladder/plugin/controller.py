"""The controller: gathers the reports of rungs, writes the log, asks the gate, shows the result."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_ladder.core.summary import RunSummary, State
from pytest_ladder.errors import LadderError
from pytest_ladder.plugin.base import BaseReport
from pytest_ladder.plugin.context import Context
from pytest_ladder.plugin.outcomes import ATTRIBUTE
from pytest_ladder.report.numbers import plural
from pytest_ladder.report.terminal import render_terminal
from pytest_ladder.report.write import write_report
from pytest_ladder.session.concluding.climb import codes
from pytest_ladder.session.concluding.finish import Outcome, finish
from pytest_ladder.session.drift.failing import drift_failures
from pytest_ladder.session.measuring.results import Report
from pytest_ladder.session.summaries.summary import summarise, version
from pytest_ladder.store.paths import relative

BROKEN = (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)


@dataclass(eq=False)  # pluggy keeps plugins in sets
class Controller:
    """One for each run, never on a worker."""

    context: Context
    reports: dict[Path, list[Report]] = field(default_factory=dict)
    failed: set[Path] = field(default_factory=set)
    """Ladders of which a test failed."""
    faults: list[str] = field(default_factory=list)
    """What was wrong with the set-up at collection."""
    unheard: set[Path] = field(default_factory=set)
    """Ladders of which fine-tuning was requested, but no test ran."""
    lost: int = 0
    """How many reports the workers sent that never came."""
    received: Counter[str] = field(default_factory=Counter)
    """Worker -> reports of rungs that came from it."""
    tests: dict[str, list[str]] = field(default_factory=dict)
    """Node id -> ladder and rung, as the workers collected them."""
    crashed: dict[str, str] = field(default_factory=dict)
    """Node id of a test that killed its worker -> what is known of it."""
    hidden: list[tuple[Path, str]] = field(default_factory=list)
    """Ladders and rungs that did not come to their end, of which the tests did not fail either."""
    collect_fault: bool = False
    summary: RunSummary | None = None
    written: list[Path] = field(default_factory=list)
    """The reports that were written."""
    base: BaseReport = field(init=False)

    def __post_init__(self) -> None:
        self.base = BaseReport(self.context.shared.base)

    def pytest_report_header(self) -> str:
        """Say what may be asked."""
        settings = self.context.settings
        parts = [f"record={settings.record}", f"climb={settings.climb}"]
        if settings.fine_tune:
            parts.append("fine-tuning requested")
        if settings.drift is not None:
            parts.append(f"drift={settings.drift}")
        if settings.limit is not None:
            parts.append(f"smoke run: {settings.limit} cases a slice, nothing is logged")
        return f"ladder: {', '.join([*parts, *self.base.header])}"

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember that a ladder's files could not be used."""
        self.collect_fault |= bool(getattr(report, "ladder_fault", False))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a rung's test found."""
        text = getattr(report, ATTRIBUTE, None)
        if text is None:
            return
        sent = Report.load(text)
        self.received[_worker(report)] += 1
        path = Path(sent.ladder)
        self.reports.setdefault(path, []).append(sent)
        if report.failed:
            self.failed.add(path)
        elif _hides(report, State(sent.state)):
            self.hidden.append((path, sent.rung))

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Remember a test that killed its worker."""
        self.crashed[crashitem] = str(report.longrepr)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take a worker's count; one that crashed has none."""
        output = getattr(node, "workeroutput", {}).get("ladder", {})
        self.lost += max(0, output.get("sent", 0) - self.received[node.gateway.id])
        self.tests |= output.get("tests", {})
        if output.get("fault") and output["fault"] not in self.faults:
            self.faults.append(output["fault"])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close every ladder of the run."""
        try:
            if self.collect_fault or self.faults:
                session.exitstatus = pytest.ExitCode.USAGE_ERROR
                return
            self._count_crashes()
            self._count_requests(exitstatus)
            outcomes = [self._finish(session, path, exitstatus) for path in sorted(self.reports)]
            for path, rung in self.hidden:
                told = f"rung {rung}: its test ended without a verdict that counts, and did not fail. Let it fail."
                self._fail(session, path, rung, told)
            self._reconcile(session)
            self._look_for_gone(session, exitstatus)
            self.summary = RunSummary(
                tuple(
                    self.base.within(path, summarise(outcome, self.reports[path]))
                    for path, outcome in zip(sorted(self.reports), outcomes, strict=True)
                    if outcome is not None
                ),
                datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                version(),
                self.base.gone,
            )
            self._write_reports(session, self.summary)
        finally:
            self.context.close()

    def _write_reports(self, session: pytest.Session, summary: RunSummary) -> None:
        for path in self.context.settings.reports:
            try:
                write_report(path, summary)
                self.written.append(path)
            except LadderError as error:
                self._fail(session, path, "report", str(error))

    def _count_crashes(self) -> None:
        """Hold a rung that killed its worker to be in error."""
        for nodeid, told in self.crashed.items():
            if nodeid in self.tests:
                path, rung = self.tests[nodeid]
                self.reports.setdefault(Path(path), []).append(Report(path, rung, str(State.ERROR), told))
                self.failed.add(Path(path))

    def _count_requests(self, exitstatus: int) -> None:
        """Ask the gate for the ladders of which fine-tuning was requested although none of their tests ran."""
        if _dry(self.context.config) or exitstatus in BROKEN:
            return
        paths = [path for path, climb in self.context.climbs.items() if climb.requested]
        paths += [Path(path) for path, _ in self.tests.values() if self.context.settings.fine_tune]
        self.unheard = {path for path in paths if path not in self.reports}
        for path in self.unheard:
            self.reports[path] = []

    def _finish(self, session: pytest.Session, path: Path, exitstatus: int) -> Outcome | None:
        reports = self.reports[path]
        requested = path in self.unheard or any(report.requested for report in reports)
        try:
            run = self.context.run(path)
            outcome = finish(run, reports, requested=requested, interrupted=self._interrupted(exitstatus))
        except LadderError as error:
            self._fail(session, path, "log", str(error))
            return None
        for told in outcome.failures:
            if not (path in self.failed and "altered" in told):
                self._fail(session, path, "log", told)
        for told in drift_failures(run.ladder, self.reports[path]):
            self._fail(session, path, "drift", told)
        if outcome.refusals:
            self._fail(session, path, "gate", _refused(outcome))
        elif self._no_lever(path, outcome, exitstatus):
            self._fail(session, path, "lever", f"{run.ladder.where}: {outcome.decision.reason}.")
        if not self._interrupted(exitstatus):
            self._compare(session, path, outcome)
        return outcome

    def _compare(self, session: pytest.Session, path: Path, outcome: Outcome) -> None:
        """Hold a finished ladder against the base."""
        try:
            smoke = any(report.smoke for report in self.reports[path])
            for failure in self.base.judge(path, outcome, smoke=smoke):
                self._fail(session, path, failure.name, failure.text)
        except LadderError as error:
            self._fail(session, path, "base", str(error))

    def _look_for_gone(self, session: pytest.Session, exitstatus: int) -> None:
        """Tell of ladders that the base has and the working tree lacks."""
        if _dry(self.context.config) or exitstatus in BROKEN:
            return
        try:
            for path, failure in self.base.lost():
                self._fail(session, path, failure.name, failure.text)
        except LadderError as error:
            self._fail(session, Path("ladder"), "base", str(error))

    def _interrupted(self, exitstatus: int) -> bool:
        """Whether not every rung of the run has had its say."""
        return exitstatus in BROKEN or bool(self.lost) or not self.crashed.keys() <= self.tests.keys()

    def _no_lever(self, path: Path, outcome: Outcome, exitstatus: int) -> bool:
        """Whether a whole climb ended without a lever and without a failure that says so."""
        ran = {report.rung for report in self.reports[path]}
        whole = ran == {rung.id for rung in outcome.standing.ladder.rungs}
        smoke = any(report.smoke for report in self.reports[path])
        quiet = path not in self.failed and not outcome.failures and exitstatus not in BROKEN
        return whole and quiet and not smoke and outcome.decision.selected is None

    def _reconcile(self, session: pytest.Session) -> None:
        if self.lost:
            told = f"{plural(self.lost, 'report of a rung', 'reports of rungs')} got lost on the way from the workers."
            self._fail(session, Path("ladder"), "reports", told)

    def _fail(self, session: pytest.Session, path: Path, name: str, told: str) -> None:
        """Fail the build with a report of its own, in the terminal and in JUnit."""
        where = relative(path, session.config.rootpath)
        nodeid, location = f"{where}::{name}", (where, None, name)
        common: dict[str, Any] = {
            "nodeid": nodeid, "location": location, "keywords": {}, "user_properties": [("ladder.failure", name)],
        }  # fmt: skip
        failed = pytest.TestReport(**common, outcome="failed", longrepr=told, when="call", duration=0.0)
        session.testscollected += 1  # the progress in per cent counts it
        hook = session.config.hook
        hook.pytest_runtest_logreport(report=failed)
        hook.pytest_runtest_logreport(
            report=pytest.TestReport(**common, outcome="passed", longrepr=None, when="teardown")
        )
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show how each ladder stands."""
        for fault in self.faults:
            terminalreporter.write_line(f"ERROR: {fault}", red=True)
        if self.summary is None or not (self.summary.ladders or self.summary.gone):
            return
        writer = terminalreporter._tw
        encoding = getattr(writer._file, "encoding", None) or "ascii"
        text = render_terminal(
            self.summary, width=min(writer.fullwidth, 140), color=writer.hasmarkup,
            unicode="utf" in encoding.lower(), verbose=terminalreporter.config.get_verbosity(),
        )  # fmt: skip
        terminalreporter.section("ladders", sep="=")
        terminalreporter.write(text if text.endswith("\n") else text + "\n")
        for path in self.written:
            terminalreporter.write_line(f"report: {relative(path, self.context.config.invocation_params.dir)}")


def _dry(config: pytest.Config) -> bool:
    """Whether the run only shows what it would do."""
    return any(config.getoption(dest, False) for dest in ("collectonly", "setupplan", "setuponly"))


def _hides(report: pytest.TestReport, state: State) -> bool:
    """Whether a report that did not fail says less than its rung came to: by an xfail mark, a skip or a hook."""
    if state in (State.MET, State.SELECTED):
        return False
    return state is State.ERROR or report.passed or hasattr(report, "wasxfail")


def _worker(report: pytest.TestReport) -> str:
    node = getattr(report, "node", None)
    return str(node.gateway.id) if node else ""


def _refused(outcome: Outcome) -> str:
    lines = [f"fine-tuning refused: {codes(outcome.refusals)}", f"  {outcome.standing.ladder.where}"]
    for refusal in outcome.refusals:
        lines.append(f"  {refusal.code}: {refusal.reason}.")
        lines.append(f"    {refusal.mend}")
    return "\n".join(lines)
