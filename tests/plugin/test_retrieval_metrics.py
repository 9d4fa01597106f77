"""Retrieval judged apart from generation: its metrics in the terminal and every report, by slice, asked for or not."""

from __future__ import annotations

import json
import re

import pytest

from tests.plugin.bench import Bench, case
from tests.project import Project

METRICS = "".join(
    f'[metrics.{name}]\nscorer = "{scorer}"\n{options}'
    for name, scorer, options in [
        ("recall_2", "recall_at_k", "options = { k = 2 }\n"), ("mrr", "reciprocal_rank", ""),
        ("ndcg_2", "ndcg_at_k", "options = { k = 2 }\n"), ("context_precision", "context_precision", ""),
        ("context_recall", "context_recall", ""),
    ]
)  # fmt: skip
SYSTEM = """\
from pytest_ladder import Answer


def answer(case):
    number = int(case.input.split()[-1])
    found = {found}
    return Answer(f"answer {{number}}", retrieved=tuple(found))
"""


@pytest.fixture
def ladder(bench: Bench) -> Bench:
    """Two rungs that answer alike; the first finds the evidence second, in `odd` not at all, the other one first."""
    bench.make({"rag": 40, "advanced_rag": 40}, cases=40, tables=METRICS)
    bench.write("cases.jsonl", "".join(json.dumps(case(n, evidence=[f"kb-{n}"])) + "\n" for n in range(40)))
    for rung, found in {
        "rag": '["x"] + ([] if number % 2 else [f"kb-{number}"])', "advanced_rag": '[f"kb-{number}", "x"]',
    }.items():  # fmt: skip
        bench.write(f"{rung}_system.py", SYSTEM.format(found=found))
    text = re.sub(r'system = "[^"]*"', "", bench.toml.read_text())
    for rung in ("rag", "advanced_rag"):
        text = text.replace(f"[rungs.{rung}]", f'[rungs.{rung}]\nsystem = "{rung}_system.py:answer"')
    bench.write("ladder.toml", text)
    return bench


def test_without_a_threshold_they_stand_in_the_terminal_with_their_intervals(ladder: Bench):
    ran = ladder.run("--ladder-climb=all")
    assert ran.status == 0, ran.text
    head = next(line for line in ran.text.splitlines() if "recall_2" in line)
    assert head.split() == ["all", "recall_2", "mrr", "ndcg_2"]
    for metric in ("context_precision", "context_recall"):
        assert metric in ran.text
    rag = next(line for line in ran.text.splitlines() if line.split()[:2] == ["rag", "selected"])
    assert rag.split()[-3:] == ["0.500", "0.250", "0.315"]
    assert "[0.36, 0.64] [0.19, 0.31] [0.23, 0.40]" in ran.flat
    assert "slices without a threshold" not in ran.text


def test_the_recall_of_a_rung_that_retrieves_is_shown_without_any_metric(ladder: Bench):
    ladder.edit("ladder.toml", METRICS, "")
    lines = ladder.run("--ladder-climb=all").text.splitlines()
    usage = next(place for place, line in enumerate(lines) if line.split()[-1:] == ["recall"])
    assert [line.split()[-1] for line in lines[usage + 2 : usage + 4]] == ["0.500", "1.000"]


def test_verbosely_the_terminal_shows_their_slices_and_so_do_the_reports(ladder: Bench):
    ran = ladder.run("-v", "--ladder-climb=all", *(f"--ladder-report=r.{kind}" for kind in ("md", "html", "json")))
    shown = ran.text.partition("slices without a threshold")[2]
    assert [word for word in shown.split() if word == "odd"] == ["odd"] * 6, "one for each metric, `answer` too"
    assert "0.000 0.000 0.000 [0.86, 1.00] [0.00, 0.14] [0.00, 0.14] [0.00, 0.14]" in " ".join(shown.split())
    report = {kind: (ladder.pytester.path / f"r.{kind}").read_text() for kind in ("md", "html", "json")}
    table = report["md"].partition("<summary>slices without a threshold</summary>")[2].partition("</details>")[0]
    assert "| mrr<br>odd |" in table
    assert table.count("0.000<br>\\[0.00, 0.14\\]") == 5
    assert "mrr, odd: rag 0.000 [0.00, 0.14]; advanced_rag 1.000 [0.86, 1.00]" in report["html"]
    rung = json.loads(report["json"])["ladders"][0]["rungs"][0]
    assert rung["recall"] == 0.5
    odd = {"mean": 0.0, "n": 20, "low": 0.0, "high": 0.139108, "unscored": 0}
    assert all(rung["entry"]["scores"][metric]["odd"] == odd for metric in ("recall_2", "mrr", "context_precision"))


MODEL = "def reply(messages):\n    return 'answer 1'\n"
BUILT_IN = """\
[rungs.prompt]
prompt = "p.md"
[rungs.rag]
prompt = "g.md"
corpus = "kb.jsonl"
top_k = 1
[rungs.chained]
kind = "decompose"
strategy = "prompt_chain"
chain = ["p.md", "q.md"]
[rungs.bare_route]
kind = "decompose"
router = [{ to = "prompt" }]
[rungs.route]
kind = "decompose"
router = [{ when = { odd = true }, to = "prompt" }, { to = "rag" }]
"""


