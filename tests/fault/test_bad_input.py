"""Files, systems and scorers that are not what they should be: told by path and line, and nothing on record is lost."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.project import LADDER, OURS, Project, case, jsonl

CASES = 8
SMALL = LADDER.replace("all = 0.95", "all = 0.9")


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project.make(pytester.path, cases=CASES, skills=(2, 8, 8), ladder=SMALL, inner=pytester)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same project, measured; made once."""
    made = Project.make(tmp_path_factory.mktemp("template"), cases=CASES, skills=(2, 8, 8), ladder=SMALL)
    assert made.spawn().status == 0
    return made.root


@pytest.fixture
def measured(pytester: pytest.Pytester, template: Path) -> Project:
    shutil.copytree(template, pytester.path, dirs_exist_ok=True)
    return Project(pytester.path, inner=pytester)


@dataclass(frozen=True)
class Fault:
    """What is done to the project, and what a user is told."""

    act: Callable[[Project], object]
    told: str
    """A pattern of the message, with spaces for line ends."""
    status: int = 4
    command: int | None = None
    """Status of `ladder verify`, where it is not that of pytest."""
    arguments: tuple[str, ...] = ()


def write(name: str, text: str | bytes) -> Callable[[Project], object]:
    return lambda project: project.write(name, text)


def edit(name: str, old: str, new: str) -> Callable[[Project], object]:
    return lambda project: project.edit(name, old, new, 1)


def unlink(name: str) -> Callable[[Project], object]:
    return lambda project: (project.folder / name).unlink()


def toml(old: str, new: str) -> Callable[[Project], object]:
    return edit("ladder.toml", old, new)


def add(text: str) -> Callable[[Project], object]:
    return lambda project: project.write("ladder.toml", project.read("ladder.toml") + "\n" + text + "\n")


def cases(line: str | bytes) -> Callable[[Project], object]:
    """The eval set with one more line, the ninth."""
    data = line.encode() if isinstance(line, str) else line
    return lambda project: project.write("cases.jsonl", project.read("cases.jsonl").encode() + data + b"\n")


def log(line: str | bytes) -> Callable[[Project], object]:
    data = line.encode() if isinstance(line, str) else line
    return lambda project: project.write(
        "escalation.jsonl", (project.folder / "escalation.jsonl").read_bytes() + data + b"\n"
    )


def outside(project: Project) -> None:
    """A link inside the project to a file outside."""
    away = project.root.parent / f"{project.root.name}-away.jsonl"
    away.write_text(jsonl([case(1)]), encoding="utf-8")
    (project.folder / "link.jsonl").symlink_to(away)
    project.edit("ladder.toml", 'evalset = "cases.jsonl"', 'evalset = "link.jsonl"')


def tunnel(project: Project) -> None:
    """A link inside the project to a folder outside, and a path through it."""
    away = project.root.parent / f"{project.root.name}-away"
    away.mkdir()
    (away / "prompt.md").write_text("user:\n{{ input }}\n", encoding="utf-8")
    (project.folder / "away").symlink_to(away, target_is_directory=True)
    project.edit("ladder.toml", 'prompt = "prompt.md"', 'prompt = "away/prompt.md"')


L, C = r"evals/support/ladder\.toml", r"evals/support/cases\.jsonl"
E = r"evals/support/escalation\.jsonl"
LINE9 = '{"id": "x", "input": "question 9"'

