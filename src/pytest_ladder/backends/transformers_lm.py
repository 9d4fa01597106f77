"""A model that runs in this process: `local:PATH-OR-HUB-ID`, through transformers."""

from __future__ import annotations

import atexit
import gc
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pytest_ladder.backends.batching import Batcher
from pytest_ladder.backends.checkpoint import DTYPES, FEATURE, Checkpoint, Source, load
from pytest_ladder.backends.constrained import Grammars, check_installed
from pytest_ladder.backends.decoding import Decoding
from pytest_ladder.backends.generation import Row, generate, text_of
from pytest_ladder.backends.require import require
from pytest_ladder.backends.weights_folder import FOLDER, has_weights
from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.core.canonical import digest
from pytest_ladder.errors import InvalidRequest, LadderError, ModelFailed, message

CLOSE_S = 10.0
"""How long closing waits for a generation to stop; it stops after its next token."""
GATHERED = 4
"""How many batches are gathered before they are sorted by length."""
_HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")


class TransformersModel:
    """Answers requests in batches; weights are loaded at the first one, in a thread of its own.

    `model_returned` is the name and 12 digits that name the weights. `latency_s` is the time of the batch that a
    request rode in, without its wait for it. Greedy answers do not depend on the batch but for rounding in the last
    bits of a number, which may decide between two tokens that are equally likely.
    """

    def __init__(
        self, name: str, path: str, *, folder: Path, adapter: Path | None = None, device: str | None = None,
        dtype: str | None = None, threads: int | None = None, batch_size: int = 32,
    ) -> None:  # fmt: skip
        """Check what can be checked without loading; see `models.build_model` for the arguments.

        Raises:
            MissingDependency: torch, transformers, or peft for an adapter, is not installed.
            InvalidRequest: no such folder, or an option out of range.
        """
        for package in ("torch", "transformers"):
            if find_spec(package) is None:
                require(package, FEATURE, "local")
        if adapter is not None and find_spec("peft") is None:
            require("peft", "LoRA adapters", "finetune")
        self.name = name
        _check(name, adapter, dtype, threads, batch_size)
        self._source = Source(name, _resolved(name, path, folder), adapter, device, dtype)
        self._threads = threads
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self._running: tuple[_Runner, Batcher[_Job, Reply]] | None = None

    async def complete(self, request: Request, /) -> Reply:
        """Answer one request.

        Options are `temperature` (default 0: greedy), `top_p`, `top_k`, `max_tokens` (default 256, cut where the
        model's positions end), `stop`, and `response_format` with a JSON Schema that the answer must fit. A sampled
        answer is drawn with a seed made of the request and its repeat.

        Raises:
            InvalidRequest: an unknown option, or a value out of range; or the model cannot be loaded.
            MissingDependency: the extra `constrained` is not installed, and the answer must fit a schema.
            ModelFailed: the prompt does not fit, the chat template refuses it, or the generation failed.
        """
        decoding = Decoding.of(request.options, f"model {self.name}")
        if decoding.schema is not None:
            check_installed()
        return await self._batcher().submit(_Job(request, decoding))

    def close(self) -> None:
        """Stop generating and free the weights; the next request loads them again."""
        with self._lock:
            running, self._running = self._running, None
        if running is None:
            return
        atexit.unregister(self.close)
        runner, batcher = running
        runner.cancelled.set()
        batcher.close(CLOSE_S)
        runner.free()

    def _batcher(self) -> Batcher[_Job, Reply]:
        with self._lock:
            if self._running is None:
                runner = _Runner(self._source, self._threads, self._batch_size)
                batcher = Batcher(runner.serve, GATHERED * self._batch_size, name=f"ladder-{self.name}")
                self._running = runner, batcher
                atexit.register(self.close)
            return self._running[1]


@dataclass(frozen=True, slots=True)
class _Job:
    request: Request
    decoding: Decoding

    @property
    def seed(self) -> int:
        request = self.request
        return int(digest([request.seed, request.repeat, request.digest]).removeprefix("sha256:")[:15], 16)


