"""Load a causal language model of transformers, with LoRA weights merged into it where there are any."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ladder.backends.require import require
from pytest_ladder.backends.weights import weights_digest
from pytest_ladder.errors import InvalidRequest, LadderError, message

FEATURE = "local models"
_NO_BOUND = 10**9
"""transformers writes a huge number where a tokenizer names no longest input."""
DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from, and how it is to be held."""

    name: str
    """As written in ladder.toml, for messages."""
    path: str
    """A folder, or an id on the Hugging Face hub."""
    adapter: Path | None = None
    device: str | None = None
    dtype: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether the weights lie on this machine, so that no network is needed."""
        return Path(self.path).is_dir()


@dataclass(frozen=True)
class Checkpoint:
    """A model in memory, ready to generate."""

    model: Any
    tokenizer: Any
    device: str
    positions: int | None
    """Most tokens of prompt and answer together; None where the model names no bound."""
    ends: frozenset[int]
    """Token ids that end an answer."""
    pad: int
    digest: str
    """12 hexadecimal digits that name these very weights."""


def load(source: Source) -> Checkpoint:
    """Load a checkpoint into memory; quiet, and offline where the source is a folder.

    Raises:
        MissingDependency: torch, transformers, or peft for an adapter, is not installed.
        InvalidRequest: the source cannot be loaded, the device or dtype is not there, or it has no chat template.
    """
    require("torch", FEATURE, "local")
    transformers = require("transformers", FEATURE, "local")
    with quiet():
        try:
            return _load(source, transformers)
        except LadderError:
            raise
        except Exception as error:
            reason = next(iter(str(error).strip().splitlines()), "")
            fault = f"the model cannot be loaded ({type(error).__name__}: {reason})"
            expected = None if source.is_folder else "a folder with weights, or an id on the Hugging Face hub"
            raise InvalidRequest(message(f"model {source.name}", fault, expected=expected)) from error


def _load(source: Source, transformers: Any) -> Checkpoint:
    device = source.device or _default_device()
    local = {"local_files_only": source.is_folder}
    tokenizer = transformers.AutoTokenizer.from_pretrained(source.path, **local)
    _check_template(tokenizer, source)
    dtype = _dtype(source, device)
    model = transformers.AutoModelForCausalLM.from_pretrained(source.path, dtype=dtype, **local)
    if source.adapter is not None:
        model = _merge(model, source.adapter)
    model = model.to(device).eval()
    ends = _ends(model, tokenizer)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(ends, default=0)
    # What is not asked for in `model_options` stays at transformers' own neutral defaults.
    model.generation_config = transformers.GenerationConfig(pad_token_id=pad, eos_token_id=sorted(ends) or None)
    positions = _positions(model, tokenizer)
    tokenizer.model_max_length = _NO_BOUND  # the bound is kept here, with a message of its own
    folders = [_folder(source, transformers), *([source.adapter] if source.adapter else [])]
    return Checkpoint(model, tokenizer, device, positions, ends, pad, weights_digest(*folders))


def _default_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _dtype(source: Source, device: str) -> Any:
    import torch

    if source.dtype is not None:
        return getattr(torch, source.dtype)
    if not device.startswith("cuda"):
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _check_template(tokenizer: Any, source: Source) -> None:
    if not tokenizer.chat_template:
        next_step = "add a `chat_template.jinja` to the checkpoint, or use one tuned for chat"
        raise InvalidRequest(message(f"model {source.name}", "it has no chat template", next_step=next_step))


def _merge(model: Any, adapter: Path) -> Any:
    peft = require("peft", "LoRA adapters", "finetune")
    with warnings.catch_warnings():  # peft asks transformers for a deprecated property, which `-W error` would raise
        warnings.simplefilter("ignore", FutureWarning)
        return peft.PeftModel.from_pretrained(model, str(adapter), local_files_only=True).merge_and_unload()


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    declared = model.generation_config.eos_token_id
    ids = declared if isinstance(declared, list) else [declared]
    return frozenset(token for token in (*ids, tokenizer.eos_token_id) if token is not None)


def _positions(model: Any, tokenizer: Any) -> int | None:
    bound = getattr(model.config.get_text_config(), "max_position_embeddings", None) or tokenizer.model_max_length
    return int(bound) if bound and bound < _NO_BOUND else None


def _folder(source: Source, transformers: Any) -> Path:
    if source.is_folder:
        return Path(source.path)
    return Path(transformers.utils.cached_file(source.path, "config.json", local_files_only=True)).parent


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' log at errors and its progress bars away, and restore both."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
