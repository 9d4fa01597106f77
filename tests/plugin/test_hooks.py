"""The hooks that other plugins and conftest files may implement."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin.bench import Bench

SCORER = """
def pytest_ladder_scorer(name, options):
    if name == "acme.length":
        return lambda case, answer: len(answer.text) <= options["most"]
"""

SYSTEM = """
def shout(case):
    return "answer " + case.input.split()[-1]


def pytest_ladder_system(rung, ladder):
    return shout if (ladder.name, rung.id) == ("support", "few_shot") else None
"""

RETRIEVER = """
from pytest_ladder import Hit


class Index:
    def __init__(self, documents):
        self.documents = documents

    def search(self, query, top_k):
        words = set(query.split())
        ranked = sorted(self.documents, key=lambda d: -len(words & set(d.text.split())))
        return [Hit(document, 1.0) for document in ranked[:top_k]]


def pytest_ladder_retriever(name, options):
    return Index if name == "acme.words" else None
"""

GATE = """
from pytest_ladder import Refusal


def pytest_ladder_gate(request):
    if request.ladder.name == "support":
        return Refusal("acme.freeze", "releases are frozen this week", "Wait until Monday.")
"""

CLASSIFY = """
def pytest_ladder_classify_failure(case, result):
    return "form" if case.input.endswith("7") else None
"""

TOLD = """
from pathlib import Path


def note(line):
    with open("told.txt", "a") as file:
        file.write(line + "\\n")


def pytest_ladder_rung_finished(entry):
    note(f"{entry.rung} {entry.verdict}")


def pytest_ladder_decided(decision):
    note(f"selected {decision.selected}")
