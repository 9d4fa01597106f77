"""`ladder report`: how ladders stand, as files to show or on the standard output, from what is on record."""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pytest_ladder.cli.find import find_ladders
from pytest_ladder.cli.plugins import add_conftest, open_ladder
from pytest_ladder.cli.status import logged
from pytest_ladder.core.summary import LadderSummary, RungRow, RunSummary
from pytest_ladder.report.markdown import render_markdown
from pytest_ladder.report.write import check_extension, write_report
from pytest_ladder.session.concluding.finish import Outcome
from pytest_ladder.session.summaries.case_summary import details_of, obstacles
from pytest_ladder.session.summaries.summary import version
from pytest_ladder.session.summaries.verify import standing_of

OPTION = "--output"


def add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    told = "write how each ladder stands, by its log and recordings, as a file or as Markdown; nothing is asked"
    command = commands.add_parser("report", help=told, description=told)
    command.add_argument("paths", nargs="*", metavar="PATH", help="a ladder.toml, or a folder to search (default .)")
    command.add_argument(
        OPTION, type=Path, action="append", default=[], metavar="FILE", help="by extension: .html, .md, .json "
        "(repeatable; default: Markdown on the standard output)",
    )  # fmt: skip
    add_conftest(command)
    command.set_defaults(run=run_report)


def run_report(options: argparse.Namespace) -> int:
    """Run the command; its exit status is 0 wherever a file could be written, whatever it tells."""
    for path in options.output:
        check_extension(path, OPTION)
    outcomes = [standing_of(open_ladder(path, options.conftest)) for path in find_ladders(options.paths)]
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    summary = RunSummary(tuple(map(_full, outcomes)), at, version())
    for path in options.output:
        write_report(path, summary, OPTION)
        print(f"wrote {path}")
    if not options.output:
        print(render_markdown(summary), end="")
    return 0


def _full(outcome: Outcome) -> LadderSummary:
    """A ladder with all that any report shows."""
    summary = logged(outcome)
    rows = tuple(_with_misses(row, outcome) for row in summary.rows)
    return replace(summary, rows=rows, details=details_of(outcome), obstacles=obstacles(outcome))


def _with_misses(row: RungRow, outcome: Outcome) -> RungRow:
    result = outcome.standing.results.get(row.id) if row.entry else None
    return replace(row, misses=result.misses) if result else row
