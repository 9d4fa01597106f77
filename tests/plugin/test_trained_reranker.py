"""A cross-encoder with trained weights, from ladder.toml to the answers: it finds what shares no telling word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.extras import needs
from tests.plugin.bench import Bench
from tests.trained import SAME, cross_encoders

needs("sentence_transformers", "embed", module=True)
pytestmark = [pytest.mark.real_model, pytest.mark.slow]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return cross_encoders(tmp_path_factory.mktemp("weights"))


def score(bench: Bench, weights: Path) -> float:
    """The share of questions whose synonym comes first of eight documents that are all alike to bm25."""
    bench.make({"prompt": 0}, cases=8)
    cases = [{"id": f"c{n}", "input": f"the my {word}", "expected": SAME[word]} for n, word in enumerate(SAME)]
    bench.write("cases.jsonl", "".join(json.dumps(case) + "\n" for case in cases))
    lines = [{"id": f"kb-{n}", "text": f"my the {word}"} for n, word in enumerate(sorted(SAME.values()))]
    bench.write("kb.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    bench.write("grounded.md", "{% for document in documents %}{{ document.text }}{% endfor %}")
    bench.write("models.py", "def reply(messages):\n    return messages[-1]['content'].split()[-1]\n")
    bench.write("ladder.toml", (
        'schema = 1\nname = "support"\nevalset = "cases.jsonl"\nmodel = "models.py:reply"\n'
        '[metrics.answer]\nscorer = "exact_match"\n[thresholds]\nanswer = { all = 0.9 }\n'
        '[rungs.advanced_rag]\nprompt = "grounded.md"\ncorpus = "kb.jsonl"\ntop_k = 1\nfetch_k = 8\n'
        f'reranker = "local:{weights.as_posix()}"\nreranker_options = {{ device = "cpu" }}\n'
    ))  # fmt: skip
    bench.run("--ladder-record=all", "--ladder-report=r.json")
    [rung] = json.loads((bench.pytester.path / "r.json").read_text())["ladders"][0]["rungs"]
    return rung["entry"]["scores"]["answer"]["all"]["mean"]


def test_it_is_the_training_that_puts_the_right_document_first(bench: Bench, weights: tuple[Path, Path]):
    untrained, trained = weights
    assert score(bench, untrained) <= 0.5
    assert score(bench, trained) == 1.0
