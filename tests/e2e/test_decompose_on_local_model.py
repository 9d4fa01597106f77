"""Two-step questions on the example's real model: taken apart they are answered, in one call they cannot be."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import pytest
from examples.model import world

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_model,
    pytest.mark.skipif(not (find_spec("torch") and find_spec("transformers")), reason="needs the extra `local`"),
]

MODEL = Path(__file__).parents[2] / "examples/model/checkpoint"
PROMPTS = Path(__file__).parents[2] / "examples/support/prompts"
CASES = 24
LADDER = """\
schema = 1
name = "orders"
evalset = "cases.jsonl"
model = "local:checkpoint"
model_options = { temperature = 0.0, max_tokens = 40, threads = 1 }
[metrics.answer]
scorer = "exact_match"
[metrics.way]
scorer = "steps"
[thresholds]
answer = { all = 0.9 }
[rungs.rag]
prompt = "grounded.md"
corpus = "kb.jsonl"
top_k = 3
[rungs.decompose]
strategy = "query_decomposition"
prompt = "grounded.md"
plan_prompt = "plan.md"
step_separator = "Then:"
placeholder = "X"
merge = "last"
corpus = "kb.jsonl"
top_k = 3
"""


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def orders(folder: Path) -> None:
    """Products with facts, one order each, and a question on a fact of what an order holds."""
    rng, articles, cases = Random(5), [], []
    products = list(dict.fromkeys(world.draw_product(rng) for _ in range(CASES + 5)))[:CASES]
    ids = iter(range(1000, 9999, 7))
    numbers = rng.sample(range(1000, 9999), CASES)

    def add(text: str, article_id: str) -> str:
        articles.append({"id": article_id, "text": text})
        return article_id

    for place, (product, number) in enumerate(zip(products, numbers, strict=True)):
        order, kept = str(number), f"KB-{next(ids)}"
        add(world.order_article(order, product, kept), kept)
        for attribute in rng.sample(list(world.ATTRIBUTES), 3):
            value, last = world.ATTRIBUTES[attribute].draw(rng), f"KB-{next(ids)}"
            add(world.article(product, attribute, value, last), last)
        hop = world.IN_ORDER.format(order=order)
        asked = world.everyday_question(rng, hop, attribute) if place % 2 else world.question(hop, attribute)
        gold = [{"input": world.order_question(order), "expected": product.name},
                {"input": world.question(product.name, attribute), "expected": value}]  # fmt: skip
        cases.append({"id": f"o{place}", "input": asked, "expected": f"{value} [{last}]", "evidence": [kept, last],
                      "steps": gold})  # fmt: skip
    rng.shuffle(articles)
    write_lines(folder / "kb.jsonl", articles)
    write_lines(folder / "cases.jsonl", cases)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CI", raising=False)
    shutil.copytree(MODEL, tmp_path / "checkpoint")
    shutil.copy(PROMPTS / "grounded.md", tmp_path)
    plan = f"system:\n{world.PLAN}\n\nuser:\nQuestion: {{{{ input }}}}\n"
    (tmp_path / "plan.md").write_text(plan, encoding="utf-8")
    (tmp_path / "ladder.toml").write_text(LADDER, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    test = "import pytest\n\n\n@pytest.mark.ladder\ndef test_orders(rung):\n    rung.check()\n"
    (tmp_path / "test_orders.py").write_text(test, encoding="utf-8")
    orders(tmp_path)
    return tmp_path


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--ladder", *args], cwd=folder, capture_output=True, text=True,
        encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip


def test_what_no_single_search_finds_is_found_step_by_step(folder: Path):
    done = run(folder, "--ladder-report=report.json")
    assert done.returncode == 0, done.stdout + done.stderr
    log = [json.loads(line) for line in (folder / "escalation.jsonl").read_text(encoding="utf-8").splitlines()]
    rag, decompose, decision = log
    assert decision["selected"] == "decompose"
    assert rag["scores"]["answer"]["all"]["high"] < decompose["scores"]["answer"]["all"]["low"]
    assert decompose["scores"]["way"]["all"]["mean"] >= 0.9
    assert rag["scores"]["way"]["all"]["mean"] == 0.0
    assert rag["diagnosis"] == {"reasoning": CASES}

    before = (folder / "escalation.jsonl").read_bytes()
    assert run(folder, "--ladder-record=none").returncode == 0
    assert (folder / "escalation.jsonl").read_bytes() == before


def answers(folder: Path) -> dict[str, Any]:
    paths = (path for path in (folder / "recordings/decompose").glob("*.jsonl") if path.name != "calls.jsonl")
    lines = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return {line["case"]: line["answer"] for line in lines}


def test_a_run_that_was_cut_off_goes_on_and_comes_to_the_same(folder: Path):
    assert run(folder, "--ladder-rung=decompose", "--ladder-max-calls=20").returncode == 1
    begun = answers(folder)
    assert len(begun) < CASES
    assert run(folder, "--ladder-rung=decompose").returncode == 0
    cut = answers(folder)
    shutil.rmtree(folder / "recordings")
    (folder / "escalation.jsonl").unlink()
    assert run(folder, "--ladder-rung=decompose").returncode == 0
    assert answers(folder) == cut
    assert len(cut) == CASES
