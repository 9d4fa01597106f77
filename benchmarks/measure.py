"""What the benchmarks share: a command line, and processes whose cost is read off."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    benchmark: str
    what: str
    value: float
    unit: str


@dataclass(frozen=True)
class Cost:
    """What a finished process took."""

    wall_s: float
    cpu_s: float
    """User and system time, its children's included."""
    peak_mib: float
    """Largest resident set."""


def run(command: Sequence[str], cwd: Path, ok: Sequence[int] = (0,)) -> Cost:
    """Run a process to its end, without the outer run's environment; another status than `ok` ends the benchmark."""
    outer = ("CI", "PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE")
    environment = {key: value for key, value in os.environ.items() if key not in outer}
    log = cwd / "benchmark-output.txt"
    start = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ok:
        sys.exit(f"{' '.join(command)}: exit status {process.returncode}\n{log.read_text(encoding='utf-8')[-3000:]}")
    to_mib = 1 / 1024**2 if sys.platform == "darwin" else 1 / 1024
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * to_mib)


def main(describe: str, options: dict[str, int], measure: Callable[..., list[Figure]]) -> None:
    """Run one benchmark from the command line: its options are whole numbers; `--json` is for other programs."""
    parser = argparse.ArgumentParser(description=describe)
    for name, default in options.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default, help=f"default {default}")
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    given = vars(parser.parse_args())
    as_json = given.pop("json")
    figures = measure(**given)
    print(json.dumps([asdict(figure) for figure in figures]) if as_json else table(figures))


def table(figures: Sequence[Figure]) -> str:
    """Figures as an aligned table."""
    width = max(len(figure.what) for figure in figures)
    return "\n".join(f"{f.benchmark:<9} {f.what:<{width}} {f.value:>10.3f} {f.unit}" for f in figures)