class _Runner:
    """Lives in the batcher's thread: loads once, then serves batch after batch."""

    def __init__(self, source: Source, threads: int | None, batch_size: int) -> None:
        self._source = source
        self._threads = threads
        self._batch_size = batch_size
        self._loaded: Checkpoint | LadderError | None = None
        self._grammars: Grammars | None = None
        self.cancelled = threading.Event()

    def serve(self, jobs: list[_Job]) -> Iterator[tuple[int, Reply | Exception]]:
        checkpoint = self._checkpoint()
        rows: list[tuple[int, Row]] = []
        for position, job in enumerate(jobs):
            try:
                rows.append((position, self._row(checkpoint, job)))
            except LadderError as error:
                yield position, error
        rows.sort(key=lambda row: len(row[1].prompt))
        for start in range(0, len(rows), self._batch_size):
            yield from self._answer(checkpoint, rows[start : start + self._batch_size])

    def free(self) -> None:
        self._loaded = self._grammars = None
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _checkpoint(self) -> Checkpoint:
        if self._loaded is None:
            try:
                self._loaded = self._load()
            except LadderError as error:
                self._loaded = error
        if isinstance(self._loaded, LadderError):
            raise self._loaded
        return self._loaded

    def _load(self) -> Checkpoint:
        if self._threads is not None:
            require("torch", FEATURE, "local").set_num_threads(self._threads)
        return load(self._source)

    def _row(self, checkpoint: Checkpoint, job: _Job) -> Row:
        prompt = _prompt_ids(checkpoint, job.request, self._source.name)
        budget = job.decoding.max_tokens
        if checkpoint.positions is not None:
            if len(prompt) >= checkpoint.positions:
                fault = f"the prompt has {len(prompt)} tokens"
                expected = f"fewer than {checkpoint.positions}, so that an answer fits"
                next_step = "shorten the prompt, or retrieve less"
                raise ModelFailed(message(f"model {self._source.name}", fault, expected=expected, next_step=next_step))
            budget = min(budget, checkpoint.positions - len(prompt))
        schema = job.decoding.schema
        matcher = None if schema is None else self._grammars_of(checkpoint).matcher(schema)
        return Row(prompt, budget, job.decoding, job.seed, matcher=matcher)

    def _grammars_of(self, checkpoint: Checkpoint) -> Grammars:
        if self._grammars is None:
            self._grammars = Grammars(checkpoint, self._source.name)
        return self._grammars

    def _answer(self, checkpoint: Checkpoint, rows: list[tuple[int, Row]]) -> Iterator[tuple[int, Reply | Exception]]:
        start = time.perf_counter()
        try:
            generate(checkpoint, [row for _, row in rows], self.cancelled)
        except LadderError as error:
            yield from ((position, error) for position, _ in rows)
        except Exception as error:  # noqa: BLE001  becomes the failure of each request of the batch
            fault = f"the generation failed ({type(error).__name__}: {error})"
            failed = ModelFailed(message(f"model {self._source.name}", fault))
            failed.__cause__ = error
            yield from ((position, failed) for position, _ in rows)
        else:
            seconds = time.perf_counter() - start
            yield from ((position, self._reply(checkpoint, row, seconds)) for position, row in rows)

    def _reply(self, checkpoint: Checkpoint, row: Row, seconds: float) -> Reply:
        return Reply(
            text_of(checkpoint, row), f"{self._source.name}@{checkpoint.digest}", row.finish_reason,
            prompt_tokens=len(row.prompt), completion_tokens=len(row.made), latency_s=seconds,
        )  # fmt: skip


def _prompt_ids(checkpoint: Checkpoint, request: Request, name: str) -> list[int]:
    messages = [dict(part) for part in request.messages]
    goes_on = bool(messages) and messages[-1].get("role") == "assistant"
    try:
        text = checkpoint.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=not goes_on, continue_final_message=goes_on
        )
    except Exception as error:
        fault = f"the chat template refuses the messages ({type(error).__name__}: {error})"
        raise ModelFailed(message(f"model {name}", fault)) from error
    ids: list[int] = checkpoint.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _resolved(name: str, path: str, folder: Path) -> str:
    local = folder / path
    if local.is_dir() and not has_weights(local):
        fault = "there are no weights in this folder"
        raise InvalidRequest(message(f"model {name}", fault, got=str(local), expected=FOLDER))
    if local.is_dir():
        return str(local)
    if not _HUB_ID.fullmatch(path):
        raise InvalidRequest(message(f"model {name}", "there is no such folder", got=str(local)))
    return path


def _check(name: str, adapter: Path | None, dtype: str | None, threads: int | None, batch_size: int) -> None:
    where = f"model {name}"
    if dtype is not None and dtype not in DTYPES:
        raise InvalidRequest(message(where, "`dtype` is not known", got=dtype, expected=" | ".join(DTYPES)))
    for option, value in (("threads", threads), ("batch_size", batch_size)):
        if value is not None and value < 1:
            raise InvalidRequest(message(where, f"`{option}` is too small", got=value, expected="at least 1"))
    if adapter is not None and not (adapter / "adapter_config.json").is_file():
        raise InvalidRequest(message(where, "there is no adapter in this folder", got=str(adapter)))