FILES = {
    # the eval set
    "cases: missing": Fault(unlink("cases.jsonl"), f"{C}: the file is missing"),
    "cases: empty": Fault(write("cases.jsonl", ""), f"{C}: no cases"),
    "cases: blank": Fault(write("cases.jsonl", "\n\n"), f"{C}: no cases"),
    "cases: binary": Fault(write("cases.jsonl", b"\0\1\2"), f"{C}:1: the file is binary"),
    "cases: torn": Fault(cases('{"id": "x", "inp'), f"{C}:9: not JSON"),
    "cases: not an object": Fault(cases("[1]"), f"{C}:9: not a JSON object"),
    "cases: NaN": Fault(cases(LINE9 + ', "expected": NaN}'), f"{C}:9: NaN is not a JSON number"),
    "cases: infinite": Fault(cases(LINE9 + ', "expected": 1e999}'), f"{C}:9: the number 1e999 is too large"),
    "cases: great integer": Fault(cases(LINE9 + ', "expected": 9007199254740993}'), rf"{C}:9: .*beyond 2\*\*53"),
    "cases: key twice": Fault(cases(LINE9 + ', "id": "y"}'), f"{C}:9: the key 'id' stands twice"),
    "cases: id twice": Fault(cases('{"id": "c01", "input": "q"}'), f"{C}:9: the id is taken by line 2, got 'c01'"),
    "cases: unknown key": Fault(cases(LINE9 + ', "expect": 1}'), f"{C}:9: unknown key.*Did you mean 'expected'"),
    "cases: no input": Fault(cases('{"id": "x"}'), f"{C}:9: the key 'input' is missing"),
    "cases: empty input": Fault(cases('{"id": "x", "input": " "}'), f"{C}:9: wrong 'input'"),
    "cases: number as id": Fault(cases('{"id": 5, "input": "q"}'), f"{C}:9: wrong 'id', got 5"),
    "cases: reserved slice": Fault(cases(LINE9 + ', "slices": ["all"]}'), f"{C}:9: the slice name 'all' is reserved"),
    "cases: half a character": Fault(cases(LINE9 + r', "expected": "\ud800"}'), f"{C}:9: half of a surrogate pair"),
    "cases: Latin 1": Fault(cases(LINE9.encode() + b', "expected": "\xe9"}'), f"{C}:9: not UTF-8"),
    "cases: UTF-16": Fault(write("cases.jsonl", jsonl([case(1)]).encode("utf-16")), rf"{C}:1: "),
    "cases: conflict": Fault(cases("<<<<<<< HEAD"), f"{C}:9: a conflict marker of git"),
    "cases: a folder": Fault(
        lambda p: (unlink("cases.jsonl")(p), (p.folder / "cases.jsonl").mkdir()), f"{C}: this is a folder"
    ),
    # ladder.toml
    "toml: missing": Fault(unlink("ladder.toml"), f"{L}: the file is missing"),
    "toml: empty": Fault(write("ladder.toml", ""), f"{L}:1: schema: the key is missing"),
    "toml: not TOML": Fault(add("name = = 1"), rf"{L}:\d+: not TOML at column \d+"),
    "toml: torn": Fault(write("ladder.toml", LADDER[:70]), rf"{L}:\d+: "),
    "toml: conflict": Fault(add("<<<<<<< HEAD"), rf"{L}:\d+: a conflict marker of git"),
    "toml: Latin 1": Fault(write("ladder.toml", b'name = "\xe9"\n'), rf"{L}:1: not UTF-8"),
    "toml: binary": Fault(write("ladder.toml", b"\0\1"), rf"{L}: the file is binary"),
    "toml: another schema": Fault(toml("schema = 1", "schema = 2"), f"{L}:1: schema: .*got 2"),
    "toml: unknown key": Fault(
        toml("evalset =", "evalsets ="), f"{L}:3: evalsets: unknown key.*Did you mean 'evalset'"
    ),
    "toml: unknown table": Fault(add("[treshold]"), rf"{L}:\d+: \[treshold\]: unknown key.*Did you mean 'thresholds'"),
    "toml: unknown key of a rung": Fault(
        toml('prompt = "', 'promt = "'), rf"{L}:\d+: \[rungs\.prompt\] promt: unknown key"
    ),
    "toml: wrong type": Fault(toml("schema = 1", 'schema = 1\nrepeats = "two"'), f"{L}:2: repeats: .*got 'two'"),
    "toml: no repeats": Fault(toml("schema = 1", "schema = 1\nrepeats = 0"), f"{L}:2: repeats: .*got 0"),
    "toml: threshold above 1": Fault(
        toml("all = 0.9", "all = 1.5"), rf"{L}:10: \[thresholds\] answer\.all: .*got 1\.5"
    ),
    "toml: threshold below 0": Fault(
        toml("all = 0.9", "all = -0.1"), rf"{L}:10: \[thresholds\] answer\.all: .*got -0\.1"
    ),
    "toml: threshold NaN": Fault(toml("all = 0.9", "all = nan"), rf"{L}:10: \[thresholds\] answer\.all: .*nan"),
    "toml: threshold a text": Fault(
        toml("all = 0.9", 'all = "0.9"'), rf"{L}:10: \[thresholds\] answer\.all: .*got '0\.9'"
    ),
    "toml: no threshold": Fault(
        toml('answer = { all = 0.9, "odd" = 0.90 }', ""), rf"{L}:\d+: \[thresholds\]: no threshold"
    ),
    "toml: threshold of no metric": Fault(
        toml("answer = { all", "anwser = { all"), rf"{L}:10: \[thresholds\] anwser: .*Did you mean 'answer'"
    ),
    "toml: slice without cases": Fault(
        toml('"odd" =', '"even" ='), rf"{L}:10: \[thresholds\] answer\.even: unknown slice.*got 'even'"
    ),
    "toml: unconfirmable": Fault(
        add('[decision]\nrule = "confident"'),
        rf"{L}:10: \[thresholds\] answer\.all: n = 8 cannot confirm 0\.9.*n >= 39 \(29 for one rung alone\)",
    ),
    "toml: limit on too few": Fault(
        toml("cost_per_case = 0.01", "latency_p95 = 1.0"), rf"{L}:13: \[limits\] latency_p95: .*at least 60 answers"
    ),
    "toml: unknown scorer": Fault(
        toml('"exact_match"', '"exact_mach"'), rf"{L}:7: \[metrics\.answer\] scorer: .*exact_match"
    ),
    "toml: option of a scorer": Fault(
        toml('scorer = "exact_match"', 'scorer = "exact_match"\noptions = { cases = true }'),
        rf"{L}:8: \[metrics\.answer\] options: scorer 'exact_match': unknown option, got 'cases'",
    ),
    "toml: unknown kind": Fault(add("[rungs.foo]"), rf"{L}:\d+: \[rungs\.foo\]: .*kind"),
    "toml: required fine-tuning": Fault(
        toml('["prompt", "few_shot"]', '["fine_tune"]'), rf"{L}:\d+: \[gate\] required: "
    ),
    "toml: remote store": Fault(
        add('[recordings]\nstore = "s3://bucket"'), rf"{L}:\d+: \[recordings\] store: .*not supported"
    ),
    "toml: absolute path": Fault(toml('"cases.jsonl"', '"/etc/passwd"'), f"{L}:3: evalset: the path is absolute"),
    "toml: path outside": Fault(
        toml('"cases.jsonl"', '"../../../x.jsonl"'), f"{L}:3: evalset: the path leaves the rootdir"
    ),
    "toml: path outside by a link": Fault(outside, f"{L}:3: evalset: the path leaves the rootdir"),
    "toml: path through a link": Fault(tunnel, rf"{L}:\d+: \[rungs\.prompt\] prompt: the path leaves the rootdir"),
    "toml: system outside": Fault(
        toml('"few.py:answer"', '"../../../few.py:answer"'), rf"{L}:22: \[rungs\.few_shot\] system: the path leaves"
    ),
    "cases: mistyped": Fault(
        toml('"cases.jsonl"', '"case.jsonl"'),
        r"evals/support/case\.jsonl: the file is missing\. Did you mean 'cases\.jsonl'",
    ),
    "prompt: mistyped": Fault(
        toml('"prompt.md"', '"promt.md"'),
        rf"{L}:19: \[rungs\.prompt\] prompt: there is no such file, got 'promt\.md'\. Did you mean 'prompt\.md'",
    ),
    # what it names
    "prompt: missing": Fault(
        unlink("prompt.md"), rf"{L}:19: \[rungs\.prompt\] prompt: there is no such file, got 'prompt.md'"
    ),
    "prompt: empty": Fault(write("prompt.md", ""), r"evals/support/prompt\.md: the file is empty"),
    "prompt: front matter": Fault(
        write("prompt.md", "---\nversoin: 1\n---\nx\n"), r"prompt\.md:2: unknown front matter key"
    ),
    "prompt: Latin 1": Fault(write("prompt.md", b"user:\n\xe9\n"), r"prompt\.md:2: not UTF-8"),
    "system: missing": Fault(
        unlink("few.py"), rf"{L}:22: \[rungs\.few_shot\] system: there is no such file, got 'few\.py'"
    ),
    "system: no reference": Fault(
        toml('"few.py:answer"', '"few.py"'), rf"{L}:\d+: \[rungs\.few_shot\] system: not a reference"
    ),
    "system: no module": Fault(
        toml('"few.py:answer"', '"nowhere.few:answer"'), rf"{L}:22: \[rungs\.few_shot\] system: there is no module"
    ),
    "model: missing": Fault(unlink("models.py"), rf"{L}:4: model: there is no such file, got 'models\.py'"),
    "system: no function": Fault(
        write("few.py", "def anwser(case): ...\n"),
        rf"{L}:22: \[rungs\.few_shot\] system: few\.py has no function 'answer'\. Did you mean 'anwser'",
    ),
    "system: syntax": Fault(write("few.py", "\ndef answer(:\n"), r"evals/support/few\.py:2: not Python"),
    "model: no function": Fault(write("models.py", "x = 1\n"), rf"{L}:4: model: models\.py has no function 'reply'"),
    "scorer: missing": Fault(
        toml('"exact_match"', '"no.py:score"'),
        rf"{L}:7: \[metrics\.answer\] scorer: there is no such file, got 'no\.py'",
    ),
    "scorer: no function": Fault(
        lambda p: (write("s.py", "def right(case, answer): return 1\n")(p), toml('"exact_match"', '"s.py:rigth"')(p)),
        rf"{L}:7: \[metrics\.answer\] scorer: s\.py has no function 'rigth'.*Did you mean 'right'",
    ),
    "scorer: parameters": Fault(
        lambda p: (write("s.py", "def f(case, answer, k): ...\n")(p), toml('"exact_match"', '"s.py:f"')(p)),
        rf"{L}:7: \[metrics\.answer\] scorer: s\.py:f: the scorer cannot be called \(missing.*'k'\), "
        r"got 'f\(case, answer, k\)'; expected `f\(case, answer\)` or `f\(scored\)`",
    ),
    "scorer: syntax": Fault(
        lambda p: (write("s.py", "def right(:\n")(p), toml('"exact_match"', '"s.py:right"')(p)),
        r"evals/support/s\.py:1: not Python",
    ),
    "scorer: import": Fault(
        lambda p: (write("s.py", "\nimport nowhere\n")(p), toml('"exact_match"', '"s.py:right"')(p)),
        r"s\.py cannot be imported \(ModuleNotFoundError: .*s\.py:2",
    ),
    # the files beside it
    "labels: unknown kind": Fault(
        write(
            "labels.jsonl", jsonl([{"case": "c01", "rung": "prompt", "kind": "from", "by": "a", "at": "2026-01-01"}])
        ),
        r"evals/support/labels\.jsonl:1: unknown kind.*Did you mean 'form'",
    ),
    "labels: conflict": Fault(write("labels.jsonl", ">>>>>>> main\n"), r"labels\.jsonl:1: a conflict marker of git"),
    "labels: torn": Fault(write("labels.jsonl", '{"case": "c'), r"labels\.jsonl:1: not JSON"),
    "waivers: not TOML": Fault(write("waivers.toml", "[[waiver"), r"evals/support/waivers\.toml:1: not TOML"),
    "waivers: no date": Fault(
        write(
            "waivers.toml", '[[waiver]]\nladder = "support"\nkind = "distillation"\nreason = "r"\napproved_by = "a"\n'
        ),
        r"waivers\.toml:\d: \[waiver\] expires: the key is missing",
    ),
    "log: not JSON": Fault(log("nonsense"), rf"{E}:4: not JSON"),
    "log: binary": Fault(log(b"\0\1"), rf"{E}:4: the file is binary"),
    "log: conflict": Fault(log("======="), rf"{E}:4: a conflict marker of git"),
    "log: unknown kind": Fault(log('{"schema": 1, "kind": "note"}'), rf"{E}:4: wrong 'kind', got 'note'"),
    "log: later schema": Fault(log('{"schema": 2, "kind": "rung"}'), rf"{E}:4: wrong 'schema', got 2"),
    "log: a folder": Fault(
        lambda p: (unlink("escalation.jsonl")(p), (p.folder / "escalation.jsonl").mkdir()), rf"{E}: this is a folder"
    ),
}

