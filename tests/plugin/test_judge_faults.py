"""What goes wrong with a judge: its options, single answers, the judge as a whole, the budget."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest

from tests.extras import needs
from tests.loopback import Act, Loopback, failing
from tests.plugin.bench import Bench
from tests.plugin.judging import (
    BOTH,
    PRICE,
    asked_judge,
    judge_files,
    judged,
    label,
    quality,
    verdicts,
    with_model,
)

needs("aiohttp", "http", module=True)

import aiohttp  # noqa: E402, F401  loaded here, once: an inner run forgets what it was the first to import

FAILS = """(1 / 0) if expected == "answer {n}" and not Path(__file__).with_name("well").exists() else (
        "yes" if expected == answer else "no")"""


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(verdicts) as made:
        yield made


# --- refused at collection -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("thresholds", ["answer = { all = 0.9 }", BOTH], ids=["triage", "gates"])
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("n = 2", "the option `n` cannot be used with a hosted model. Leave it out"),
        ('api_key = "sk-1"', "name the environment variable that holds it in `api_key_env`"),
        ("stream = true", "the option `stream` cannot be used"),
        ("timeout = 0", "`timeout` cannot be used, got 0; expected seconds for one call, above 0"),
        ("deployments = []", "`deployments` cannot be used"),
    ],
)
def test_options_of_a_hosted_judge_are_refused_before_anything_is_asked(
    bench: Bench, server: Loopback, options: str, told: str, thresholds: str
):
    with_model(bench, server.model, f", model_options = {{ {options} }}", thresholds=thresholds)

    for flags in ([], ["--ladder-record=none"]):
        ran = bench.run(*flags)
        assert ran.status == 4
        assert told.lower() in ran.flat.lower()
        assert "evals/support/ladder.toml:" in ran.flat
    assert (bench.asked(), server.requests) == ([], [])


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("openai_compatible:http://127.0.0.1:9/v1", "the name of the model is missing"),
        ("openai_compatible:127.0.0.1#tiny", "this is no address"),
        ("local:./nowhere", "nowhere"),
        ("nothing.of.ours:judge", "nothing"),
        (" ", "the name is empty"),
    ],
)
def test_a_judge_that_nobody_serves_is_refused_before_anything_is_asked(bench: Bench, model: str, told: str):
    with_model(bench, model, price=model.startswith("openai"))

    ran = bench.run()

    assert ran.status == 4
    assert told in ran.flat
    assert bench.asked() == []


def test_options_of_a_local_judge_are_refused_without_its_weights(bench: Bench):
    with_model(bench, "local:./nowhere", ", model_options = { n = 2 }", price=False)

    ran = bench.run("--ladder-record=none")

    assert ran.status == 4
    assert "unknown option, got 'n'; expected" in ran.flat


def test_a_name_that_no_provider_has_is_refused_before_anything_is_asked(bench: Bench):
    needs("litellm", "llm")
    with_model(bench, "gpt-of-nobody", price=False)

    ran = bench.spawn()

    assert ran.returncode == 4
    assert "model gpt-of-nobody: no provider of this name is known" in " ".join(ran.stdout.split())
    assert bench.asked() == []


@pytest.mark.parametrize("thresholds", ["answer = { all = 0.9 }", BOTH], ids=["triage", "gates"])
def test_a_judge_without_a_price_is_refused_before_anything_is_asked(bench: Bench, server: Loopback, thresholds: str):
    with_model(bench, server.model, price=False, thresholds=thresholds)

    ran = bench.run("--ladder-max-cost=1")

    assert ran.status == 4
    assert f'no price is known, so that no budget can hold. Declare [prices."{server.model}"]' in ran.flat
    assert (bench.asked(), server.requests) == ([], [])


def test_what_is_on_record_is_judged_without_price_server_or_package(bench: Bench, server: Loopback):
    with_model(bench, server.model).run()
    server.stop()
    bench.edit("ladder.toml", PRICE.format(model=server.model), "")

    assert bench.run().status == 0
    assert bench.run("--ladder-record=none").status == 0


# --- one answer ------------------------------------------------------------------------------------------------------


def test_a_judge_that_fails_at_one_answer_leaves_it_unscored_and_blocks_nothing(bench: Bench):
    judged(bench, {"prompt": 10}, first=FAILS.format(n=7))

    ran = bench.run("-v")

    assert ran.status == 0
    assert bench.verdicts == ["prompt met", "selected prompt"]
    assert (quality(bench)["n"], quality(bench)["unscored"]) == (9, 1)
    assert "c7 quality unscored" in ran.flat
    assert "judge.py:verdict: the model raised ZeroDivisionError: division by zero" in ran.flat
    before = bench.log_path.read_bytes()
    bench.asked()
    assert bench.run("--ladder-record=none").status == 0
    assert bench.asked() == []
    assert bench.log_path.read_bytes() == before


def test_the_next_run_asks_again_what_the_judge_failed_at_and_nothing_else(bench: Bench):
    judged(bench, first=FAILS.format(n=7)).run()
    [path] = judge_files(bench)
    before, _ = path.read_bytes(), bench.asked()

    assert bench.run().status == 0
    assert len(asked_judge(bench)) == 2  # two rungs answered c7, and not alike
    assert path.read_bytes() == before  # it failed again: that is on record
    bench.write("well", "")
    assert bench.run().status == 0
    assert len(asked_judge(bench)) == 2
    assert quality(bench)["unscored"] == 0
    assert bench.run("--ladder-record=none").status == 0


def test_where_answers_stay_local_ci_takes_the_failure_from_the_scores(bench: Bench):
    judged(bench, {"prompt": 10}, first=FAILS.format(n=7), thresholds=BOTH, tables='[recordings]\nstore = "local"')
    bench.run()
    verdict = bench.verdicts
    for path in (bench.folder / "recordings").rglob("*.jsonl"):
        path.unlink()

    assert bench.run("--ladder-record=none").status == 1
    assert bench.verdicts == verdict == ["prompt inconclusive", "selected None"]


@pytest.mark.parametrize("stop", ["never", "certain"])
@pytest.mark.parametrize(("threshold", "verdict"), [(0.7, "met"), (0.818, "inconclusive"), (0.9, "short")])
def test_a_proven_judge_decides_where_the_verdict_is_the_same_whatever_it_failed_at(
    bench: Bench, threshold: float, verdict: str, stop: str
):
    thresholds = f"quality = {{ all = {threshold} }}"
    judged(
        bench, {}, first=FAILS.format(n=105), thresholds=thresholds, cases=110,
        tables=f'[decision]\nstop = "{stop}"\n[rungs.prompt]\nsystem = "prompt.py:answer"',
    )  # fmt: skip
    bench.system("prompt", [*range(80), *range(100, 110)])
    bench.run()
    label(bench, ["yes"] * 80 + ["no"] * 20, "prompt")

    ran = bench.run()

    entries = [told for told in bench.verdicts if told.startswith("prompt ")]
    assert entries[-1] == f"prompt {verdict}"
    assert (quality(bench)["n"], quality(bench)["unscored"]) == (109, 1)
    if verdict == "inconclusive":
        assert ran.status == 1
        assert "its judge failed at 1 case" in ran.flat
        assert "0.817 ?" in ran.flat
        assert "to decide it: the verdicts of quality that its judge failed at" in ran.flat
        bench.write("well", "")
        assert bench.run().status == 0
        assert bench.verdicts[-2] == "prompt met"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (failing(400, text="this content is not for us"), "the provider answered 400 (this content is not for us)"),
        (failing(503), "the provider answered 503"),
        (Act(wait_s=3600), "the judge gave no verdict within 1 s"),
    ],
    ids=["400", "503", "time-out"],
)
def test_a_hosted_judge_may_fail_at_one_answer(
    bench: Bench, server: Loopback, fault: Act, told: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pytest_ladder.engine.retry.BASE_S", 0.001)
    server.script = lambda seen: fault if "answer 7" in seen.asked else verdicts(seen)
    with_model(bench, server.model)

    ran = bench.run("-v", "--ladder-timeout=1", "--ladder-report=ladder.md", "--ladder-report=ladder.html")

    assert ran.status == 0
    assert (quality(bench)["n"], quality(bench)["unscored"]) == (9, 1)
    for text in (ran.flat, *(bench.pytester.path.joinpath(f"ladder.{kind}").read_text() for kind in ("md", "html"))):
        assert told in re.sub(r"\s+", " ", text.replace("\\", ""))
    server.script, asked = verdicts, len(server.requests)
    assert bench.run().status == 0
    assert len(server.requests) == asked + 1
    assert quality(bench)["unscored"] == 0


def test_the_page_tells_low_scores_from_none(bench: Bench):
    judged(bench, {"prompt": 8}, first=FAILS.format(n=7), thresholds="answer = { all = 0.5 }")
    bench.run("--ladder-report=ladder.html")

    page = bench.pytester.path.joinpath("ladder.html").read_text(encoding="utf-8")

    assert "2 cases scored below 1 at one rung or more. 1 case got no score at one or more" in page
    assert "not at all" not in page


# --- the judge as a whole --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("thresholds", ["answer = { all = 0.9 }", BOTH], ids=["triage", "gates"])
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (failing(401, text="who are you"), "the provider answered 401 (who are you). Check the key"),
        (failing(404, text="no such model"), "the provider answered 404 (no such model). Check the model's name"),
    ],
    ids=["401", "404"],
)
def test_a_judge_that_takes_no_call_ends_the_rung_and_is_not_asked_again(
    bench: Bench, server: Loopback, fault: Act, told: str, thresholds: str
):
    with_model(bench, server.model, thresholds=thresholds)
    first = '[rungs.first]\nkind = "prompt"\nsystem = "prompt.py:answer"\n'
    bench.edit("ladder.toml", "[rungs.prompt]", f"{first}[rungs.prompt]")
    server.script = lambda _: fault

    ran = bench.run("--ladder-concurrency=1")

    assert ran.status == 1
    assert re.search(rf"ladder.toml:\d+: \[metrics.quality\] options: model \S+: {re.escape(told)}", ran.flat)
    assert len(server.requests) == 1
    assert bench.log == []
    assert len(bench.recorded("prompt")) == 10
    server.script = verdicts
    assert bench.run("--ladder-climb=all").status == (0 if thresholds != BOTH else 1)
    assert len(server.requests) == 11


def test_a_judge_that_takes_no_call_while_a_rung_is_watched_ends_it_too(bench: Bench, server: Loopback):
    with_model(bench, server.model)
    bench.edit("ladder.toml", "[thresholds]", '[decision]\nstop = "certain"\n[thresholds]')
    server.script = lambda _: failing(401)

    ran = bench.run("--ladder-concurrency=1")

    assert ran.status == 1
    assert "the provider answered 401" in ran.flat
    assert "INTERNALERROR" not in ran.text
    assert len(server.requests) == 1


def test_a_package_that_is_missing_ends_the_rung(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with_model(bench, "openai_compatible:http://127.0.0.1:9/v1#tiny")

    ran = bench.run()

    assert ran.status == 1
    assert 'pip install "pytest-ladder[http]"' in ran.flat
    assert len(bench.recorded("prompt")) == 10
    assert bench.log == []


def test_a_metric_of_deepeval_without_deepeval_is_told_where_it_is_written(bench: Bench, monkeypatch):
    for module in ("deepeval", "deepeval.metrics"):
        monkeypatch.setitem(sys.modules, module, None)
    metric = '[metrics.quality]\nscorer = "deepeval:ExactMatchMetric"\n'
    judged(bench, {"prompt": 4}, metric=metric, thresholds="answer = { all = 0.1 }")

    ran = bench.run()

    assert ran.status == 4
    line = bench.toml.read_text(encoding="utf-8").splitlines().index('scorer = "deepeval:ExactMatchMetric"') + 1
    assert f"ladder.toml:{line}: [metrics.quality] scorer: deepeval's metrics: the package `deepeval`" in ran.flat
    assert 'pip install "pytest-ladder[judge]"' in ran.flat


# --- the budget ------------------------------------------------------------------------------------------------------


def test_a_budget_that_stops_the_judging_says_so_and_how_to_go_on(bench: Bench):
    judged(bench, {"prompt": 10})

    ran = bench.run("--ladder-max-calls=7", "--ladder-concurrency=1", "--ladder-report=ladder.md")

    told = (
        "rung prompt: the budget stopped the judge of quality: 3 answers have no verdict yet (c7, c8, c9). budget: 7 "
        "model calls are made. Run again to go on from what is recorded, or raise `--ladder-max-calls`. What was "
        "judged is on record; to go on: `pytest --ladder --ladder-record=new`"
    )
    assert ran.status == 1
    assert told in ran.flat
    assert told in bench.pytester.path.joinpath("ladder.md").read_text(encoding="utf-8").replace("\\", "")
    bench.asked()
    assert bench.run("--ladder-record=new").status == 0
    assert len(asked_judge(bench)) == 3
