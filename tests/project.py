"""A small ladder on disk whose rungs answer by arithmetic, and the two ways to run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import pytest_ladder.cli.main as command
import tests.loaded  # noqa: F401  before the first inner run
from pytest_ladder.core.canonical import canonical, digest

NAME = "evals/support"

LADDER = """\
schema = 1
name = "support"
evalset = "cases.jsonl"
model = "models.py:reply"

[metrics.answer]
scorer = "exact_match"

[thresholds]
answer = { all = 0.95, "odd" = 0.90 }

[limits]
cost_per_case = 0.01

[gate]
required = ["prompt", "few_shot"]

[rungs.prompt]
prompt = "prompt.md"

[rungs.few_shot]
system = "few.py:answer"

[rungs.fine_tune]
system = "tuned.py:answer"
"""

MODEL = """\
import re

def reply(messages):
    skill, number = map(int, re.findall(r"[0-9]+", messages[-1]["content"]))
    text = f"A{number}" if number < skill else f"wrong {number} of {skill}"
    return {"text": text, "model": "arith-1", "cost_usd": 0.001, "prompt_tokens": 5, "completion_tokens": 1}
"""

SYSTEM = """\
def answer(case):
    number = int(case.input.split()[-1])
    return f"A{number}" if number < SKILL else f"wrong {number} of SKILL"
"""

TEST = """\
import pytest


@pytest.mark.ladder
def test_support(rung):
    rung.check()
"""

Lines = list[dict[str, Any]]


def prompt(skill: int, version: str | None = None) -> str:
    """A prompt with which the model answers the questions below `skill`."""
    head = f"---\nversion: {version}\n---\n" if version else ""
    return f"{head}user:\nskill {skill}: {{{{ input }}}}\n"


def case(number: int, **parts: Any) -> dict[str, Any]:
    """A case whose right answer is `A` and its number; every second one is in the slice `odd`."""
    slices = {"slices": ["odd"]} if number % 2 else {}
    return {"id": f"c{number:02}", "input": f"question {number}", "expected": f"A{number}", **slices, **parts}


def jsonl(lines: Sequence[Mapping[str, Any]]) -> str:
    """Objects as JSON lines."""
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def sealed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A log entry under the id that its content calls for."""
    body = {key: value for key, value in entry.items() if key != "id"}
    return {**body, "id": digest(body)}


@dataclass
class Ran:
    """What a run came to."""

    status: int
    text: str
    """Standard output and error together."""


@dataclass
class Project:
    """A project of one ladder; 60 cases, none of which the rungs below fine-tuning all answer."""

    root: Path
    name: str = NAME
    inner: pytest.Pytester | None = field(default=None, repr=False)

    @property
    def folder(self) -> Path:
        """The ladder's folder."""
        return self.root / self.name

    @classmethod
    def make(
        cls, root: Path, *, cases: int = 60, skills: tuple[int, int, int] = (24, 30, 60), ladder: str = LADDER,
        inner: pytest.Pytester | None = None, **files: str,
    ) -> Project:  # fmt: skip
        """Write a project; `files` are further ones of the ladder's folder, `__` in a name for its dot."""
        project = cls(root, inner=inner)
        (root / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        project.write("ladder.toml", ladder)
        project.write("cases.jsonl", jsonl([case(number) for number in range(cases)]))
        project.write("models.py", MODEL)
        project.write("prompt.md", prompt(skills[0]))
        project.write("few.py", SYSTEM.replace("SKILL", str(skills[1])))
        project.write("tuned.py", SYSTEM.replace("SKILL", str(skills[2])))
        project.write("test_support.py", TEST)
        for name, text in files.items():
            project.write(name.replace("__", "."), text)
        return project

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file of the ladder's folder as it is given."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def read(self, name: str) -> str:
        """The text of a file of the ladder's folder."""
        return (self.folder / name).read_text(encoding="utf-8")

    def edit(self, name: str, old: str, new: str, count: int = -1) -> None:
        """Replace what must be there."""
        text = self.read(name)
        assert old in text
        self.write(name, text.replace(old, new, count))

    # --- the log and the recordings ------------------------------------------------------------------------------

    @property
    def log(self) -> Lines:
        """The entries of the log, in file order."""
        path = self.folder / "escalation.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    @log.setter
    def log(self, entries: Lines) -> None:
        self.write("escalation.jsonl", b"".join(canonical(entry) + b"\n" for entry in entries))

    def entries(self, rung: str) -> Lines:
        """The log's entries of a rung, in file order."""
        return [entry for entry in self.log if entry.get("rung") == rung]

    def decisions(self) -> Lines:
        """The log's decisions, in file order."""
        return [entry for entry in self.log if entry["kind"] == "decision"]

    def recordings(self, rung: str) -> list[Path]:
        """The recordings of a rung, the current version last as far as the log tells."""
        files = {path.stem: path for path in (self.folder / "recordings" / rung).glob("*.jsonl")}
        order = [entry["fingerprint"][7:19] for entry in self.entries(rung)]
        return sorted(files.values(), key=lambda path: order.index(path.stem) if path.stem in order else len(order))

    def answers(self, rung: str, version: int = -1) -> Lines:
        """The recorded answers of one version of a rung."""
        return [json.loads(line) for line in self.recordings(rung)[version].read_text(encoding="utf-8").splitlines()]

    def record(self, rung: str, lines: Lines, version: int = -1) -> None:
        """Put lines in the place of the recorded answers of one version of a rung."""
        self.recordings(rung)[version].write_bytes(b"".join(canonical(line) + b"\n" for line in lines))

    def relog(self, change: Callable[[dict[str, Any]], dict[str, Any] | None], *, seal: bool = True) -> None:
        """Change entries of the log, under new ids that fit unless `seal` is false; None removes one."""
        changed = []
        for entry in self.log:
            after = change(json.loads(json.dumps(entry)))
            if after is not None:
                changed.append(entry if after == entry else sealed(after) if seal else after)
        assert changed != self.log
        self.log = changed

    # --- runs ----------------------------------------------------------------------------------------------------

    def run(self, *arguments: str) -> Ran:
        """Run `pytest --ladder` inside this process."""
        assert self.inner is not None
        found = self.inner.runpytest_inprocess("--ladder", "-p", "no:randomly", *arguments)
        return Ran(int(found.ret), found.stdout.str() + found.stderr.str())

    def none(self, *arguments: str) -> Ran:
        """Run `pytest --ladder --ladder-record=none` inside this process."""
        return self.run("--ladder-record=none", *arguments)

    def command(self, *arguments: str) -> Ran:
        """Run the `ladder` command inside this process, in the project's root."""
        import contextlib
        import io

        text = io.StringIO()
        with contextlib.chdir(self.root), contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            status = command.main(list(arguments))
        return Ran(status, text.getvalue())

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start `pytest --ladder` in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "--ladder", "-p", "no:randomly", "-p", "no:cacheprovider", *arguments],
            cwd=self.root, env={**os.environ, **(env or {})}, text=True, encoding="utf-8", errors="replace",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def spawn(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        """Run `pytest --ladder` in a process of its own, to its end."""
        process = self.start(*arguments, env=env)
        text, _ = process.communicate(timeout=120)
        return Ran(process.returncode, text)


OURS = re.compile(
    r"Traceback|INTERNALERROR|Error in sys.excepthook|was never awaited|During handling|the direct cause of"
)
"""What no user may see, whatever is wrong with their files."""