# --- what fails only once it runs ------------------------------------------------------------------------------------

OWN = "def answer(case):\n    {}\n"
SCORER = "def score(case, answer):\n    {}\n"


def own(body: str) -> Callable[[Project], object]:
    return write("few.py", OWN.format(body))


def scored_by(body: str) -> Callable[[Project], object]:
    return lambda p: (write("s.py", SCORER.format(body))(p), toml('"exact_match"', '"s.py:score"')(p))


def model(text: str) -> Callable[[Project], object]:
    return write("models.py", text)


def blocked(project: Project) -> None:
    """A file where the folder of a rung's recordings should be."""
    shutil.rmtree(project.folder / "recordings/few_shot")
    project.write("recordings/few_shot", "in the way")
    project.write("few.py", project.read("few.py") + "\n# anew\n")


R = rf"{L}: rung few_shot: 8 of 8 cases in error"
P = rf"{L}: rung prompt: 8 of 8 cases in error"
ALL = "c00, c01, c02 and 5 more: "

RUNS = {
    "system raises": Fault(
        own("raise ValueError('boom')"), rf"{R}.* {ALL}few\.py:answer: the system raised ValueError: boom"
    ),
    "system returns None": Fault(own("return None"), rf"{R}.* {ALL}few\.py:answer: the system returned a NoneType"),
    "system returns a number": Fault(own("return 5"), rf"{R}.* {ALL}few\.py:answer: the system returned a int, got 5"),
    "system returns a set": Fault(
        own("return {'text': 'x', 'parsed': {1}}"), rf"{R}.* {ALL}few\.py:answer: the answer is not JSON"
    ),
    "system returns NaN": Fault(
        own("return {'value': float('nan')}"), rf"{R}.* {ALL}few\.py:answer: the answer is not JSON"
    ),
    "system returns a wrong field": Fault(
        own("return {'text': 5}"), rf"{R}.* {ALL}few\.py:answer: .*`text` cannot be used, got 5"
    ),
    "system exits": Fault(own("raise SystemExit(2)"), rf"{R}.* {ALL}.*SystemExit"),
    "system hangs": Fault(
        own("import time; time.sleep(30)"), rf"{R}.* {ALL}no answer within 0\.2 s", arguments=("--ladder-timeout=0.2",)
    ),
    "system hangs asynchronously": Fault(
        write("few.py", "import asyncio\nasync def answer(case):\n    await asyncio.Event().wait()\n"),
        rf"{R}.* {ALL}no answer within 0\.2 s",
        arguments=("--ladder-timeout=0.2",),
    ),
    "system cannot be imported": Fault(
        write("few.py", "import nowhere\nanswer = nowhere.answer\n"),
        rf"{L}:22: .*few\.py cannot be imported \(ModuleNotFoundError",
    ),
    "system with a parameter too many": Fault(
        write("few.py", "def answer(case, context): ...\n"), r"few\.py:answer.*context"
    ),
    "system without a model to ask": Fault(
        lambda p: (
            write("few.py", "def answer(case, llm):\n    return llm.chat('hello').text\n")(p),
            toml('model = "models.py:reply"', "")(p),
            toml('prompt = "prompt.md"', 'system = "tuned.py:answer"')(p),
            write("tuned.py", "def answer(case): return 'no'\n")(p),
        ),
        r"\[rungs\.few_shot\]: no model is named",
    ),
    "model raises": Fault(
        model("def reply(messages): raise OSError('down')\n"),
        rf"{P}.* {ALL}models\.py:reply: the model raised OSError: down",
    ),
    "model returns a list": Fault(
        model("def reply(messages): return []\n"), rf"{P}.* {ALL}models\.py:reply: the model returned a list"
    ),
    "scorer raises": Fault(
        scored_by("raise KeyError('field')"), rf"{P}.* {ALL}unscored by answer: KeyError: 'field'", command=0
    ),
    "scorer returns None": Fault(
        scored_by("return None"), rf"{P}.* {ALL}unscored by answer: the scorer returned NoneType", command=0
    ),
    "scorer returns NaN": Fault(
        scored_by("return float('nan')"), rf"{P}.* {ALL}unscored by answer: the scorer returned nan", command=0
    ),
    "scorer returns 2": Fault(
        scored_by("return 2.0"), rf"{P}.* {ALL}unscored by answer: the scorer returned 2\.0", command=0
    ),
    "scorer exits": Fault(
        scored_by("raise SystemExit(1)"), rf"{P}.* {ALL}unscored by answer: the scorer raised SystemExit", command=0
    ),
    "recordings that cannot be written": Fault(blocked, r"evals/support/recordings/few_shot.*: cannot be used \("),
    "answers that are no records": Fault(
        lambda p: p.recordings("prompt")[0].write_text("{}\n", encoding="utf-8"),
        r"recordings/prompt/\w+\.jsonl:1: the key 'schema' is missing",
    ),
}


