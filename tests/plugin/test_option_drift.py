"""`--ladder-drift`: recorded cases are asked again, and a model that changed behind its name fails the build."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from pytest_ladder.report.json_report import report_json_schema
from tests.plugin.bench import Bench

MODEL = """\
import random
import re
from pathlib import Path

HERE = Path(__file__).parent


def reply(messages):
    number = int(re.findall("[0-9]+", messages[-1]["content"])[-1])
    with (HERE / "asked.txt").open("a", encoding="utf-8") as file:
        file.write(f"model c{number}\\n")
    right, name, chance = (HERE / "mode.txt").read_text(encoding="utf-8").split()
    sure = number < int(right) if chance == "sure" else random.Random(f"{right} {number}").random() < float(chance)
    return {"text": f"answer {number}" if sure else f"no idea of {number}", "model": name, "cost_usd": 0.001,
            "prompt_tokens": 5, "completion_tokens": 1}
"""

OWN = """\
import pytest
from pathlib import Path


def answer(case):
    right = int((Path(__file__).parent / "mode.txt").read_text().split()[0])
    number = int(case.input.split()[-1])
    return f"answer {number}" if number < right else "no idea"


@pytest.mark.ladder
def test_support(rung):
    rung.check(answer)
"""


def behave(bench: Bench, right: int, name: str = "arith-1", chance: str = "sure") -> None:
    """What the model does from now on; no file of the ladder changes. With a chance `right` seeds it."""
    bench.write("mode.txt", f"{right} {name} {chance}")


@pytest.fixture
def modelled(bench: Bench) -> Bench:
    """Forty cases of which the model behind the only rung answers 38, on record."""
    bench.make({}, cases=40, head='model = "models.py:reply"', tables='[rungs.prompt]\nprompt = "prompt.md"')
    bench.write("prompt.md", "{{ input }}")
    bench.write("models.py", MODEL)
    behave(bench, 38)
    assert bench.run().status == 0
    bench.asked()
    return bench


def left(bench: Bench) -> dict[str, bytes]:
    """The log and the recordings."""
    paths = [bench.log_path, *sorted((bench.folder / "recordings").rglob("*"))]
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


def told(bench: Bench, *args: str) -> dict[str, Any]:
    path = bench.pytester.path / "report.json"
    bench.run(f"--ladder-report={path}", *args)
    report = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(report, report_json_schema())
    return dict(report["ladders"][0]["drift"][0])


def test_a_model_that_got_worse_fails_the_build(modelled: Bench):
    before = left(modelled)
    behave(modelled, 20)
    ran = modelled.run("--ladder-drift=40", "--junitxml=junit.xml")

    assert ran.status == 1
    assert "drift: prompt, 40 cases asked again: the model has changed; answer 0.950 to 0.500" in ran.flat
    assert "--ladder-record=all --ladder-rung=prompt" in ran.flat
    assert 'name="drift"' in (modelled.pytester.path / "junit.xml").read_text(encoding="utf-8")
    assert left(modelled) == before


def test_a_gain_is_a_change_too(modelled: Bench):
    behave(modelled, 20)
    modelled.edit("ladder.toml", "all = 0.9", "all = 0.4")
    assert modelled.run("--ladder-record=all").status == 0
    behave(modelled, 40)

    assert modelled.run("--ladder-drift=40").status == 1


def test_a_model_that_stays_the_same_passes(modelled: Bench):
    before = left(modelled)
    ran = modelled.run("--ladder-drift=30")

    assert ran.status == 0
    assert "prompt, 30 cases asked again: no difference shown" in ran.flat
    assert "answer 0.933 to 0.933 (0 won, 0 lost of 30; could show a change of 0." in ran.flat
    assert "0 of 30 answers differ in their text" in ran.flat
    assert len(modelled.asked()) == 30  # none was taken from the recorded calls
    assert left(modelled) == before


def test_a_model_that_varies_by_chance_alone_seldom_raises_the_alarm(modelled: Bench):
    behave(modelled, 1000, chance="0.7")
    modelled.run("--ladder-record=all")
    found = []
    for seed in range(8):
        behave(modelled, seed, chance="0.7")
        found.append(told(modelled, "--ladder-drift=40"))

    assert all(one["texts_differ"] > 5 for one in found)
    assert sum(one["finding"] == "changed" for one in found) <= 1


def test_another_name_of_the_model_fails_the_build(modelled: Bench):
    behave(modelled, 38, "arith-2")
    ran = modelled.run("--ladder-drift=10")

    assert ran.status == 1
    assert "models.py:reply answers as arith-2, on record as arith-1" in ran.flat


def test_the_report_has_the_figures(modelled: Bench):
    behave(modelled, 20)
    found = told(modelled, "--ladder-drift=40")

    assert (found["finding"], found["cases"], found["recorded"], found["texts_differ"]) == ("changed", 40, 40, 18)
    assert found["tokens"] == {"before": 6.0, "after": 6.0}
    metric = found["metrics"][0]
    assert (metric["wins"], metric["losses"], metric["changed"]) == (0, 18, True)
    assert metric["p_value"] == pytest.approx(2 * 0.5**18, abs=1e-6)


def test_the_sample_is_seeded_and_holds_each_slice_in_its_share(modelled: Bench):
    modelled.run("--ladder-drift=10")
    first = modelled.asked()
    modelled.run("--ladder-drift=10")

    assert modelled.asked() == first
    assert sum(int(line.rpartition("c")[2]) % 2 for line in first) == 5


def test_more_than_there_are_means_all(modelled: Bench):
    ran = modelled.run("--ladder-drift=500")

    assert ran.status == 0
    assert "all 40 cases on record asked again" in ran.flat


def test_too_few_to_tell_anything_is_no_conclusion(modelled: Bench):
    ran = modelled.run("--ladder-drift=3")

    assert ran.status == 1
    assert "no conclusion; 3 scored cases are too few to show any difference of answer: it takes 6 or more" in ran.flat


def test_past_a_budget_there_is_no_conclusion(modelled: Bench):
    ran = modelled.run("--ladder-drift=40", "--ladder-max-calls=5", "--ladder-concurrency=1")

    assert ran.status == 1
    assert "no conclusion; 35 of 40 cases were not asked" in ran.flat
    assert len(modelled.asked()) == 5


def test_what_was_asked_just_now_is_not_on_record(modelled: Bench):
    modelled.write("prompt.md", "please: {{ input }}")
    ran = modelled.run("--ladder-drift=10")

    assert ran.status == 1
    assert "no conclusion; no case of it was on record before this run" in ran.flat
    assert len(modelled.asked()) == 40


@pytest.mark.parametrize("record", ["none", "all"])
def test_it_takes_a_run_that_asks_and_keeps(modelled: Bench, record: str):
    ran = modelled.run("--ladder-drift=10", f"--ladder-record={record}")

    assert ran.status == 4
    assert "--ladder-record=new" in ran.flat
    assert modelled.asked() == []


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_a_number_that_is_none_is_a_usage_error(modelled: Bench, number: str):
    assert modelled.run(f"--ladder-drift={number}").status == 4


def test_the_default_of_ci_names_the_mend(modelled: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CI", "true")
    ran = modelled.run("--ladder-drift=10")

    assert ran.status == 4
    assert "--ladder-record=new" in ran.flat


def test_a_system_given_by_the_test_is_asked(bench: Bench):
    bench.make({}, cases=40, test=OWN, tables="[rungs.prompt]\nsystem = 'nowhere.py:f'")
    bench.edit("ladder.toml", "[rungs.prompt]\nsystem = 'nowhere.py:f'", "[rungs.prompt]")
    behave(bench, 40)
    assert bench.run().status == 0
    behave(bench, 10)
    ran = bench.run("--ladder-drift=40")

    assert ran.status == 1
    assert "answer 1.000 to 0.250" in ran.flat


def test_the_lever_is_asked_and_no_other_rung(bench: Bench):
    bench.make({"prompt": 4, "few_shot": 40, "rag": 40}, cases=40)
    bench.run("--ladder-climb=all")
    bench.asked()
    ran = bench.run("--ladder-climb=all", "--ladder-drift=10")

    assert ran.status == 0
    assert {line.split()[0] for line in bench.asked()} == {"few_shot"}


def test_without_a_lever_the_last_rung_is_asked(bench: Bench):
    bench.make({"prompt": 4, "few_shot": 5}, cases=40)
    bench.run()
    bench.asked()
    bench.run("--ladder-drift=10")

    assert {line.split()[0] for line in bench.asked()} == {"few_shot"}


def test_rungs_that_are_named_are_asked(bench: Bench):
    bench.make({"prompt": 4, "few_shot": 40, "rag": 40}, cases=40)
    bench.run("--ladder-climb=all")
    bench.asked()
    bench.run("--ladder-drift=10", "--ladder-rung=prompt", "--ladder-rung=few_shot")

    assert {line.split()[0] for line in bench.asked()} == {"prompt", "few_shot"}


def test_every_repeat_of_a_case_is_asked(bench: Bench):
    bench.make({"prompt": 40}, cases=40, head="repeats = 2")
    bench.run()
    bench.asked()

    found = told(bench, "--ladder-drift=10")
    assert (found["cases"], found["answers"]) == (10, 20)
    assert len(bench.asked()) == 20


def test_a_case_without_a_new_answer_leaves_no_conclusion(modelled: Bench):
    modelled.write("mode.txt", "x arith-1 sure")
    ran = modelled.run("--ladder-drift=10")

    assert ran.status == 1
    assert "no conclusion; 10 of 10 cases got no answer this time" in ran.flat


def test_it_works_on_workers(modelled: Bench):
    pytest.importorskip("xdist")
    behave(modelled, 20)
    ran = modelled.run("--ladder-drift=40", "-n2")

    assert ran.status == 1
    assert "answer 0.950 to 0.500" in ran.flat


def test_markdown_tells_it_and_why_the_build_fails(modelled: Bench):
    behave(modelled, 20)
    modelled.run("--ladder-drift=40", "--ladder-report=report.md")
    markdown = (modelled.pytester.path / "report.md").read_text(encoding="utf-8")

    assert "**Drift:** prompt, 40 cases asked again: the model has changed; answer 0.950 to 0.500" in markdown
    assert "**Fails**" in markdown
    assert "`pytest --ladder --ladder-record=all --ladder-rung=prompt`" in markdown
