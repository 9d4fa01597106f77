"""Dense retrieval from ladder.toml to the recordings, over an embedder that counts letters."""

from __future__ import annotations

import json
import sys

import pytest

from tests.extras import needs
from tests.plugin.bench import Bench

needs("transformers", "local", module=True)

LIBRARY = """\
from pathlib import Path

import numpy as np


class SentenceTransformer:
    def __init__(self, path, **options):
        with (Path(path).parent / "embedded.txt").open("a") as file:
            file.write("loaded\\n")
        self.path = path

    def encode_document(self, texts, **options):
        with (Path(self.path).parent / "embedded.txt").open("a") as file:
            file.writelines(text.replace("\\n", " ") + "\\n" for text in texts)
        return np.array([[text.count(letter) for letter in "0123456789"] for text in texts], np.float32)

    encode_query = encode_document
"""


@pytest.fixture
def ladder(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A ladder whose rung `rag` finds documents by their digits."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "sentence_transformers"]:
        monkeypatch.delitem(sys.modules, name)
    bench.make({"prompt": 0}, cases=6)
    bench.ini("pythonpath = library")
    (bench.pytester.path / "library").mkdir()
    (bench.pytester.path / "library/sentence_transformers.py").write_text(LIBRARY)
    bench.write("weights/config.json", "{}")
    bench.write("weights/model.safetensors", "1")
    bench.write("grounded.md", "{{ context }}\n{{ input }}")
    lines = [{"id": f"kb-{n}", "text": f"fact {n}", "metadata": {"odd": n % 2}} for n in range(6)]
    bench.write("kb.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    bench.write("models.py", (
        "def reply(messages):\n    number = messages[-1]['content'].split()[2]\n    return f'answer {number}'\n"
    ))  # fmt: skip
    bench.write("ladder.toml", bench.toml.read_text().replace("schema = 1", 'schema = 1\nmodel = "models.py:reply"') + (
        '[rungs.rag]\nprompt = "grounded.md"\ncorpus = "kb.jsonl"\nretriever = "dense"\ntop_k = 1\n'
        'retriever_options = { embedder = "local:weights" }\n'
    ))  # fmt: skip
    return bench


def embedded(bench: Bench) -> list[str]:
    """What was loaded and embedded since the last look."""
    path = bench.folder / "embedded.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return sorted(lines)


def test_a_rung_finds_by_embedding_and_the_second_run_embeds_nothing(ladder: Bench):
    ran = ladder.run("-v")
    assert ran.outcomes()["rag"] == "SELECTED", ran.text
    texts = [*(f"fact {n}" for n in range(6)), *(f"question {n}" for n in range(6))]
    assert embedded(ladder) == sorted(["loaded", *texts])
    before = ladder.log_path.read_bytes()
    assert ladder.run().status == 0
    assert embedded(ladder) == []
    assert ladder.log_path.read_bytes() == before


def test_answers_asked_again_take_the_embeddings_from_the_cache(ladder: Bench):
    ladder.run()
    embedded(ladder)
    assert ladder.run("--ladder-record=all").status == 0
    assert embedded(ladder) == []


def test_a_document_more_is_the_only_one_embedded(ladder: Bench):
    ladder.run()
    embedded(ladder)
    ladder.write("kb.jsonl", (ladder.folder / "kb.jsonl").read_text() + '{"id": "kb-77", "text": "fact 77"}\n')
    ladder.run()
    assert embedded(ladder) == ["fact 77", "loaded"]


def test_a_torn_cache_is_made_again(ladder: Bench):
    ladder.run()
    first = embedded(ladder)
    for path in (ladder.folder / ".ladder-cache").rglob("*.npz"):
        path.write_bytes(path.read_bytes()[:-40])
    assert ladder.run("--ladder-record=all").status == 0
    assert embedded(ladder) == first


def test_read_only_needs_neither_the_library_nor_the_cache(ladder: Bench):
    ladder.run()
    (ladder.pytester.path / "library/sentence_transformers.py").write_text("raise ImportError")
    for path in (ladder.folder / ".ladder-cache").rglob("*.npz"):
        path.unlink()
    assert ladder.run("--ladder-record=none").status == 0


def test_an_embedder_that_is_missing_is_told_with_its_place(ladder: Bench):
    ladder.edit("ladder.toml", "local:weights", "local:nowhere")
    ran = ladder.run()
    assert ran.status == 4
    assert "[rungs.rag] retriever: embedder local:nowhere: there is no such folder" in ran.flat


def test_a_document_that_changed_is_the_only_one_embedded_and_costs_nothing_once_it_is_as_before(ladder: Bench):
    ladder.run()
    embedded(ladder)
    ladder.edit("kb.jsonl", '"fact 3"', '"fact 33"')
    ladder.run()
    assert embedded(ladder) == ["fact 33", "loaded"]
    ladder.edit("kb.jsonl", '"fact 33"', '"fact 3"')
    assert ladder.run("--ladder-record=all").status == 0
    assert embedded(ladder) == []


def test_other_files_of_the_model_embed_everything_again_and_the_old_ones_nothing(ladder: Bench):
    ladder.run()
    first = embedded(ladder)
    ladder.write("weights/config.json", '{"pooling": "cls"}')
    assert ladder.run("--ladder-record=all").status == 0
    assert embedded(ladder) == first
    ladder.write("weights/config.json", "{}")
    assert ladder.run("--ladder-record=all").status == 0
    assert embedded(ladder) == []