TABLES = {
    "prompt with an unknown word": Fault(
        write("prompt.md", "user:\n{{ inptu }}\n"), r"evals/support/prompt\.md:2.*inptu"
    ),
    "prompt with a broken template": Fault(write("prompt.md", "user:\n{{ input }\n"), r"evals/support/prompt\.md:2"),
    "prompt that looks at the answer": Fault(
        write("prompt.md", "user:\n{{ input }} {{ expected }}\n"), r"prompt\.md.*expected"
    ),
    "hosted model without a price": Fault(
        toml('"models.py:reply"', '"openai_compatible:http://127.0.0.1:9/v1#m"'),
        r"#m: no price is known, so that no budget can hold. Declare \[prices\.",
    ),
}
"""What is found at the collection of a run that may ask; one that asks nothing does not look."""


def kept(project: Project) -> set[bytes]:
    """Each line on record."""
    files = [*project.folder.glob("recordings/*/*.jsonl"), project.folder / "escalation.jsonl"]
    return {line for path in files if path.is_file() for line in path.read_bytes().splitlines()}


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_used_is_told_by_path_and_line(measured: Project, name: str):
    fault = FILES[name]
    fault.act(measured)
    before = kept(measured)

    ran, verified = measured.run(*fault.arguments), measured.command("verify")

    assert ran.status == fault.status, ran.text
    assert re.search(fault.told, flat(ran.text)), ran.text
    assert not OURS.search(ran.text), ran.text
    known = "no ladder.toml here" if name == "toml: missing" else fault.told
    assert re.search(known, flat(verified.text)), verified.text
    assert verified.status == (fault.status if fault.command is None else fault.command)
    assert not OURS.search(verified.text)
    assert kept(measured) == before


