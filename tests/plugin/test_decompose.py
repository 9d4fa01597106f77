"""The rung `decompose` from ladder.toml to the recordings, with models that count what they are asked."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.plugin.bench import Bench, case

MODEL = """\
import re
from pathlib import Path


def reply(messages):
    text = messages[-1]["content"]
    kind, _, rest = text.partition(" ")
    rest = rest.strip()
    with Path(__file__).with_name("asked.txt").open("a", encoding="utf-8") as file:
        file.write(kind + " " + rest.replace("\\n", " ") + "\\n")
    numbers = re.findall("[0-9]+", rest)
    if kind == "PLAN":
        return f"1. Which code has n{numbers[0]}?\\n2. What is the answer of #1?"
    if kind == "ANSWER":
        return f"code {numbers[0]} [kb-{numbers[0]}]" if rest.startswith("Which") else f"answer {numbers[0]}"
    if kind == "OUTLINE":
        return f"it is {numbers[0]}"
    return f"answer {numbers[-1]}"


def strong(messages):
    return reply([{"role": "user", "content": "PLAN " + messages[-1]["content"].removeprefix("PLAN ")}])
"""
PROMPTS = {
    "plan.md": "PLAN {{ input }}",
    "answer.md": "ANSWER {{ input }}",
    "grounded.md": "ANSWER {{ input }} {{ context }}",
    "merge.md": "MERGE {{ input }} {% for r in results %}{{ r.answer }} {% endfor %}",
    "outline.md": "OUTLINE {{ input }}",
    "finish.md": "FINISH {{ previous }}",
    "step.md": "ANSWER {{ step }}",
}
DECOMPOSE = 'plan_prompt = "plan.md"\nprompt = "answer.md"\nmerge_prompt = "merge.md"'
STRATEGIES = {
    "query_decomposition": (DECOMPOSE, {"PLAN": 1, "ANSWER": 2, "MERGE": 1}),
    "prompt_chain": ('chain = ["outline.md", "finish.md"]', {"OUTLINE": 1, "FINISH": 1}),
    "plan_and_execute": (
        'plan_prompt = "plan.md"\nstep_prompt = "step.md"\nanswer_prompt = "merge.md"\nplanner = "models.py:strong"',
        {"PLAN": 1, "ANSWER": 2, "MERGE": 1},
    ),
}
CASES = 3
WHOLE = f'strategy = "query_decomposition"\n{DECOMPOSE}'


def chain(*names: str) -> str:
    return f'strategy = "prompt_chain"\nchain = {json.dumps(names)}'


def made(bench: Bench, strategy: str, keys: str) -> Bench:
    bench.make({})
    gold = [{"input": "Which code?", "expected": "code"}, {"input": "What answer?", "expected": "answer"}]
    bench.cases(case(n, input=f"question n{n}", steps=gold) for n in range(CASES))
    bench.write("models.py", MODEL)
    for name, text in PROMPTS.items():
        bench.write(name, text)
    articles = [{"id": f"kb-{n}", "text": f"code {n} of n{n}"} for n in range(CASES)]
    bench.write("kb.jsonl", "".join(json.dumps(article) + "\n" for article in articles))
    bench.write("ladder.toml", "\n".join([
        "schema = 1", 'name = "support"', 'evalset = "cases.jsonl"', 'model = "models.py:reply"',
        '[metrics.answer]\nscorer = "exact_match"', '[metrics.way]\nscorer = "steps"',
        "[thresholds]\nanswer = { all = 1.0 }",
        f'[rungs.decompose]\nstrategy = "{strategy}"', keys, "",
    ]))  # fmt: skip
    return bench


@pytest.fixture
def ladder(bench: Bench) -> Bench:
    """A ladder whose only rung decomposes questions, without a corpus."""
    return made(bench, "query_decomposition", DECOMPOSE)


def records(bench: Bench) -> list[dict[str, Any]]:
    paths = (bench.folder / "recordings/decompose").glob("*.jsonl")
    lines = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted(lines, key=lambda line: str(line["case"]))


def counted(bench: Bench) -> dict[str, int]:
    kinds = [line.partition(" ")[0] for line in bench.asked()]
    return {kind: kinds.count(kind) for kind in dict.fromkeys(sorted(kinds))}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_call_is_asked_once_and_replayed_from_the_record(bench: Bench, strategy: str):
    keys, calls = STRATEGIES[strategy]
    made(bench, strategy, keys)
    ran = bench.run()
    assert ran.status == 0, ran.text
    assert counted(bench) == {kind: CASES * times for kind, times in sorted(calls.items())}
    before = bench.log_path.read_bytes()
    assert bench.run("--ladder-record=none").status == 0
    assert bench.run().status == 0
    assert bench.asked() == []
    assert bench.log_path.read_bytes() == before
    assert all(len(record["calls"]) == sum(calls.values()) for record in records(bench))


def test_the_trace_is_recorded_and_scored_against_the_gold_steps(ladder: Bench):
    ladder.run()
    first = records(ladder)[0]["answer"]
    assert [step["step"] for step in first["steps"]] == ["plan", "answer", "answer", "merge"]
    assert first["steps"][2]["question"] == "What is the answer of code 0 [kb-0]?"
    assert first["text"] == "answer 0"
    assert ladder.log[0]["scores"]["way"]["all"]["mean"] == 1.0


def test_documents_found_for_all_parts_are_the_retrieved_ones_and_no_question_cites(bench: Bench):
    keys = DECOMPOSE.replace("answer.md", "grounded.md") + '\ncorpus = "kb.jsonl"\ntop_k = 1'
    made(bench, "query_decomposition", keys)
    ran = bench.run()
    assert ran.status == 0, ran.text
    answer = records(bench)[1]["answer"]
    assert answer["retrieved"] == ["kb-1"]
    assert [step["question"] for step in answer["steps"] if step["step"] == "answer"] == [
        "Which code has n1?", "What is the answer of code 1?",
    ]  # fmt: skip


def test_a_run_that_is_cut_off_in_a_plan_goes_on_where_it_was(ladder: Bench):
    assert ladder.run("--ladder-max-calls=6", "--ladder-concurrency=1").status == 1
    first = counted(ladder)
    assert sum(first.values()) == 6
    assert ladder.run().status == 0
    again = counted(ladder)
    assert sum(again.values()) == 4 * CASES - 6


@pytest.mark.parametrize("name", ["plan.md", "answer.md", "merge.md"])
def test_every_prompt_belongs_to_the_fingerprint_and_only_its_calls_are_asked_anew(ladder: Bench, name: str):
    ladder.run()
    ladder.asked()
    text = PROMPTS[name]
    ladder.write(name, text.replace(" ", "  ", 1))
    assert ladder.run().status == 0
    assert set(counted(ladder)) == {text.split()[0]}
    assert len(list((ladder.folder / "recordings/decompose").glob("*.jsonl"))) == 2


def test_the_planner_is_recorded_as_the_model_that_planned_and_its_options_ask_for_plans_alone(bench: Bench):
    made(bench, "plan_and_execute", STRATEGIES["plan_and_execute"][0])
    bench.run()
    bench.asked()
    requested = [call["model_requested"] for call in records(bench)[0]["calls"]]
    assert requested == ["models.py:strong", "models.py:reply", "models.py:reply", "models.py:reply"]
    bench.edit("models.py", "def strong(messages)", "def strong(messages, **options)")
    bench.run()
    bench.asked()
    bench.edit(
        "ladder.toml", 'planner = "models.py:strong"', 'planner = "models.py:strong"\nplanner_options = { a = 1 }'
    )
    assert bench.run().status == 0
    assert counted(bench) == {"PLAN": CASES}


@pytest.mark.parametrize("name", ["outline.md", "finish.md"])
def test_so_does_each_prompt_of_a_chain(bench: Bench, name: str):
    made(bench, "prompt_chain", STRATEGIES["prompt_chain"][0])
    bench.run()
    bench.asked()
    bench.write(name, PROMPTS[name].replace(" ", "  ", 1))
    assert bench.run().status == 0
    assert set(counted(bench)) == {PROMPTS[name].split()[0]}
    assert len(list((bench.folder / "recordings/decompose").glob("*.jsonl"))) == 2


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('merge_prompt = "merge.md"', 'merge_prompt = "gone.md"', r"merge_prompt: there is no such file, got 'gone"),
        (WHOLE, chain("outline.md", "gone.md"), r"chain: there is no such file, got 'gone"),
        (WHOLE, chain("../../../x.md", "x.md"), r"\[rungs\.decompose\] chain: .*rootdir"),
        (WHOLE, chain("one.md"), r"chain: .*at least 2"),
        ('merge_prompt = "merge.md"', 'merge = "first"', r"merge: .*'first'"),
        ('strategy = "query_decomposition"', 'strategy = "guess"', r"strategy: .*'guess'"),
        ('plan_prompt = "plan.md"', 'plan_promt = "plan.md"', r"unknown key.*plan_prompt"),
        ('plan_prompt = "plan.md"', "max_steps = 0", r"max_steps: .*0"),
        ('plan_prompt = "plan.md"', "replan = 1", r'replan: the strategy .* expected strategy = "plan_and_execute"'),
        ('plan_prompt = "plan.md"', 'chain = ["a.md", "b.md"]', r":13: \[rungs\.decompose\] chain: the strategy"),
    ],
)  # fmt: skip
def test_what_the_file_shows_to_be_wrong_is_told_at_collection(ladder: Bench, old: str, new: str, told: str):
    ladder.edit("ladder.toml", old, new)
    ran = ladder.run()
    assert ran.status == 4
    assert re.search(told, ran.flat), ran.text


@pytest.mark.parametrize(
    ("old", "new", "status", "told"),
    [  # without a strategy, the test may be about to give the system
        ('strategy = "query_decomposition"', "", 1, "how the task is taken apart is not said"),
        ("[rungs.decompose]", "[rungs.decompose]\ntop_k = 1", 4, r"top_k: nothing is retrieved here. Set `corpus` too"),
        ("[rungs.decompose]", '[rungs.decompose]\ncorpus = "kb.jsonl"', 4, "shows nothing of what is retrieved"),
    ],
)  # fmt: skip
def test_keys_that_do_not_go_together_are_told_before_anything_is_asked(
    ladder: Bench, old: str, new: str, status: int, told: str
):
    ladder.edit("ladder.toml", old, new)
    ran = ladder.run()
    assert ran.status == status
    assert re.search(told, ran.flat), ran.text
    assert ladder.asked() == []


def test_the_strategies_measured_apart_are_rungs_of_their_own(ladder: Bench):
    text = ladder.toml.read_text(encoding="utf-8")
    for strategy, (keys, _) in list(STRATEGIES.items())[1:]:
        text += f'[rungs.{strategy}]\nkind = "decompose"\nstrategy = "{strategy}"\n{keys}\n'
    ladder.write("ladder.toml", text)
    ran = ladder.run("--ladder-climb=all", "-v")
    assert ran.status == 0, ran.text
    assert ran.outcomes() == {"decompose": "SELECTED", "prompt_chain": "MET", "plan_and_execute": "MET"}
