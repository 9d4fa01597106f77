"""The rung `advanced_rag` from ladder.toml to the recordings, with a model that counts what it is asked."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest

from tests.plugin.bench import Bench, case

MODEL = """\
from pathlib import Path


def reply(messages):
    text = messages[-1]["content"]
    kind, _, rest = text.partition(" ")
    rest = rest or "nothing"
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write(kind + " " + rest.splitlines()[0] + "\\n")
    if kind == "LINE":
        return "code-" + rest.split()[-1]
    if kind == "QUERY":
        return "code-" + rest.split()[-1].strip("n")
    return "answer " + (rest.split()[-1] if "SHOWN" in text else "unknown")
"""
SWITCHES = 'contextual = true\ncontext_prompt = "line.md"\nquery_rewrite = true\nrewrite_prompt = "query.md"\ntop_k = 1'
CASES = 4


@pytest.fixture
def ladder(bench: Bench) -> Bench:
    """A ladder whose corpus can be searched by the lines that its model writes, and by nothing else."""
    bench.make({})
    bench.cases(case(n, input=f"question n{n}") for n in range(CASES))
    bench.write("models.py", MODEL)
    bench.write("answer.md", "ANSWER {% for d in documents %}SHOWN {{ d.text.splitlines()[-1] }}{% endfor %}")
    bench.write("line.md", "LINE {{ chunk }}")
    bench.write("query.md", "QUERY {{ input }}")
    articles(bench, 6)
    bench.write("ladder.toml", "\n".join([
        "schema = 1", 'name = "support"', 'evalset = "cases.jsonl"', 'model = "models.py:reply"',
        '[metrics.answer]\nscorer = "exact_match"', "[thresholds]\nanswer = { all = 1.0 }",
        '[rungs.advanced_rag]\nprompt = "answer.md"\ncorpus = "kb.jsonl"', SWITCHES, "",
    ]))  # fmt: skip
    return bench


def articles(bench: Bench, many: int) -> None:
    lines = [{"id": f"kb-{n}", "text": f"fact{n} of {n}"} for n in range(many)]
    bench.write("kb.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


def records(bench: Bench) -> list[dict[str, Any]]:
    paths = [p for p in (bench.folder / "recordings/advanced_rag").glob("*.jsonl") if p.name != "calls.jsonl"]
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def counted(bench: Bench) -> dict[str, int]:
    kinds = [line.partition(" ")[0] for line in bench.asked()]
    return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


def test_each_step_is_asked_once_and_the_second_run_asks_nothing(ladder: Bench):
    ran = ladder.run()
    assert ran.status == 0, ran.text
    assert counted(ladder) == {"ANSWER": CASES, "LINE": 6, "QUERY": CASES}
    before = ladder.log_path.read_bytes()
    assert ladder.run().status == 0
    assert ladder.run("--ladder-record=none").status == 0
    assert ladder.asked() == []
    assert ladder.log_path.read_bytes() == before


def test_an_answer_has_its_trace_and_its_own_calls_and_no_line_of_the_index(ladder: Bench):
    ladder.run()
    first = min(records(ladder), key=lambda record: record["case"])
    rewrite, search = first["answer"]["steps"]
    assert rewrite == {"step": "rewrite", "query": "code-0"}
    assert (search["query"], [one["id"] for one in search["found"]]) == ("code-0", ["kb-0"])
    assert first["answer"]["retrieved"] == ["kb-0"]
    assert len(first["calls"]) == 2
    kept = (ladder.folder / "recordings/advanced_rag/calls.jsonl").read_text(encoding="utf-8").splitlines()
    assert sum(len(json.loads(line)["calls"]) for line in kept) == 6


def test_a_further_case_asks_for_no_line_again(ladder: Bench):
    ladder.run()
    ladder.asked()
    lines = (ladder.folder / "cases.jsonl").read_text(encoding="utf-8")
    ladder.write("cases.jsonl", lines + '{"id": "new", "input": "question n5", "expected": "answer 5"}\n')
    assert ladder.run().status == 0
    assert counted(ladder) == {"ANSWER": 1, "QUERY": 1}


def test_a_further_document_asks_for_its_own_line_alone(ladder: Bench):
    ladder.run()
    ladder.asked()
    articles(ladder, 7)
    assert ladder.run().status == 0
    assert [line for line in ladder.asked() if line.startswith(("LINE", "QUERY"))] == ["LINE fact6 of 6"]


def test_a_budget_that_ends_in_the_index_keeps_what_it_has_and_the_next_run_goes_on(ladder: Bench):
    ran = ladder.run("--ladder-max-calls=4", "--ladder-concurrency=1")
    assert ran.status == 1
    assert "before the first question" in ran.flat
    assert counted(ladder) == {"LINE": 4}
    assert ladder.run().status == 0
    assert counted(ladder) == {"ANSWER": CASES, "LINE": 2, "QUERY": CASES}


def test_the_prompts_of_the_steps_belong_to_the_fingerprint(ladder: Bench):
    ladder.run()
    ladder.asked()
    ladder.write("query.md", "QUERY  {{ input }}")
    assert ladder.run().status == 0
    assert counted(ladder)["QUERY"] == CASES
    assert len(list((ladder.folder / "recordings/advanced_rag").glob("*.jsonl"))) == 3  # two versions and calls.jsonl


def test_a_prompt_that_is_missing_is_told_at_collection(ladder: Bench):
    (ladder.folder / "query.md").unlink()
    ran = ladder.run()
    assert ran.status == 4
    assert "rewrite_prompt: there is no such file, got 'query.md'" in ran.flat


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("query_rewrite = true", "query_rewrit = true", "unknown key.*query_rewrite"),
        ("top_k = 1", "top_k = 1\nmax_steps = 2", r"max_steps: nothing here uses it. Set `agentic` too"),
        ("top_k = 1", 'top_k = 1\nretriever = "dense"', "no `embedder` is named"),
        ("top_k = 1", 'top_k = 1\nreranker = "local:nowhere"', r"reranker: reranker local:nowhere: there is no such"),
        ("top_k = 1", 'top_k = 1\nfilters = { lang = "en" }', "no document of the corpus has this key"),
    ],
)
def test_a_key_that_cannot_be_used_is_told(ladder: Bench, old: str, new: str, told: str):
    ladder.edit("ladder.toml", old, new)
    ran = ladder.run()
    assert ran.status == 4
    assert re.search(told, ran.flat), ran.text
    assert ladder.asked() == []


def test_pruning_old_versions_keeps_the_lines(ladder: Bench):
    ladder.run()
    articles(ladder, 7)
    ladder.run()
    ladder.asked()
    assert ladder.pytester.run(sys.executable, "-m", "pytest_ladder", "prune").ret == 0
    articles(ladder, 8)
    assert ladder.run().status == 0
    assert [line for line in ladder.asked() if line.startswith("LINE")] == ["LINE fact7 of 7"]


def test_each_switch_measured_apart_is_a_rung_of_its_own(ladder: Bench):
    text = ladder.toml.read_text(encoding="utf-8")
    ladder.write("ladder.toml", text + (
        '[rungs.plain]\nkind = "advanced_rag"\nprompt = "answer.md"\ncorpus = "kb.jsonl"\ntop_k = 1\n'
        '[rungs.lines]\nkind = "advanced_rag"\nprompt = "answer.md"\ncorpus = "kb.jsonl"\ntop_k = 1\n'
        'contextual = true\ncontext_prompt = "line.md"\n'
    ))  # fmt: skip
    ran = ladder.run("--ladder-climb=all", "-v")
    assert ran.status == 0, ran.text
    scores = {
        entry["rung"]: entry["scores"]["answer"]["all"]["mean"] for entry in ladder.log if entry["kind"] == "rung"
    }
    assert scores["advanced_rag"] == 1.0
    assert scores["plain"] < 1.0
    assert scores["lines"] < 1.0
    assert counted(ladder)["LINE"] == 6  # what one rung asked another replays