def built_in(bench: Bench, thresholds: str, head: str = "", tables: str = "") -> Bench:
    """Rungs that retrieve, and others that do not; `rag` finds the evidence of every second case."""
    metric = f'[metrics.mrr]\nscorer = "reciprocal_rank"\n{tables}'
    bench.make({}, head=f'model = "models.py:reply"\n{head}', thresholds=thresholds, tables=metric)
    bench.write("ladder.toml", bench.toml.read_text(encoding="utf-8") + BUILT_IN)
    for name, text in {"p.md": "{{ input }}", "q.md": "{{ previous }}", "g.md": "{{ context }} {{ input }}"}.items():
        bench.write(name, text)
    bench.write("models.py", MODEL)
    documents = ({"id": f"kb-{n}", "text": f"question {n} {n}"} for n in range(10))
    bench.write("kb.jsonl", "".join(json.dumps(line) + "\n" for line in documents))
    lines = (case(n, evidence=[f"kb-{n if n % 2 else 99}"], metadata={"odd": bool(n % 2)}) for n in range(10))
    bench.write("cases.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    return bench


def mrr(bench: Bench) -> dict[str, tuple[float | None, int, int]]:
    """Rung -> mean, scored and unscored cases, by the log."""
    figures = {entry["rung"]: entry["scores"]["mrr"]["all"] for entry in bench.log if entry["kind"] == "rung"}
    return {rung: (figure["mean"], figure["n"], figure["unscored"]) for rung, figure in figures.items()}


NOTHING = (None, 0, 10)


def test_what_retrieves_nothing_has_no_figure_of_retrieval_and_what_finds_nothing_has_0(bench: Bench):
    ran = built_in(bench, "answer = { all = 0.9 }").run("--ladder-climb=all")

    assert mrr(bench) == {
        "prompt": NOTHING, "rag": (0.5, 10, 0), "chained": NOTHING, "bare_route": NOTHING, "route": (0.0, 10, 0),
    }  # fmt: skip
    [prompt, rag] = [line for line in ran.lines if re.match(r"  (prompt|rag) +short ", line)]
    assert prompt.split()[-1] == "n/a"
    assert "0.500" in rag
    assert "could score none" not in ran.text
    assert "retrieves nothing" not in ran.text
    log = bench.log
    assert bench.run("--ladder-climb=all", "--ladder-record=none").status == 1
    assert bench.log == log


def test_one_case_is_shown_with_the_same_word(bench: Bench):
    built_in(bench, "answer = { all = 0.9 }").run("--ladder-climb=all")

    text = Project(bench.pytester.path, inner=bench.pytester).command("show", "c2", "--rung=prompt", "--rung=rag").text

    assert "mrr n/a, kind" in text
    assert "mrr 0.000, kind" in text
    assert "unscored" not in text


def test_a_threshold_of_retrieval_is_missed_by_what_retrieves_nothing_and_the_run_says_why(bench: Bench):
    ran = built_in(bench, "answer = { all = 0.05 }\nmrr = { all = 0.4 }").run("-v")

    assert ran.outcomes()["prompt"] == "SHORT"
    assert ran.outcomes()["rag"] == "SELECTED"
    assert bench.verdicts[:2] == ["prompt short", "rag met"]
    assert mrr(bench) == {"prompt": (0.0, 10, 0), "rag": (0.5, 10, 0)}
    assert "rung prompt: it has no corpus and retrieves nothing, so that it cannot meet mrr[all]" in ran.flat
    assert "rung rag: it has no corpus" not in ran.flat
    assert "nothing was retrieved: the rung has no corpus" in bench.run("-v", "--ladder-rung=prompt").flat


def test_a_threshold_that_asks_for_nothing_is_not_told_of(bench: Bench):
    ran = built_in(bench, "answer = { all = 0.05 }\nmrr = { all = 0.0 }").run("--ladder-rung=prompt")

    assert mrr(bench) == {"prompt": (0.0, 10, 0)}
    assert "retrieves nothing" not in ran.text


def test_scores_alone_say_the_same(bench: Bench):
    built_in(bench, "answer = { all = 0.9 }", tables='[recordings]\nstore = "local"\n').run("--ladder-climb=all")
    log = bench.log
    for path in (bench.folder / "recordings").rglob("*.jsonl"):
        path.unlink()

    ran = bench.run("--ladder-climb=all", "--ladder-record=none")

    assert "not verifiable here" in ran.text
    assert "out of date" not in ran.text
    assert bench.log == log


def test_of_a_system_that_the_test_gave_nothing_is_known(bench: Bench):
    built_in(bench, "answer = { all = 0.9 }")
    own = "import pytest\n\n\ndef mine(case):\n    return 'no'\n\n\n"
    bench.write("test_support.py", own + "@pytest.mark.ladder\ndef test_support(rung):\n    rung.check(mine)\n")

    bench.run("--ladder-rung=prompt")

    assert mrr(bench) == {"prompt": (0.0, 10, 0)}
