"""Climb two ladders with a real model, from nothing, and see the gate refuse: `make demo`.

Works on a copy of the examples without recordings and logs, so that every answer is given anew.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LEFT_OUT = shutil.ignore_patterns("recordings", "scores", "escalation.jsonl", "*.lock", "__pycache__", ".pytest_cache")
BOLD, PLAIN = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
RULE = "=" * 100


@dataclass
class Demo:
    """Runs pytest in the copy and keeps the tally."""

    folder: Path
    tally: list[tuple[str, str, float]] = field(default_factory=list)
    failed: bool = False

    def step(self, title: str, why: str, arguments: list[str], expect: Callable[[int, str], str]) -> None:
        """Show one run; `expect` says what is wrong with its status and output, or nothing."""
        number = len(self.tally) + 1
        print(f"\n{BOLD}{RULE}\n{number}. {title}{PLAIN}\n   {why}\n\n$ pytest {' '.join(arguments)}\n", flush=True)
        start = time.monotonic()
        status, output = self.pytest(arguments)
        seconds = time.monotonic() - start
        fault = expect(status, output)
        self.failed |= bool(fault)
        said = f"NOT AS EXPECTED: {fault}" if fault else "as expected"
        self.tally.append((title, f"exit status {status}, {said}", seconds))
        print(f"\n{BOLD}-> exit status {status}, {said}; {seconds:.1f} s{PLAIN}", flush=True)

    def pytest(self, arguments: list[str]) -> tuple[int, str]:
        """Run pytest in the copy, show its output as it comes, and return it too."""
        colour = "yes" if BOLD else "no"
        plain = ["-p", "no:randomly", "-p", "no:cacheprovider", f"--color={colour}"]
        environment = {key: value for key, value in os.environ.items() if key not in ("CI", "PYTEST_ADDOPTS")}
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *plain, *arguments], cwd=self.folder, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
        assert process.stdout is not None
        shown = []
        for line in process.stdout:
            print(line, end="", flush=True)
            shown.append(line)
        return process.wait(), "".join(shown)

    def answers(self, ladder: str) -> str:
        """How many answers of each rung are on record."""
        files = sorted((self.folder / "examples" / ladder / "recordings").glob("*/*.jsonl"))
        counts = {path.parent.name: sum(1 for _ in path.open(encoding="utf-8")) for path in files}
        return ", ".join(f"{rung} {count}" for rung, count in counts.items())

    def log(self, ladder: str) -> bytes:
        """The escalation log as it stands; empty where there is none."""
        path = self.folder / "examples" / ladder / "escalation.jsonl"
        return path.read_bytes() if path.exists() else b""

    def entries(self, ladder: str) -> list[dict[str, Any]]:
        """The entries of a ladder's log."""
        return [json.loads(line) for line in self.log(ladder).decode("utf-8").splitlines()]

    def decision(self, ladder: str) -> str:
        """The last decision of a ladder's log, in words."""
        decisions = [entry for entry in self.entries(ladder) if entry["kind"] == "decision"]
        if not decisions:
            return "no decision on record"
        last = max(decisions, key=lambda entry: entry["at"])
        return f"selected: {last['selected'] or 'nothing'}. {last['reason']}. Next: {last['recommendation']}."

    def say(self, text: str) -> None:
        """Print an aside."""
        print(f"   {text}", flush=True)


def selected(status: int, _: str) -> str:
    """A lever must be found."""
    return "" if status == 0 else "a lever was to be selected"


def refused(code: str) -> Callable[[int, str], str]:
    """The gate must refuse with a code."""

    def expect(status: int, output: str) -> str:
        lines = [line.strip() for line in output.splitlines()]
        if status != 1:
            return "the gate was to refuse"
        return "" if any(f"{code}:" in line or line.startswith(code) for line in lines) else f"no refusal `{code}`"

    return expect


def support(demo: Demo) -> None:
    path = "examples/support"
    demo.step(
        "The climb", "Nothing is on record: a small language model answers every case at every rung that is needed.",
        ["--ladder", path], selected,
    )  # fmt: skip
    demo.say(f"answers now on record: {demo.answers('support')}")
    demo.say(demo.decision("support"))
    before = demo.log("support")

    def unchanged(status: int, output: str) -> str:
        return selected(status, output) or ("" if demo.log("support") == before else "the log was to stay as it is")

    demo.step(
        "The same again", "All answers are on record: no model is loaded, and the log stays as it is, byte for byte.",
        ["--ladder", path], unchanged,
    )  # fmt: skip
    demo.step(
        "Fine-tuning is asked for", "A cheaper rung meets the target, so the gate must refuse with `met`.",
        ["--ladder", "--ladder-fine-tune", path], refused("met"),
    )  # fmt: skip


def house_style(demo: Demo) -> None:
    path = "examples/house_style"
    with (demo.folder / path / "ladder.toml").open("rb") as file:
        lowest = next(iter(tomllib.load(file)["rungs"]))

    def decided(status: int, _: str) -> str:
        entries = demo.entries("house_style")
        complete = {"rung", "decision"} <= {e["kind"] for e in entries} and "error" not in {
            e.get("verdict") for e in entries
        }
        return "" if status in (0, 1) and complete else "the climb was to end with a decision"

    demo.step(
        "Another task: fine-tuning at the first disappointment",
        f"Only `{lowest}` was tried. The gate must name what is not on record: `not_recorded`.",
        ["--ladder", f"--ladder-rung={lowest}", "--ladder-fine-tune", path], refused("not_recorded"),
    )  # fmt: skip
    demo.step(
        "The whole climb", "Every declared rung is measured before anyone speaks of weights.",
        ["--ladder", path], decided,
    )  # fmt: skip
    demo.say(f"answers now on record: {demo.answers('house_style')}")
    demo.say(demo.decision("house_style"))


def main() -> int:
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ladder-demo-") as name:
        folder = Path(name)
        shutil.copytree(EXAMPLES, folder / "examples", ignore=LEFT_OUT)
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        demo = Demo(folder)
        print("A copy of the examples without recordings and logs; the model is examples/model, here on the CPU.")
        support(demo)
        house_style(demo)
    print(f"\n{BOLD}{RULE}\nWhat was shown{PLAIN}")
    for number, (title, said, seconds) in enumerate(demo.tally, 1):
        print(f"  {number}. {title:<55} {seconds:6.1f} s   {said}")
    print(f"  {'in all':<58} {time.monotonic() - start:6.1f} s")
    return int(demo.failed)


if __name__ == "__main__":
    sys.exit(main())
