"""`scorer = "deepeval:NAME"`: deepeval's metrics by name, and what they ask of a model through the project's client.

deepeval cannot be installed beside the versions that the other tests run with: `make test-judge` runs these.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin.bench import Bench
from tests.plugin.judging import asked_judge, judge_files, judged, quality

pytest.importorskip("deepeval")
OFF = ("-p", "no:randomly", "-p", "no:deepeval", "-p", "no:asyncio", "-p", "no:rerunfailures", "-p", "no:repeat")

RELEVANCY = """\
import json
from pathlib import Path


def verdict(messages):
    prompt = messages[-1]["content"]
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write("judge call\\n")
    if "generate a list of statements" in prompt:
        return json.dumps({"statements": ["one", "two"]})
    if "JSON objects with 'verdict'" in prompt:
        verdicts = [{"verdict": "no", "reason": "off"}, {"verdict": "yes", "reason": ""}]
        return "Here it is: " + json.dumps({"verdicts": verdicts})
    return json.dumps({"reason": "half of it"})
"""
GEVAL = """\
import json
import re
from pathlib import Path


def verdict(messages):
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write("judge call\\n")
    return json.dumps({"score": 8, "reason": "good enough"})
"""


def metric(name: str, options: str = "") -> str:
    return f'[metrics.quality]\nscorer = "deepeval:{name}"\noptions = {{ {options} }}\n'


def made(bench: Bench, name: str, options: str = "", judge: str = GEVAL, **more: object) -> Bench:
    bench.args = OFF
    judged(bench, {"prompt": 4}, metric=metric(name, options), thresholds="answer = { all = 0.1 }", **more)  # type: ignore[arg-type]
    bench.write("judge.py", judge)
    return bench


def test_exact_match_scores_as_deepeval_does(bench: Bench):
    made(bench, "ExactMatchMetric")

    assert bench.run().status == 0
    assert quality(bench)["mean"] == 0.4
    assert bench.run("--ladder-record=none").status == 0


def test_options_go_to_the_constructor_by_name(bench: Bench):
    made(bench, "PatternMatchMetric", 'pattern = "ANSWER [0-3]", ignore_case = true')

    bench.run()

    assert quality(bench)["mean"] == 0.4


def test_tools_called_are_held_against_those_expected(bench: Bench):
    made(bench, "ToolCorrectnessMetric", 'evaluation_params = ["input_parameters"], include_reason = false')
    bench.write("prompt.py", TOOLS)
    cases = [{"id": f"c{n}", "input": f"question {n}", "expected": f"answer {n}",
              "tools": [{"name": "find", "arguments": {"n": n}}]} for n in range(4)]  # fmt: skip
    bench.cases(cases)

    bench.run()

    assert quality(bench)["mean"] == 0.5


TOOLS = """\
def answer(case):
    number = int(case.input.split()[-1])
    call = {"name": "find", "arguments": {"n": number if number % 2 else -1}}
    return {"text": f"answer {number}", "tool_calls": [call]}
