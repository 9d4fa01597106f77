"""Reranking by a cross-encoder of sentence-transformers: it reads the query and a text together."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_ladder.backends.checkpoint import quiet
from pytest_ladder.backends.embedder import BATCH_SIZE, load
from pytest_ladder.backends.options import Rule, check_options, is_integer
from pytest_ladder.backends.weights_folder import weights_path
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.daemon import run_in_daemon
from pytest_ladder.errors import InvalidRequest, message

FEATURE = "reranking"
RULES = {
    "device": Rule(lambda value: isinstance(value, str) and value != "", "`cpu`, `cuda`, `cuda:1` ..."),
    "batch_size": Rule(lambda value: is_integer(value) and value > 0, "a whole number from 1"),
}


class CrossEncoder:
    """Scores texts against a query with one model, on that model's own scale; one query at a time."""

    def __init__(self, name: str, options: Mapping[str, Json], home: Path) -> None:
        """Find the model's files; nothing is loaded.

        Args:
            name: A hub id, `local:FOLDER` relative to `home`, or `package:NAME/FOLDER`.
            options: `device`, torch's name of it, and `batch_size`.
            home: The ladder's folder.

        Raises:
            InvalidRequest: another option, a value that cannot be used, or the model's folder is not there.
        """
        where = f"reranker {name}"
        check_options(options, RULES, where)
        self.name = name
        self._path = weights_path(name, home, where)
        self._device = options.get("device")
        self._batch_size = int(options.get("batch_size", BATCH_SIZE))
        self._lock = threading.Lock()
        self._model: Any = None

    async def scores(self, query: str, texts: Sequence[str], /) -> Sequence[float]:
        """Score each text, beside the event loop.

        Raises:
            MissingDependency: sentence-transformers is not installed.
            InvalidRequest: the model cannot be loaded, or gives more than one score a text.
        """
        return await run_in_daemon(self._score, query, texts) if texts else []

    def _score(self, query: str, texts: Sequence[str]) -> list[float]:
        with self._lock:
            if self._model is None:
                self._model = load(self._path, self.name, "CrossEncoder", self._device, FEATURE)
            pairs = [(query, text) for text in texts]
            with quiet():
                made = self._model.predict(
                    pairs, batch_size=self._batch_size, convert_to_numpy=True, show_progress_bar=False
                )
        if made.ndim != 1:
            fault = f"the model gives {made.shape[1]} scores a text"
            raise InvalidRequest(message(f"reranker {self.name}", fault, expected="a cross-encoder with one label"))
        return [float(score) for score in made]
