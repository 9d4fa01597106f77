"""The `ladder` command: what needs no tests."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pytest_ladder.cli.compare import add_compare
from pytest_ladder.cli.find import find_ladders
from pytest_ladder.cli.init import init
from pytest_ladder.cli.plugins import add_conftest, open_ladder
from pytest_ladder.cli.report import add_report
from pytest_ladder.cli.show import add_show
from pytest_ladder.cli.status import agreeing, fitness, logged, obstacles
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.economics import compare_costs
from pytest_ladder.core.summary import RunSummary
from pytest_ladder.errors import InvalidFile, InvalidRequest, LadderError
from pytest_ladder.report.economics import render_cost
from pytest_ladder.report.json_schema import report_json_schema
from pytest_ladder.report.terminal import render_terminal
from pytest_ladder.session.concluding.finish import Outcome
from pytest_ladder.session.concluding.standing import Standing
from pytest_ladder.session.summaries.summary import version
from pytest_ladder.session.summaries.verify import standing_of, verify
from pytest_ladder.store.prune import prune
from pytest_ladder.store.spec import ladder_json_schema

OK, FAILED, USAGE = 0, 1, 4

SCHEMAS: dict[str, Callable[[], Json]] = {"ladder": ladder_json_schema, "report": report_json_schema}

COST_OPTIONS = (
    ("--queries", "queries a month"),
    ("--input-tokens", "prompt tokens of a query"),
    ("--output-tokens", "completion tokens of a query"),
    ("--input-price", "USD per million prompt tokens"),
    ("--output-price", "USD per million completion tokens"),
    ("--training-cost", "USD of one training"),
    ("--hosting", "USD a month for serving the tuned model"),
    ("--amortize-months", "months over which the training is paid off"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, 1 for evidence that does not stand, 4 for what cannot be used."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        status = run(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # who reads has closed, as `head` does: what is left is told to nobody
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (InvalidFile, InvalidRequest) as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    except LadderError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ladder", description="Adaptation ladders for language models; the climb itself is `pytest --ladder`."
    )
    parser.add_argument("--version", action="version", version=f"pytest-ladder {version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_init(commands)
    for name, run, told in (
        ("status", _status, "show how each ladder stands, from its log"),
        ("verify", _verify, "recompute every figure from the recordings and compare with the log"),
        ("prune", _prune, "remove recordings and searched prompts that neither the log nor today's rungs name"),
    ):
        command = commands.add_parser(name, help=told, description=told)
        command.add_argument(
            "paths", nargs="*", metavar="PATH", help="a ladder.toml, or a folder to search (default .)"
        )
        add_conftest(command)
        if name == "prune":
            command.add_argument("--dry-run", action="store_true", help="only say what would be removed")
        command.set_defaults(run=run)
    add_compare(commands)
    add_report(commands)
    add_show(commands)
    _add_cost(commands)
    _add_schema(commands)
    return parser


def _add_init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    told = "write a first ladder that runs at once"
    command = commands.add_parser("init", help=told, description=told)
    command.add_argument("folder", nargs="?", default="evals/support", help="where it goes (default evals/support)")
    command.add_argument("--name", help="the ladder's name (default: the folder's)")
    command.set_defaults(run=_init)


def _add_cost(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    told = "compare a model by API with a tuned one: monthly costs and the break-even volume"
    command = commands.add_parser("cost", help=told, description=told)
    for flag, meaning in COST_OPTIONS:
        command.add_argument(flag, type=float, required=True, metavar="N", help=meaning)
    command.set_defaults(run=_cost)


def _add_schema(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    told = "print the JSON Schema of ladder.toml, or of the JSON report"
    command = commands.add_parser("schema", help=told, description=told)
    command.add_argument("which", choices=sorted(SCHEMAS), help="what it describes")
    command.set_defaults(run=_schema)


def _init(options: argparse.Namespace) -> int:
    folder = Path(options.folder)
    for path in init(folder, options.name or folder.resolve().name):
        print(f"wrote {path}")
    print(f"\nNow run `pytest --ladder {folder}`, then commit the folder: the recordings and the log are the evidence.")
    return OK


def _show(outcomes: Sequence[Outcome]) -> None:
    summary = RunSummary(
        tuple(map(logged, outcomes)), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        version(),
    )  # fmt: skip
    encoding = sys.stdout.encoding or "ascii"
    width = min(shutil.get_terminal_size((100, 24)).columns, 140)
    print(
        render_terminal(summary, width=width, color=sys.stdout.isatty(), unicode="utf" in encoding.lower(), verbose=0)
    )


def _status(options: argparse.Namespace) -> int:
    outcomes = [standing_of(open_ladder(path, options.conftest)) for path in find_ladders(options.paths)]
    _show(outcomes)
    for outcome in outcomes:
        print("\n" + "\n\n".join(filter(None, (obstacles(outcome), fitness(outcome)))))
    return OK


def _verify(options: argparse.Namespace) -> int:
    status = OK
    for path in find_ladders(options.paths):
        run = open_ladder(path, options.conftest)
        outcome, faults = verify(run)
        for fault in faults:
            print(f"error: {fault}", file=sys.stderr)
        status = FAILED if faults else status
        if not faults:
            lever = f"selected: {outcome.decision.selected}" if outcome.decision.selected else "no rung is selected"
            print(f"{run.ladder.where} ({run.ladder.name}): {agreeing(run)}; {lever}")
    return status


def _prune(options: argparse.Namespace) -> int:
    for path in find_ladders(options.paths):
        run = open_ladder(path, options.conftest)
        if run.log_fault:
            raise LadderError(f"{run.log_fault} Nothing was removed.")
        standing = Standing(run, {}, {}, datetime.now(UTC).date())
        prints = {rung.id: standing.prints(rung) for rung in run.ladder.rungs}
        current = {rung: of.digest for rung, of in prints.items()}
        files = {path for of in prints.values() for path in of.artifacts}
        word = "would remove" if options.dry_run else "removed"
        judges = run.judges.fingerprints()
        removed = prune(run.folder, run.log, run.ladder, current, options.dry_run, judges, files)
        for gone in removed:
            print(f"{word} {gone.relative_to(run.folder.parent)}")
        if not removed:
            print(f"{run.ladder.where}: nothing to remove")
    return OK


def _schema(options: argparse.Namespace) -> int:
    print(json.dumps(SCHEMAS[options.which](), indent=2, ensure_ascii=False))
    return OK


def _cost(options: argparse.Namespace) -> int:
    names = [flag.removeprefix("--").replace("-", "_") for flag, _ in COST_OPTIONS]
    print(render_cost(compare_costs(**{name: getattr(options, name) for name in names})))
    return OK


if __name__ == "__main__":
    sys.exit(main())
