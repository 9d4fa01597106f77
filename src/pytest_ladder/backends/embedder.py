"""Texts to vectors: sentence-transformers, loaded when a text is new, in batches, each text once."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ladder.backends.checkpoint import quiet
from pytest_ladder.backends.require import require
from pytest_ladder.backends.vectors import FOLDER, Vectors
from pytest_ladder.backends.weights_folder import EXTRA, folder_digest, weights_folder, weights_path
from pytest_ladder.core.daemon import run_in_daemon
from pytest_ladder.errors import InvalidRequest, LadderError, message

if TYPE_CHECKING:
    import numpy as np

    Matrix = np.ndarray[Any, Any]

FEATURE = "dense retrieval"
QUERY, DOCUMENT = "query", "document"
BATCH_SIZE = 32
FLUSH = 2048
"""Texts embedded between two writes to disk: what an interruption can lose."""


class Embedder:
    """Embeds texts with one model; unit length, `float32`, in the order asked for.

    A text is embedded once: its vector is kept by the digests of the weights and of the text. Nothing is loaded,
    and nothing imported, while every text is known.
    """

    def __init__(self, name: str, home: Path | None, device: str | None = None, batch_size: int = BATCH_SIZE) -> None:
        """Find the model's files; nothing is loaded.

        Args:
            name: As `weights_path` takes it.
            home: The ladder's folder, where vectors are kept; None keeps them in memory.
            device: torch's name of it; None for the first CUDA device, else the CPU.
            batch_size: Texts in one pass of the model.

        Raises:
            InvalidRequest: the model's folder is not there.
        """
        self.name = name
        self._path = weights_path(name, home or Path(), f"embedder {name}")
        self._home = home
        self._device = device
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self._model: Any = None
        self._vectors: Vectors | None = None
        self._waiting: list[tuple[str, asyncio.Future[Matrix]]] = []
        self._serving: asyncio.Task[None] | None = None

    def embed(self, texts: Sequence[str], role: str) -> Matrix:
        """Embed texts as `query` or `document`, for models that tell the two apart.

        Returns:
            One row a text, of unit length.

        Raises:
            MissingDependency: a text is new, and sentence-transformers is not installed.
            InvalidRequest: the model cannot be loaded.
        """
        import numpy as np

        keys = [_key(text, role) for text in texts]
        with self._lock:
            vectors = self._store()
            known = vectors.get(keys)
            new = list({key: text for key, text in zip(keys, texts, strict=True) if key not in known}.items())
            for start in range(0, len(new), FLUSH):
                part = new[start : start + FLUSH]
                made = self._encode([text for _, text in part], role)
                vectors.add(dict(zip((key for key, _ in part), made, strict=True)))
            known |= vectors.get(key for key, _ in new)
        return np.stack([known[key] for key in keys]) if keys else np.zeros((0, 0), np.float32)

    async def query(self, text: str) -> Matrix:
        """One query's vector; those that come in while others are embedded go together."""
        future: asyncio.Future[Matrix] = asyncio.get_running_loop().create_future()
        self._waiting.append((text, future))
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        return await future

    async def _serve(self) -> None:
        while batch := self._waiting:
            self._waiting = []
            try:
                rows = await run_in_daemon(self.embed, [text for text, _ in batch], QUERY)
            except Exception as error:  # noqa: BLE001  handed to whoever waits
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), row in zip(batch, rows, strict=True):
                    if not future.done():
                        future.set_result(row)

    def _store(self) -> Vectors:
        if self._vectors is None:
            folder = weights_folder(self._path)
            if folder is None:  # to be fetched first
                self._load()
                folder = weights_folder(self._path)
            print_ = folder_digest(folder)[:32] if folder else None
            home = self._home / FOLDER / "embeddings" if self._home else None
            self._vectors = Vectors(home / print_ if home and print_ else None)
        return self._vectors

    def _encode(self, texts: Sequence[str], role: str) -> Matrix:
        import numpy as np

        model = self._load()
        encode = model.encode_query if role == QUERY else model.encode_document
        with quiet():
            made = encode(list(texts), batch_size=self._batch_size, convert_to_numpy=True, show_progress_bar=False)
        lengths = np.linalg.norm(made, axis=1, keepdims=True)
        return np.asarray(made / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)

    def _load(self) -> Any:
        if self._model is None:
            self._model = load(self._path, self.name, "SentenceTransformer", self._device)
        return self._model


def load(path: str, name: str, kind: str, device: str | None, feature: str = FEATURE) -> Any:
    """Load a model of sentence-transformers; quiet, and offline where its files are here.

    Raises:
        MissingDependency: sentence-transformers is not installed.
        InvalidRequest: there is no such model, or the device is not there.
    """
    library = require("sentence_transformers", feature, EXTRA)
    here = weights_folder(path) is not None
    with quiet():
        try:
            return getattr(library, kind)(path, device=device, local_files_only=here)
        except LadderError:
            raise
        except Exception as error:
            reason = next(iter(str(error).strip().splitlines()), "")
            fault = f"the model cannot be loaded ({type(error).__name__}: {reason})"
            raise InvalidRequest(message(f"model {name}", fault)) from error


def _key(text: str, role: str) -> bytes:
    return hashlib.sha256(f"{role}\n{text}".encode()).digest()
