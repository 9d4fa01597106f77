"""DSPy's optimizers behind the rung `optimize`: their calls are the ladder's, counted, bounded and recorded."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.plugin.bench import Bench
from tests.plugin.test_optimize import SEARCH, found, make

WRITER = '''

def write_instruction(messages):
    """Speaks DSPy's own format, whatever it is asked for."""
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write("dspy-writer\\n")
    tail = messages[-1]["content"].rpartition("Respond with")[2]
    if "JSON" in tail:
        return '{"new_instruction": "SHOUT the code of the colour."}'
    fields = [name for name in re.findall(r"\\[\\[ ## (\\w+) ## \\]\\]", tail) if name != "completed"]
    said = "".join(f"[[ ## {name} ## ]]\\nSHOUT the code of the colour.\\n\\n" for name in fields)
    return said + "[[ ## completed ## ]]"
'''

needs_dspy = pytest.mark.skipif(not (find_spec("dspy") and find_spec("optuna")), reason="needs the extra `dspy`")


def dspy(bench: Bench, optimizer: str, calls: int = 600) -> Bench:
    search = SEARCH.replace('instructions = ["shout.md"]\n', "").replace("300", str(calls))
    make(bench, f'{search}\noptimizer = "dspy:{optimizer}"\nproposer = "models.py:write_instruction"')
    bench.write("models.py", (bench.folder / "models.py").read_text(encoding="utf-8") + WRITER)
    if optimizer == "GEPA":  # it writes instructions alone, so that these must do
        bench.edit("models.py", "if colour in shown else", 'if colour in shown or "SHOUT" in system else')
    return bench


@needs_dspy
@pytest.mark.parametrize("optimizer", ["MIPROv2", "GEPA"])
def test_what_dspy_finds_is_written_as_a_prompt_of_our_own(bench: Bench, optimizer: str):
    ran = dspy(bench, optimizer).run()
    assert ran.status == 0, ran.text
    text = found(bench).read_text(encoding="utf-8")
    assert f"optimizer: dspy:{optimizer}, seed 3" in text
    assert "SHOUT the code of the colour." in text
    assert "[[ ##" not in text
    asked = bench.asked()
    assert "dspy-writer" in asked
    used = re.search(r"(?m)^used: (\d+) calls", text)
    assert used is not None
    assert len([line for line in asked if " case " not in line]) <= int(used[1]) <= 600

    first = found(bench).read_bytes()
    found(bench).unlink()
    assert bench.run().status == 0
    assert found(bench).read_bytes() == first
    assert bench.asked() == []
    assert bench.run("--ladder-record=none").status == 0


@needs_dspy
@pytest.mark.parametrize("optimizer", ["MIPROv2", "GEPA"])
def test_dspy_makes_no_more_calls_than_it_may_and_what_it_has_by_then_counts(bench: Bench, optimizer: str):
    ran = dspy(bench, optimizer, calls=80).run()
    asked = [line for line in bench.asked() if " case " not in line]
    assert 16 < len(asked) <= 80
    assert "the search is not finished" not in ran.flat
    assert "dev: 16 cases" in found(bench).read_text(encoding="utf-8")  # all of them, however few the calls


@needs_dspy
def test_a_spent_budget_stops_dspy_too(bench: Bench):
    ran = dspy(bench, "MIPROv2").run("--ladder-max-calls=30")
    assert ran.status == 1
    assert "30 model calls are made" in ran.flat
    assert not list((bench.folder / "optimized").rglob("*.md")) if (bench.folder / "optimized").exists() else True
    assert len(bench.asked()) == 30
    assert dspy(bench, "MIPROv2").run().status == 0


@needs_dspy
def test_dspy_leaves_nothing_behind(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    ran = dspy(bench, "MIPROv2").run()
    assert list(tmp_path.iterdir()) == []
    assert "Average Metric" not in ran.text
    assert "Trial" not in ran.text


def test_without_the_extra_the_run_says_how_to_install_it(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "dspy", None)
    ran = dspy(bench, "MIPROv2").run()
    assert ran.status == 1
    assert 'Install it: `pip install "pytest-ladder[dspy]"`' in ran.flat
    assert json.dumps(bench.log) == "[]"
    assert bench.asked() == []
