"""`ladder show`: one case, and how each rung came to its answer, from the recordings."""

from __future__ import annotations

import argparse
import shutil
import sys

from pytest_ladder.cli.plugins import add_conftest, open_only
from pytest_ladder.report.show import render_case
from pytest_ladder.session.summaries.show import show_case


def add_show(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    told = "show one case, and the steps by which each rung came to its answer, from the recordings; nothing is asked"
    command = commands.add_parser("show", help="show a case, and how each rung came to its answer", description=told)
    command.add_argument("case", metavar="CASE", help="the id of the case")
    command.add_argument("path", nargs="?", default=".", metavar="PATH",
                         help="a ladder.toml, or a folder to search for the only one (default .)")  # fmt: skip
    command.add_argument("--rung", action="append", default=[], metavar="ID",
                         help="only this rung (repeatable; default: all with answers on record)")  # fmt: skip
    command.add_argument("--whole", action="store_true", help="leave long texts uncut")
    add_conftest(command)
    command.set_defaults(run=run_show)


def run_show(options: argparse.Namespace) -> int:
    """Run the command; whatever it shows, its exit status is 0."""
    shown = show_case(open_only(options.path, options.conftest), options.case, options.rung)
    width = min(shutil.get_terminal_size((100, 24)).columns, 140)
    unicode = "utf" in (sys.stdout.encoding or "ascii").lower()
    print(render_case(shown, width=width, color=sys.stdout.isatty(), unicode=unicode, whole=options.whole), end="")
    return 0