@pytest.mark.parametrize("name", RUNS)
def test_what_fails_while_it_runs_fails_its_rung_and_keeps_what_is_on_record(measured: Project, name: str):
    fault = RUNS[name]
    fault.act(measured)
    before = kept(measured)

    ran, verified = measured.run(*fault.arguments), measured.command("verify")

    assert ran.status == 1, ran.text
    assert re.search(fault.told, flat(ran.text)), ran.text
    assert not OURS.search(ran.text), ran.text
    assert verified.status == (1 if fault.command is None else fault.command), verified.text
    assert not OURS.search(verified.text)
    assert before <= kept(measured)


@pytest.mark.parametrize("name", TABLES)
def test_what_a_new_version_cannot_be_asked_with_is_told_before_anything_is_asked(measured: Project, name: str):
    fault = TABLES[name]
    fault.act(measured)
    before = kept(measured)

    ran, verified = measured.run(), measured.command("verify")

    assert ran.status == 4, ran.text
    assert re.search(fault.told, flat(ran.text)), ran.text
    assert not OURS.search(ran.text), ran.text
    assert verified.status == 1, verified.text
    assert not OURS.search(verified.text)
    assert kept(measured) == before


HIDE = """\
import sys

for name in ("torch", "transformers"):
    sys.modules[name] = None
"""