"""


def test_a_metric_that_cannot_measure_leaves_unscored_never_zero(bench: Bench):
    made(bench, "ExactMatchMetric")
    bench.cases([{"id": f"c{n}", "input": f"question {n}"} for n in range(3)])
    bench.edit("ladder.toml", "answer = { all = 0.1 }", "quality = { all = 0.1 }")

    ran = bench.run()

    assert ran.status == 1
    assert quality(bench) == {"mean": None, "low": None, "high": None, "n": 0, "unscored": 3}
    assert "expected_output" in ran.flat


def test_a_metric_asks_its_model_through_the_client_and_is_replayed(bench: Bench):
    made(bench, "AnswerRelevancyMetric", 'model = "judge.py:verdict", threshold = 0.7', RELEVANCY)

    ran = bench.run("-v")

    assert ran.status == 0
    assert quality(bench)["mean"] == 0.5
    assert len(asked_judge(bench)) == 30  # of each answer: its statements, a verdict of each, and the reason
    assert len(judge_files(bench)) == 1
    assert "quality: triage only, agreement with humans not shown" in ran.flat
    assert bench.run("--ladder-record=none").status == 0
    assert bench.asked() == []


def test_geval_scores_with_criteria_of_ones_own(bench: Bench):
    options = ('name = "Right", evaluation_steps = ["Is it right?"], evaluation_params = ["input", "actual_output"], '
               'model = "judge.py:verdict"')  # fmt: skip
    made(bench, "GEval", options)

    bench.run()

    assert quality(bench)["mean"] == 0.8
    assert len(asked_judge(bench)) == 10


def test_without_a_model_a_metric_that_asks_one_calls_nobody(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    made(bench, "AnswerRelevancyMetric")
    bench.edit("ladder.toml", "answer = { all = 0.1 }", "quality = { all = 0.1 }")

    ran = bench.run()

    assert ran.status == 1
    assert 'this metric asks a model. Set `model = "..."` there' in ran.flat


def test_a_reply_that_is_no_json_is_unscored(bench: Bench):
    made(bench, "AnswerRelevancyMetric", 'model = "judge.py:verdict"', "def verdict(messages):\n    return 'well'\n")
    bench.edit("ladder.toml", "answer = { all = 0.1 }", "quality = { all = 0.1 }")

    ran = bench.run()

    assert ran.status == 1
    assert quality(bench)["unscored"] == 10
    assert "the judge's reply is not the JSON that the metric asks for" in ran.flat


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("ExactMatch", "", "unknown metric of single answers, got 'ExactMatch'"),
        ("ExactMatch", "", "Did you mean 'ExactMatchMetric'?"),
        ("exact_match", "", "Did you mean 'ExactMatchMetric'?"),
        ("ExactMachMetric", "", "Did you mean 'ExactMatchMetric'?"),
        ("Bias", "", "Did you mean 'BiasMetric'?"),
        ("geval", "", "Did you mean 'GEval'?"),
        ("ExactMatchMetric", "treshold = 0.5", "Did you mean 'threshold'?"),
        ("PatternMatchMetric", "", "missing 1 required positional argument: 'pattern'"),
        ("ExactMatchMetric", 'model = "judge.py:verdict"', "this metric asks no model"),
        ("AnswerRelevancyMetric", 'eval_mode = "system_one"', "unknown option, got 'eval_mode'"),
        ("GEval", 'name = "x", criteria = "y", evaluation_params = ["answer"], model = "judge.py:verdict"',
         "'answer' is none of input"),
    ],
)  # fmt: skip
def test_wrong_options_are_an_error_of_collection(bench: Bench, name: str, options: str, told: str):
    ran = made(bench, name, options).run()

    assert ran.status == 4
    assert told in ran.flat


def test_nothing_is_sent_read_or_left_behind(bench: Bench, tmp_path: Path):
    """No telemetry, no `.env`, no folder of its own, no connection: in a process of its own, with sockets refused."""
    made(bench, "ExactMatchMetric")
    (bench.pytester.path / ".env").write_text("FROM_DOTENV=1\n", encoding="utf-8")
    (bench.pytester.path / "conftest.py").write_text(NO_NETWORK, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DEEPEVAL")}

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--ladder", *OFF], cwd=bench.pytester.path, text=True, capture_output=True,
        env={**environment, "HOME": str(tmp_path)}, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((bench.pytester.path / "seen.json").read_text(encoding="utf-8")) == {"dotenv": False, "hosts": []}
    assert not (bench.pytester.path / ".deepeval").exists()
    assert list(tmp_path.glob(".deepeval*")) == []


NO_NETWORK = """\
import json
import os
import socket
from pathlib import Path

HOSTS = []


def refused(host, *rest, **more):
    HOSTS.append(str(host))
    raise OSError("no network here")


socket.getaddrinfo = refused


def pytest_unconfigure(config):
    seen = {"dotenv": "FROM_DOTENV" in os.environ, "hosts": HOSTS}
    Path(__file__).with_name("seen.json").write_text(json.dumps(seen), encoding="utf-8")
"""
