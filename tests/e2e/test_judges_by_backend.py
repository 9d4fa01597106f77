"""Judges through LiteLLM, and in this process from weights: asked once, and replayed without either."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.extras import needs
from tests.loopback import Loopback
from tests.plugin.bench import Bench
from tests.plugin.judging import judge_files, judged, quality, verdicts

EXAMPLES = Path(__file__).parents[2] / "examples"
LITELLM = """\
[metrics.quality]
scorer = "judge"
options = { model = "openai/tiny", prompt = "judge.md", model_options = OPTIONS }
"""
LOCAL = """\
[metrics.quality]
scorer = "judge"
options = { model = "local:../../model/checkpoint", prompt = "judge.md", scale = SCALE }
"""


@pytest.fixture
def bench(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.delenv("CI", raising=False)
    return Bench(pytester)


def test_a_judge_through_litellm(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    needs("litellm", "llm")
    monkeypatch.setenv("LOOPBACK_AUTH", "a-key-of-nobody")
    with Loopback(verdicts) as server:
        price = '[prices."openai/tiny"]\ninput = 1\noutput = 1'
        options = f'{{ api_base = "{server.url}", api_key_env = "LOOPBACK_AUTH" }}'
        judged(bench, {"prompt": 7}, metric=LITELLM.replace("OPTIONS", options), tables=price,
               thresholds="answer = { all = 0.5 }")  # fmt: skip

        ran = bench.spawn(timeout=120)

        assert ran.returncode == 0, ran.stdout
        assert quality(bench)["mean"] == 0.7
        assert len(server.requests) == 10
        assert "; the judge of quality about " in " ".join(ran.stdout.split())
    monkeypatch.delenv("LOOPBACK_AUTH")
    ran = bench.spawn("--ladder-record=none", timeout=120)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.slow
@pytest.mark.real_model
@pytest.mark.skipif(not (find_spec("torch") and find_spec("transformers")), reason="needs the extra `local`")
def test_a_judge_from_weights(bench: Bench):
    shutil.copytree(EXAMPLES / "model", bench.pytester.path / "model")
    judged(bench, {"prompt": 10}, metric=LOCAL.replace("SCALE", '["no", "yes"]'))
    bench.write("judge.md", "user:\nwhere is the nearest office\n")

    ran = bench.spawn(timeout=300)

    assert ran.returncode == 0, ran.stdout  # it was never taught these words: that is no verdict
    assert quality(bench) == {"mean": None, "low": None, "high": None, "n": 0, "unscored": 10}
    [path] = judge_files(bench)
    said = json.loads(path.read_text(encoding="utf-8").splitlines()[0])["calls"][0]["response"]["text"]
    bench.edit("ladder.toml", '["no", "yes"]', json.dumps(["no", said]))
    ran = bench.spawn(timeout=300)
    assert ran.returncode == 0, ran.stdout
    assert quality(bench)["mean"] == 1
    assert sum(len(one.read_text(encoding="utf-8").splitlines()) for one in judge_files(bench)) == 3  # answers apart
    shutil.rmtree(bench.pytester.path / "model")
    ran = bench.spawn("--ladder-record=none", timeout=120)
    assert ran.returncode == 0, ran.stdout
