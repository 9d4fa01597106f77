"""`ladder compare`: two rungs against each other, from their recordings."""

from __future__ import annotations

import argparse
import shutil
import sys

from pytest_ladder.cli.plugins import add_conftest, open_only
from pytest_ladder.report.compare import render_compare
from pytest_ladder.report.comparison_json import compared_json
from pytest_ladder.report.json_report import dump
from pytest_ladder.session.summaries.compare import compare_rungs

SHOWN = 10
"""How many ids of cases are listed where nothing else is asked for."""


def add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    told = "compare two rungs of a ladder, case by case, from their recordings; nothing is asked or written"
    command = commands.add_parser("compare", help="compare two rungs, case by case, from their recordings",
                                  description=told)  # fmt: skip
    command.add_argument("before", metavar="A", help="the rung to compare with")
    command.add_argument("after", metavar="B", help="the rung to look at: a gain is one of B over A")
    command.add_argument("path", nargs="?", default=".", metavar="PATH",
                         help="a ladder.toml, or a folder to search for the only one (default .)")  # fmt: skip
    command.add_argument("--cases", type=_number, default=SHOWN, metavar="N",
                         help=f"list at most N lost and N won cases a metric (default {SHOWN})")  # fmt: skip
    command.add_argument("--json", action="store_true", help="write JSON, with every lost and won case")
    add_conftest(command)
    command.set_defaults(run=run_compare)


def run_compare(options: argparse.Namespace) -> int:
    """Run the command; whatever the comparison shows, its exit status is 0."""
    compared = compare_rungs(open_only(options.path, options.conftest), options.before, options.after)
    if options.json:
        print(dump(compared_json(compared)), end="")
        return 0
    width = min(shutil.get_terminal_size((100, 24)).columns, 140)
    unicode = "utf" in (sys.stdout.encoding or "ascii").lower()
    text = render_compare(compared, width=width, color=sys.stdout.isatty(), unicode=unicode, cases=options.cases)
    print(text, end="")
    return 0


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"got {text!r}; expected a whole number from 0")
    return int(text)
