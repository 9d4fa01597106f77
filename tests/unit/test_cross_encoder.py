"""Reranking by a cross-encoder."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_ladder.backends.cross_encoder import CrossEncoder
from pytest_ladder.errors import InvalidRequest, MissingDependency
from tests.embedding import folder, real_embedder


class Shared:
    """A stand-in for the library's class: how many words a pair shares."""

    labels = 1
    asked: list[tuple[list[tuple[str, str]], dict[str, Any]]] = []  # noqa: RUF012

    def __init__(self, path: str, **options: Any) -> None:
        self.options = options

    def predict(self, pairs: list[tuple[str, str]], **options: Any) -> np.ndarray:
        self.asked.append((pairs, {**options, **self.options}))
        scores = np.array([len(set(a.split()) & set(b.split())) for a, b in pairs], np.float32)
        return scores if self.labels == 1 else np.stack([scores] * self.labels, axis=1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Shared, "asked", [])
    monkeypatch.setitem(sys.modules, "sentence_transformers", types.SimpleNamespace(CrossEncoder=Shared))
    for module in ("embedder", "cross_encoder"):
        monkeypatch.setattr(f"pytest_ladder.backends.{module}.quiet", contextlib.nullcontext)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/model.safetensors").write_bytes(b"1")
    return tmp_path


def scores(reranker: CrossEncoder, query: str, *texts: str) -> list[float]:
    return list(asyncio.run(reranker.scores(query, texts)))


def test_each_text_gets_the_score_of_its_pair(home: Path):
    reranker = CrossEncoder("local:weights", {"batch_size": 2, "device": "cpu"}, home)
    assert scores(reranker, "red lamp", "blue oven", "the red lamp", "lamp") == [0, 2, 1]
    ((_, options),) = Shared.asked
    assert options["batch_size"] == 2
    assert (options["device"], options["local_files_only"]) == ("cpu", True)


def test_nothing_to_order_loads_nothing(home: Path):
    assert scores(CrossEncoder("local:weights", {}, home), "red lamp") == []
    assert Shared.asked == []


def test_a_model_with_several_labels_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Shared, "labels", 3)
    with pytest.raises(InvalidRequest, match="the model gives 3 scores a text; expected a cross-encoder with one"):
        scores(CrossEncoder("local:weights", {}, home), "q", "a")


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("local:nowhere", {}, "reranker local:nowhere: there is no such folder"),
        ("local:weights", {"batchsize": 2}, "unknown option, got 'batchsize'.*Did you mean `batch_size`"),
        ("local:weights", {"device": 1}, "`device` cannot be used"),
    ],
)
def test_what_cannot_be_used_is_told_at_once(home: Path, name: str, options: dict[str, Any], text: str):
    with pytest.raises(InvalidRequest, match=text):
        CrossEncoder(name, options, home)


def test_without_the_library_the_extra_is_named(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingDependency, match=r"reranking: .*pytest-ladder\[embed\]"):
        scores(CrossEncoder("local:weights", {}, home), "q", "a")


class TestRealModel:
    pytestmark = real_embedder

    def test_scores_are_those_of_the_library_and_the_same_again(self, tmp_path: Path):
        import sentence_transformers
        import torch

        torch.manual_seed(7)
        library = sentence_transformers.CrossEncoder(str(folder()), num_labels=1, device="cpu")
        library.save_pretrained(str(tmp_path / "made"))
        texts = ["The lamp is red.", "We reimburse purchases.", "Parcels are shipped on weekdays.", ""]
        expected = library.predict([("refund", text) for text in texts], show_progress_bar=False)
        made = scores(CrossEncoder("local:made", {"device": "cpu"}, tmp_path), "refund", *texts)
        assert made == pytest.approx([float(score) for score in expected], abs=1e-5)
        one_by_one = CrossEncoder("local:made", {"device": "cpu", "batch_size": 1}, tmp_path)
        assert scores(one_by_one, "refund", *texts) == pytest.approx(made, abs=1e-5)