def test_a_missing_extra_is_named_with_the_line_that_installs_it(project: Project):
    project.edit("ladder.toml", '"models.py:reply"', '"local:some/checkpoint"')
    (project.folder / "some/checkpoint").mkdir(parents=True)
    (project.root / "conftest.py").write_text(HIDE, encoding="utf-8")

    ran = project.spawn()

    assert ran.status == 1
    assert re.search(r"pip install .*pytest-ladder\[local\]", flat(ran.text)), ran.text
    assert not OURS.search(ran.text)


UNICODE = [
    {"id": "größe", "input": "¿Qué tamaño? 漢字 🎈", "expected": "größer als 漢字 🎈", "slices": ["naïve"]},
    {"id": "line", "input": "a\u2028b", "expected": "größer als 漢字 🎈", "slices": ["naïve"]},
]
WORDS = "def answer(case):\n    return 'größer als 漢字 🎈' if case.input else ''\n"
LOCALES = [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii"}]


@pytest.mark.parametrize("env", LOCALES, ids=["C", "ascii"])
def test_the_locale_does_not_matter(project: Project, env: dict[str, str]):
    project.write("cases.jsonl", jsonl(UNICODE))
    project.edit("ladder.toml", '"odd" = 0.90', '"naïve" = 0.90')
    project.edit("ladder.toml", 'prompt = "prompt.md"', 'system = "few.py:answer"')
    project.write("few.py", WORDS)

    ran = project.spawn("--ladder-report=report.md", "--ladder-report=report.json", "-v", env=env)

    assert ran.status == 0, ran.text
    assert not OURS.search(ran.text)
    assert "größer als 漢字 🎈" in (project.folder / project.recordings("prompt")[0]).read_text(encoding="utf-8")
    assert "naïve" in (project.root / "report.md").read_text(encoding="utf-8")
    assert project.none().status == 0


@pytest.mark.parametrize("env", LOCALES, ids=["C", "ascii"])
def test_the_locale_does_not_matter_to_what_is_short(project: Project, env: dict[str, str]):
    project.write("cases.jsonl", jsonl(UNICODE))
    project.edit("ladder.toml", '"odd" = 0.90', '"naïve" = 0.90')
    project.edit("ladder.toml", 'prompt = "prompt.md"', 'system = "few.py:answer"')
    project.write("few.py", WORDS.replace("größer", "kleiner"))

    ran = project.spawn("-v", env=env)

    assert ran.status == 1
    assert "below its target" in ran.text
    assert not OURS.search(ran.text)


def with_bom(project: Project) -> None:
    for name in ("ladder.toml", "cases.jsonl", "prompt.md", "escalation.jsonl"):
        project.write(name, b"\xef\xbb\xbf" + (project.folder / name).read_bytes())


def with_crlf(project: Project) -> None:
    for path in [*project.folder.glob("*.*"), *project.folder.glob("recordings/*/*.jsonl")]:
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


@pytest.mark.parametrize("change", [with_bom, with_crlf])
def test_a_byte_order_mark_and_the_line_ends_of_windows_change_nothing(
    project: Project, change: Callable[[Project], None]
):
    assert project.run().status == 0
    change(project)
    before = kept(project)

    assert project.none().status == 0
    assert project.run().status == 0
    assert project.command("verify").status == 0
    assert kept(project) == before


def locked_away(project: Project) -> None:
    (project.folder / "recordings").write_text("a file in the way", encoding="utf-8")


def no_rights(project: Project) -> None:
    project.folder.chmod(0o555)


@pytest.mark.parametrize(
    "forbid",
    [
        locked_away,
        pytest.param(no_rights, marks=pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")),
    ],
)
def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_asked(
    project: Project, forbid: Callable[[Project], None]
):
    project.write("models.py", "def reply(messages):\n    raise SystemError\n")
    forbid(project)

    ran = project.run()

    assert ran.status == 1
    assert re.search(r"evals/support/recordings.*: cannot be used \(", flat(ran.text)), ran.text
    assert "SystemError" not in ran.text
    assert not OURS.search(ran.text)


def test_a_disk_that_is_full_ends_the_rung_at_once(project: Project, monkeypatch: pytest.MonkeyPatch):
    import errno

    import pytest_ladder.store.appending as appending

    written: list[int] = []

    def full(fd: int, _: object) -> None:
        written.append(fd)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(appending, "write_whole", full)

    ran = project.run("--ladder-concurrency=1")

    assert ran.status == 1
    assert "cannot be used (No space left on device)" in flat(ran.text)
    assert not OURS.search(ran.text)
    assert len(written) <= 4  # for each rung that was tried: an answer, and the calls that were paid for it


def test_a_run_ends_where_its_files_cannot_be_used_and_other_tests_are_not_run(project: Project):
    project.write("ladder.toml", "")
    (project.root / "test_other.py").write_text("def test_other():\n    pass\n", encoding="utf-8")

    ran = project.run()

    assert ran.status == 4
    assert "1 error" in ran.text


@pytest.mark.parametrize("verb", ["status", "verify", "prune"])
def test_no_command_shows_a_traceback(project: Project, verb: str):
    assert project.run().status == 0
    project.write("ladder.toml", project.read("ladder.toml") + "\n[nonsense]\n")

    ran = project.command(verb)

    assert ran.status == 4
    assert "ladder.toml:27: [nonsense]: unknown key" in flat(ran.text)
    assert not OURS.search(ran.text)


@pytest.mark.parametrize("verb", ["status", "verify", "prune"])
def test_no_command_stumbles_over_recordings_that_are_none(project: Project, verb: str):
    assert project.run().status == 0
    project.recordings("prompt")[0].write_text("<<<<<<< HEAD\n", encoding="utf-8")

    ran = project.command(verb)

    assert ran.status == (1 if verb == "verify" else 0)
    assert not OURS.search(ran.text)


def test_a_marker_that_names_no_file_is_told_with_the_nearest_one(project: Project):
    project.edit("test_support.py", "mark.ladder", 'mark.ladder("laddr.toml")')

    ran = project.run()

    assert ran.status == 4
    assert "evals/support/laddr.toml: the file is missing. Did you mean 'ladder.toml'?" in ran.text
    assert not OURS.search(ran.text)
