"""The ladder of the benchmark: a project as a user would write one, from the data and the settings that were chosen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from banking_data import EMBEDDER, Row

HERE = Path(__file__).parent
RARE = 75
"""An intent with at most so many training utterances makes a case `rare`."""
DEPTH = 30
"""Documents that a retrieving rung finds, and its metrics see; the vote looks at the first k of them."""
RUNGS = ("labels", "few_shot", "words", "nearest", "hybrid", "reranked", "probe")
TARGET = 0.939
"""Accuracy that was published for a fine-tuned RoBERTa-base."""

HEAD = """\
schema = 1
name = "banking77"
task = "Name the intent of a bank customer's message, one of 77."
evalset = "cases.jsonl"
model = "systems.py:vote"
[recordings]
store = "local"
[gate]
required = ["prompt", "few_shot", "rag", "advanced_rag"]
min_form_share = 0
[gate.effort]
prompt = 1
[decision]
undecided = "allow"
[metrics.answer]
scorer = "exact_match"
[metrics.recall_10]
scorer = "recall_at_k"
options = {{ k = 10 }}
[metrics.mrr_10]
scorer = "reciprocal_rank"
options = {{ k = 10 }}
[metrics.ndcg_10]
scorer = "ndcg_at_k"
options = {{ k = 10 }}
[metrics.context_precision_10]
scorer = "context_precision"
options = {{ k = 10 }}
[thresholds]
answer = {{ all = {target} }}
[rungs.labels]
kind = "prompt"
system = "systems.py:labels"
depends = ["settings.json", "train.jsonl"]
[rungs.few_shot]
system = "systems.py:few_shot"
depends = ["settings.json", "train.jsonl"]
[rungs.probe]
kind = "fine_tune"
system = "systems.py:probe"
depends = ["settings.json", "train.jsonl"]
"""


def write(folder: Path, train: Sequence[Row], test: Sequence[Row], chosen: Mapping[str, Any], reranker: str) -> None:
    """Write the ladder: cases, corpus, settings, systems and ladder.toml."""
    (folder / "prompts").mkdir(parents=True, exist_ok=True)
    (folder / "prompts/vote.md").write_text("found:\n{% for document in documents %}{{ document.id }}\n{% endfor %}")
    shutil.copy(HERE / "banking_systems.py", folder / "systems.py")
    (folder / "settings.json").write_text(json.dumps({**chosen, "embedder": EMBEDDER}, indent=2) + "\n")
    _lines(folder / "train.jsonl", ({"intent": row.intent, "text": row.text} for row in train))
    _lines(folder / "corpus.jsonl", ({"id": row.id, "text": row.text} for row in train))
    _lines(folder / "cases.jsonl", _cases(train, test))
    tables = [HEAD.format(target=TARGET), *(_rung(name, chosen, reranker) for name in RUNGS if name in _KINDS)]
    (folder / "ladder.toml").write_text("".join(tables), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_banking77.py").write_text(
        "import pytest\n\n\n@pytest.mark.ladder\ndef test_banking77(rung):\n    rung.check()\n"
    )


_KINDS = {"words": "rag", "nearest": "rag", "hybrid": "advanced_rag", "reranked": "advanced_rag"}


def _rung(name: str, chosen: Mapping[str, Any], reranker: str) -> str:
    found = chosen[name]
    embeds = "" if name == "words" else f', embedder = "{EMBEDDER}", device = "cpu"'
    fused = f", rrf_k = {chosen['hybrid']['rrf_k']}, bm25_weight = {chosen['hybrid']['bm25_weight']}"
    kind = {"words": "bm25", "nearest": "dense"}.get(name, "hybrid")
    top_k = found["pool"] if name == "reranked" else DEPTH
    lines = [
        f"[rungs.{name}]", f'kind = "{_KINDS[name]}"', 'prompt = "prompts/vote.md"', 'corpus = "corpus.jsonl"',
        f'retriever = "{kind}"', f"top_k = {top_k}",
        f'model_options = {{ k = {found["k"]}, by = "{found["by"]}" }}',
        f'retriever_options = {{ {(embeds + (fused if kind == "hybrid" else "")).removeprefix(", ")} }}',
    ]  # fmt: skip
    if name == "reranked":
        lines += [f'reranker = "local:{reranker}"', f"fetch_k = {top_k}", 'reranker_options = { device = "cpu" }']
    return "\n".join(lines) + "\n"


def _cases(train: Sequence[Row], test: Sequence[Row]) -> Iterable[dict[str, Any]]:
    sizes = Counter(row.intent for row in train)
    relevant = {intent: [row.id for row in train if row.intent == intent] for intent in sizes}
    for number, row in enumerate(test, 1):
        yield {
            "id": f"q{number}", "input": row.text, "expected": row.intent, "evidence": relevant[row.intent],
            "slices": ["rare"] if sizes[row.intent] <= RARE else ["usual"],
        }  # fmt: skip


def _lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def climb(folder: Path) -> dict[str, Any]:
    """Run the ladder with pytest, all its rungs; its own output goes through.

    Returns:
        The JSON report.
    """
    command = [
        sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--ladder", "--ladder-climb=all",
        "--ladder-report=report.json", "--ladder-report=report.md", "--ladder-timeout=3600",
    ]  # fmt: skip
    outer = ("CI", "PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE")
    environment = {key: value for key, value in os.environ.items() if key not in outer}
    done = subprocess.run(command, cwd=folder, env=environment | {"OMP_WAIT_POLICY": "passive"}, check=False)
    if done.returncode not in (0, 1):  # 1: no rung meets the target
        sys.exit(f"pytest: exit status {done.returncode}")
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


def answers(folder: Path, rung: str, fingerprint: str) -> dict[str, dict[str, Any]]:
    """Case id -> the recorded answer of a rung's version."""
    path = folder / "recordings" / rung / f"{fingerprint.removeprefix('sha256:')[:12]}.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {line["case"]: line["answer"] for line in lines}
