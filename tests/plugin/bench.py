"""A ladder on disk whose rungs answer by arithmetic and write down what they were asked, and the ways to run it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import tests.loaded  # noqa: F401  before the first inner run

SYSTEM = """\
from pathlib import Path


def answer(case):
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write(f"{rung} {{case.id}}\\n")
    number = int(case.input.split()[-1])
    return f"answer {{number}}" if number in {right} else f"no idea of {{number}}"
"""

MODEL = """\
import re
from pathlib import Path


def reply(messages):
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write("model " + messages[-1]["content"].replace("\\n", " ") + "\\n")
    number = int(re.findall("[0-9]+", messages[-1]["content"])[-1])
    return {"text": f"answer {number}", "model": "arith-1", "cost_usd": 0.001,
            "prompt_tokens": 5, "completion_tokens": 1}
"""

TEST = """\
import pytest


@pytest.mark.ladder
def test_{name}(rung):
    rung.check()
"""

TIMES = ("at", "id", "after", "latency", "environment", "rests_on")
"""What of an entry is of the clock and the machine, or follows from it."""

Right = int | Iterable[int]
"""The numbers of the cases that a rung answers right; an int for those below it."""


def case(number: int, **parts: Any) -> dict[str, Any]:
    """A case; every second one is in the slice `odd`."""
    slices = {"slices": ["odd"]} if number % 2 else {}
    return {"id": f"c{number}", "input": f"question {number}", "expected": f"answer {number}", **slices, **parts}


@dataclass
class Bench:
    """One ladder in a project."""

    pytester: pytest.Pytester
    name: str = "support"
    args: tuple[str, ...] = field(default=("-p", "no:randomly"))

    @property
    def folder(self) -> Path:
        return self.pytester.path / "evals" / self.name

    @property
    def toml(self) -> Path:
        return self.folder / "ladder.toml"

    @property
    def log_path(self) -> Path:
        return self.folder / "escalation.jsonl"

    @property
    def test(self) -> str:
        """The node id of the ladder's test, without its parameter."""
        return f"evals/{self.name}/test_{self.name}.py::test_{self.name}"

    def make(
        self,
        rungs: Mapping[str, Right] | None = None,
        *,
        cases: int = 10,
        thresholds: str = "answer = { all = 0.9 }",
        head: str = "",
        tables: str = "",
        test: str = TEST,
        options: Mapping[str, str] | None = None,
    ) -> Bench:
        """Write the ladder.

        Args:
            rungs: Rung id -> what it answers right.
            cases: How many.
            thresholds: The body of that table.
            head: Further keys at the top of ladder.toml.
            tables: Further tables.
            test: The test file.
            options: Rung id -> further keys of its table.
        """
        rungs = {"prompt": 4, "few_shot": 10} if rungs is None else rungs
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ini()
        for rung, right in rungs.items():
            self.system(rung, right)
        parts = [
            "schema = 1", f'name = "{self.name}"', 'evalset = "cases.jsonl"', head,
            '[metrics.answer]\nscorer = "exact_match"', f"[thresholds]\n{thresholds}", tables,
        ]  # fmt: skip
        for rung in rungs:
            parts += [f'[rungs.{rung}]\nsystem = "{rung}.py:answer"', (options or {}).get(rung, "")]
        self.write("ladder.toml", "\n".join(parts) + "\n")
        self.cases([case(number) for number in range(cases)])
        self.write(f"test_{self.name}.py", test.format(name=self.name) if test is TEST else test)
        return self

    def write(self, name: str, text: str) -> Path:
        """Write a file of the ladder's folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        return path

    def ini(self, *lines: str) -> None:
        """Write pytest.ini."""
        (self.pytester.path / "pytest.ini").write_text("\n".join(["[pytest]", *lines, ""]), encoding="utf-8")

    def system(self, rung: str, right: Right) -> None:
        """Write a rung's system."""
        numbers = range(right) if isinstance(right, int) else sorted(right)
        self.write(f"{rung}.py", SYSTEM.format(rung=rung, right=numbers))

    def cases(self, cases: Iterable[Mapping[str, Any]]) -> None:
        """Write the eval set."""
        self.write("cases.jsonl", "".join(json.dumps(line) + "\n" for line in cases))

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace what must be there."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    # --- what a run left -----------------------------------------------------------------------------------------

    def asked(self, rung: str = "") -> list[str]:
        """What was asked since the last look, as `rung case`; of one rung, the cases alone."""
        path = self.folder / "asked.txt"
        lines = sorted(path.read_text(encoding="utf-8").splitlines()) if path.exists() else []
        path.unlink(missing_ok=True)
        return [line.partition(" ")[2] for line in lines if line.startswith(f"{rung} ")] if rung else lines

    @property
    def log(self) -> list[dict[str, Any]]:
        """The entries of the log, in file order."""
        if not self.log_path.exists():
            return []
        return [json.loads(line) for line in self.log_path.read_text(encoding="utf-8").splitlines()]

    @property
    def timeless(self) -> list[dict[str, Any]]:
        """The log without what is of the clock."""
        return [{key: value for key, value in entry.items() if key not in TIMES} for entry in self.log]

    @property
    def verdicts(self) -> list[str]:
        """`rung verdict` of each entry, and `selected rung` of each decision."""
        return [
            f"{entry['rung']} {entry['verdict']}" if entry["kind"] == "rung" else f"selected {entry['selected']}"
            for entry in self.log
        ]

    def recorded(self, rung: str) -> list[str]:
        """The cases of a rung that have a recorded answer, of all its versions together."""
        files = sorted((self.folder / "recordings" / rung).glob("*.jsonl"))
        lines = [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
        return sorted(line["case"] for line in lines)

    # --- runs ----------------------------------------------------------------------------------------------------

    def run(self, *args: str, ladder: bool = True) -> Ran:
        """Run pytest inside this process."""
        flags = ["--ladder"] if ladder else []
        return Ran(self.pytester.runpytest_inprocess(*flags, *self.args, *args))

    def spawn(self, *args: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run pytest in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "pytest", "--ladder", *self.args, *args], cwd=self.pytester.path, text=True,
            encoding="utf-8", errors="replace", capture_output=True, timeout=timeout, check=False,
        )  # fmt: skip


class Ran:
    """What an inner run came to."""

    def __init__(self, result: pytest.RunResult) -> None:
        self.result = result
        self.status = int(result.ret)
        self.text = result.stdout.str() + result.stderr.str()
        self.lines = self.text.splitlines()
        self.flat = " ".join(self.text.split())

    def outcomes(self) -> dict[str, str]:
        """Rung -> the word that `-v` shows for it, in the order shown."""
        alone = re.findall(r"^\S+::\S+\[([\w-]+)\] ([A-Z].*?)(?: +\[ *\d+%\])?$", self.text, re.MULTILINE)
        workers = re.findall(r"^\[gw\d+\] \[ *\d+%\] ([A-Z ]+) \S+::\S+\[([\w-]+)\]", self.text, re.MULTILINE)
        found = alone + [(rung, word) for word, rung in workers]
        return {rung: word.partition(" (")[0] for rung, word in found}

    def has(self, *patterns: str) -> None:
        """Assert that lines match, in this order."""
        self.result.stdout.fnmatch_lines(list(patterns))
