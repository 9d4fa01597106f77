"""Two specialists and a router, on the example's data and its real model: together they do what neither can alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_model,
    pytest.mark.skipif(not (find_spec("torch") and find_spec("transformers")), reason="needs the extra `local`"),
]

EXAMPLES = Path(__file__).parents[2] / "examples"
LADDER = """\
schema = 1
name = "support"
evalset = "cases.jsonl"
model = "local:checkpoint"
model_options = { temperature = 0.0, max_tokens = 24, threads = 1 }
seed = 17
[metrics.answer]
scorer = "exact_match"
[thresholds]
answer = { all = 0.90, "product-facts" = 0.90, orders = 0.85, unknown = 0.85 }
[rungs.products]
kind = "rag"
prompt = "prompts/grounded.md"
corpus = "products.jsonl"
top_k = 2
[rungs.orders]
kind = "rag"
prompt = "prompts/grounded.md"
corpus = "orders.jsonl"
top_k = 2
[rungs.desk]
kind = "decompose"
router = [{ matches = '\\border \\d+', to = "orders" }, { to = "products" }]
"""
VOTED = """\
[rungs.voted]
kind = "rag"
prompt = "prompts/grounded.md"
corpus = "products.jsonl"
top_k = 2
model_options = { temperature = 1.5 }
samples = 3
min_confidence = 0.6
escalation = "A colleague will answer this."
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CI", raising=False)
    shutil.copytree(EXAMPLES / "model/checkpoint", tmp_path / "checkpoint")
    shutil.copytree(EXAMPLES / "support/prompts", tmp_path / "prompts")
    shutil.copy(EXAMPLES / "support/cases.jsonl", tmp_path)
    articles = (EXAMPLES / "support/kb.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    for name, lines in (("orders", [a for a in articles if "in order" in a]),
                        ("products", [a for a in articles if "in order" not in a])):  # fmt: skip
        (tmp_path / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "ladder.toml").write_text(LADDER, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    test = "import pytest\n\n\n@pytest.mark.ladder\ndef test_support(rung):\n    rung.check()\n"
    (tmp_path / "test_support.py").write_text(test, encoding="utf-8")
    return tmp_path


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--ladder", *args], cwd=folder, capture_output=True, text=True,
        encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "escalation.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_router_meets_what_neither_of_its_rungs_does_and_asks_nothing(folder: Path):
    assert run(folder, "--ladder-rung=products", "--ladder-rung=orders").returncode == 1
    done = run(folder, "--ladder-rung=desk", "--ladder-max-calls=1")
    assert done.returncode == 0, done.stdout + done.stderr

    entries = {entry["rung"]: entry for entry in log(folder) if entry["kind"] == "rung"}
    scores = {rung: entry["scores"]["answer"] for rung, entry in entries.items()}
    assert {rung: entry["verdict"] for rung, entry in entries.items()} == {
        "products": "short", "orders": "short", "desk": "met",
    }  # fmt: skip
    assert max(scores["products"]["all"]["high"], scores["orders"]["all"]["high"]) < scores["desk"]["all"]["low"]
    assert scores["desk"]["orders"]["mean"] == scores["orders"]["orders"]["mean"]
    assert scores["desk"]["product-facts"]["mean"] == scores["products"]["product-facts"]["mean"]
    assert entries["desk"]["usage"]["calls"] == entries["desk"]["cases"]

    before = (folder / "escalation.jsonl").read_bytes()
    assert run(folder, "--ladder-record=none").returncode == 0
    assert (folder / "escalation.jsonl").read_bytes() == before


def answers(folder: Path) -> dict[str, dict[str, Any]]:
    (path,) = (folder / "recordings/voted").glob("*.jsonl")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(len({call["request_digest"] for call in line["calls"]}) == 3 for line in lines)
    return {line["case"]: line["answer"] for line in lines}


def test_samples_differ_and_are_the_same_in_another_run(folder: Path):
    (folder / "ladder.toml").write_text(LADDER + VOTED, encoding="utf-8")
    run(folder, "--ladder-rung=voted", "--ladder-limit=8")
    first = answers(folder)
    sure = {answer["validation"]["confidence"] for answer in first.values()}
    assert {1.0} < sure <= {1.0, 0.666667, 0.333333}
    unsure = {answer["text"] for answer in first.values() if answer["validation"]["confidence"] < 0.5}
    assert unsure <= {"A colleague will answer this."}

    shutil.rmtree(folder / "recordings")
    run(folder, "--ladder-rung=voted", "--ladder-limit=8")
    assert answers(folder) == first
