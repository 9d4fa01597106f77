"""The retriever `bm25s` from ladder.toml to the recordings, and its index between runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.extras import needs
from tests.plugin.bench import Bench

needs("bm25s", "bm25s", module=True)


@pytest.fixture
def ladder(bench: Bench) -> Bench:
    """A ladder whose rung `rag` finds the fact of the question's number."""
    bench.make({"prompt": 0}, cases=6)
    bench.write("grounded.md", "{{ context }}\n{{ input }}")
    lines = [{"id": f"kb-{n}", "text": f"fact about question {n}"} for n in range(6)]
    bench.write("kb.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    bench.write("models.py", (
        "def reply(messages):\n    return 'answer ' + messages[-1]['content'].split()[4]\n"
    ))  # fmt: skip
    bench.write("ladder.toml", bench.toml.read_text().replace("schema = 1", 'schema = 1\nmodel = "models.py:reply"') + (
        '[rungs.rag]\nprompt = "grounded.md"\ncorpus = "kb.jsonl"\nretriever = "bm25s"\ntop_k = 1\n'
        'retriever_options = { method = "bm25+", k1 = 1.2 }\n'
    ))  # fmt: skip
    return bench


def indexes(ladder: Bench) -> dict[Path, int]:
    """Folder of each index -> when its file was written."""
    return {path.parent: path.stat().st_mtime_ns for path in ladder.folder.glob(".ladder-cache/bm25s/*/whole.sha256")}


def test_a_rung_finds_by_it_and_a_second_run_leaves_index_and_log_alone(ladder: Bench):
    ran = ladder.run("-v")
    assert ran.outcomes()["rag"] == "SELECTED", ran.text
    before, log = indexes(ladder), ladder.log_path.read_bytes()
    assert len(before) == 1
    assert ladder.run().status == 0
    assert ladder.run("--ladder-record=all").status == 0
    assert indexes(ladder) == before
    assert ladder.log_path.read_bytes() == log


def test_recorded_answers_need_neither_the_library_nor_the_index(ladder: Bench, monkeypatch: pytest.MonkeyPatch):
    ladder.run()
    monkeypatch.setitem(sys.modules, "bm25s", None)
    for folder in indexes(ladder):
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    assert ladder.run("--ladder-record=none").status == 0
    assert ladder.run().status == 0
    assert indexes(ladder) == {}
    ran = ladder.run("--ladder-record=all")
    assert 'pip install "pytest-ladder[bm25s]"' in ran.flat
    assert ran.status == 1


def test_a_line_of_the_corpus_that_changes_makes_another_index(ladder: Bench):
    ladder.run()
    before = indexes(ladder)
    ladder.edit("kb.jsonl", "fact about question 5", "fact about the question 5")
    ladder.run()
    after = indexes(ladder)
    assert len(after) == 2
    assert before.items() < after.items()


def test_an_embedder_is_refused_where_nothing_is_embedded(ladder: Bench):
    ladder.write("ladder.toml", ladder.toml.read_text() + '[rungs.advanced_rag]\nprompt = "grounded.md"\n' + (
        'corpus = "kb.jsonl"\nretriever = "bm25s"\nembedder = "local:x"\n'
    ))  # fmt: skip
    ran = ladder.run("--ladder-climb=all")
    assert "the retriever `bm25s` embeds nothing" in ran.flat
    assert ran.status != 0


def test_an_unknown_method_is_told_with_its_place(ladder: Bench):
    ladder.edit("ladder.toml", "bm25+", "okapi")
    ran = ladder.run()
    assert ran.status == 4
    told = "[rungs.rag] retriever: retriever bm25s: `method` cannot be used, got 'okapi'; expected lucene | robertson"
    assert told in ran.flat