"""


def ladder(bench: Bench, *command: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    found = [str(path)] if path else []
    paths = os.pathsep.join([*found, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-m", "pytest_ladder", *command], cwd=bench.pytester.path, text=True, encoding="utf-8",
        capture_output=True, check=False, env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip


def conftest(bench: Bench, text: str) -> None:
    (bench.pytester.path / "conftest.py").write_text(text, encoding="utf-8")


def test_a_scorer_of_a_plugin(bench: Bench):
    metric = '[metrics.short]\nscorer = "acme.length"\noptions = { most = 9 }'
    bench.make({"prompt": 10}, tables=metric, thresholds="answer = { all = 0.9 }\nshort = { all = 0.9 }")
    conftest(bench, SCORER)

    assert bench.run("-v").outcomes() == {"prompt": "SELECTED"}


def test_a_scorer_that_nobody_knows_is_an_error_as_ever(bench: Bench):
    bench.make({"prompt": 10}, tables='[metrics.short]\nscorer = "acme.lenght"')
    conftest(bench, SCORER)

    ran = bench.run()

    assert ran.status == 4
    assert "acme.lenght" in ran.text


def test_a_system_of_a_plugin_and_its_file_in_the_fingerprint(bench: Bench):
    bench.make({"prompt": 4, "few_shot": 4})
    text = bench.toml.read_text(encoding="utf-8").replace('system = "few_shot.py:answer"', "")
    bench.toml.write_text(text, encoding="utf-8")
    conftest(bench, SYSTEM)

    assert bench.run("-v").outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}
    assert any(path.endswith("conftest.py") for path in bench.log[1]["artifacts"])
    assert bench.run("--ladder-record=none").status == 0
    assert ladder(bench, "verify", "--conftest").returncode == 0

    conftest(bench, SYSTEM.replace('"answer "', '"Answer "'))
    assert bench.run("--ladder-record=none").status == 1, "another version of it has no recordings"


def test_a_retriever_of_a_plugin(bench: Bench):
    bench.make({"prompt": 4})
    bench.write("model.py", "def reply(messages):\n    return messages[-1]['content'].split('|')[1]\n")
    bench.write("grounded.md", "{{ input }}|{{ documents[0].text.split(': ')[1] }}")
    rows = [{"id": f"d{i}", "text": f"question {i} : answer {i}"} for i in range(10)]
    bench.write("kb.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    table = (
        '[rungs.rag]\nmodel = "model.py:reply"\nprompt = "grounded.md"\ncorpus = "kb.jsonl"\nretriever = "acme.words"\n'
    )
    bench.toml.write_text(bench.toml.read_text(encoding="utf-8") + table, encoding="utf-8")
    conftest(bench, RETRIEVER)

    assert bench.run("-v").outcomes() == {"prompt": "SHORT", "rag": "SELECTED"}


@pytest.mark.parametrize("command", [(), ("--ladder-fine-tune",)], ids=["not asked", "asked"])
def test_a_gate_rule_of_a_plugin_refuses(bench: Bench, command: tuple[str, ...]):
    bench.make(
        {"prompt": 4, "fine_tune": 10},
        tables='[gate]\nrequired = ["prompt"]\nmin_form_share = 0\neffort = { prompt = 1 }',
    )
    conftest(bench, GATE)

    ran = bench.run(*command)

    assert ran.status == 1
    assert "acme.freeze" in ran.text
    assert "acme.freeze" in ladder(bench, "status", "--conftest").stdout


def test_a_diagnosis_of_a_plugin_counts_where_no_label_speaks(bench: Bench):
    bench.make({"prompt": 0})
    label = {"case": "c7", "rung": "prompt", "kind": "facts", "by": "me", "at": "2026-01-01T00:00:00Z"}
    bench.write("labels.jsonl", json.dumps(label) + "\n")
    conftest(bench, CLASSIFY.replace('endswith("7")', 'endswith(("7", "8"))'))

    bench.run()

    assert bench.log[0]["diagnosis"] == {"facts": 1, "form": 1, "unknown": 8}


def test_a_diagnosis_of_no_known_kind_is_an_error(bench: Bench):
    bench.make({"prompt": 0})
    conftest(bench, CLASSIFY.replace('"form"', '"from"'))

    ran = bench.run()

    assert ran.status != 0
    assert "pytest_ladder_classify_failure" in ran.text
    assert "'from'" in ran.text


def test_what_was_measured_and_decided_is_told_once(bench: Bench):
    bench.make()
    conftest(bench, TOLD)

    bench.run()
    told = (bench.pytester.path / "told.txt").read_text(encoding="utf-8").splitlines()
    ladder(bench, "status", "--conftest")
    ladder(bench, "verify", "--conftest")

    assert told == ["prompt short", "few_shot met", "selected few_shot"]
    assert (bench.pytester.path / "told.txt").read_text(encoding="utf-8").splitlines() == told


def test_a_hook_that_raises_is_named(bench: Bench):
    bench.make({"prompt": 4})
    conftest(bench, "def pytest_ladder_gate(request):\n    raise KeyError('freeze')\n")

    ran = bench.run()

    assert ran.status != 0
    assert "pytest_ladder_gate: it raised KeyError ('freeze') at conftest.py:2" in ran.text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("False", "it gave something else, got False; expected a Refusal, a list of them, or None."),
        ("'frozen'", "it gave something else, got 'frozen'; expected a Refusal"),
        ("{'code': 'x'}", "it gave something else, got {'code': 'x'}; expected a Refusal"),
        ("(x for x in ())", "it gave something else, got <generator object"),
        ("[Refusal('a', 'b', 'c'), 5]", "it gave something else, got 5; expected a Refusal"),
        ("Refusal('a', None, 'c')", "its Refusal holds something else, got Refusal(code='a', reason=None, mend='c')"),
        ("Refusal('', 'b', 'c')", "its Refusal holds something else, got Refusal(code='', reason='b', mend='c')"),
    ],
)
@pytest.mark.parametrize("command", [(), ("--ladder-fine-tune",)], ids=["not asked", "asked"])
def test_a_gate_rule_that_gives_no_refusal_is_an_error_that_says_so(
    bench: Bench, command: tuple[str, ...], given: str, told: str
):
    bench.make({"prompt": 4, "fine_tune": 10}, tables='[gate]\nrequired = ["prompt"]\nmin_form_share = 0')
    conftest(bench, f"from pytest_ladder import Refusal\n\n\ndef pytest_ladder_gate(request):\n    return {given}\n")

    ran = bench.run(*command)

    assert ran.status == 1
    assert f"pytest_ladder_gate: {told}" in ran.flat
    assert "Traceback" not in ran.text
    assert "extensions.py" not in ran.text  # no page of our own code, from wherever it is raised


def test_the_command_tells_of_a_conftest_that_cannot_be_loaded(bench: Bench):
    bench.make()
    bench.run()
    conftest(bench, "import nowhere_to_be_found\n")

    ran = ladder(bench, "verify", "--conftest")

    assert ran.returncode == 4
    assert "conftest.py: it cannot be loaded" in ran.stderr


def test_the_command_loads_no_conftest_by_itself(bench: Bench):
    """It could patch what is to judge it."""
    bench.make({"prompt": 10}, tables='[metrics.short]\nscorer = "acme.length"\noptions = { most = 9 }')
    conftest(bench, SCORER + "\nprint('loaded')\n")
    bench.run()

    ran = ladder(bench, "verify")

    assert ran.returncode == 4
    assert "loaded" not in ran.stdout
    assert "acme.length" in ran.stderr
    assert "conftest.py may know better: it was not loaded, add `--conftest`" in ran.stderr


def test_the_command_says_whose_hooks_it_does_not_ask(bench: Bench):
    bench.make({"prompt": 4})
    conftest(bench, GATE)
    bench.run()

    ran = ladder(bench, "status")

    assert "acme.freeze" not in ran.stdout
    assert "conftest.py was not loaded, its hooks are not asked; `--conftest` loads it" in ran.stderr


def test_the_command_asks_an_installed_plugin(bench: Bench, tmp_path: Path):
    bench.make({"prompt": 10}, tables='[metrics.short]\nscorer = "acme.length"\noptions = { most = 9 }')
    conftest(bench, SCORER)
    bench.run()
    conftest(bench, "")
    site = tmp_path / "site"
    about = site / "pytest_ladder_acme-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "pytest_ladder_acme.py").write_text(SCORER, encoding="utf-8")
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: pytest-ladder-acme\nVersion: 1.0\nRequires-Dist: pytest-ladder\n",
        encoding="utf-8",
    )
    (about / "entry_points.txt").write_text("[pytest11]\nladder_acme = pytest_ladder_acme\n", encoding="utf-8")

    ran = ladder(bench, "verify", path=site)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "selected: prompt" in ran.stdout
