"""The identity of a local model: a digest of what decides its replies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from pytest_ladder.core.canonical import canonical

TEMPLATE = "chat_template.jinja"
OLD_TEMPLATE = "tokenizer_config.json"
"""Where checkpoints without a `chat_template.jinja` keep their chat template."""
TOKENIZER = "tokenizer.json"
ADAPTER = "adapter_config.json"
_NOT_THE_MODEL = ("base_model_name_or_path", "revision", "peft_version")
"""Keys of an adapter's configuration that say where and by what it was made, not what it does."""


def weights_digest(*folders: Path) -> str:
    """Digest the weight files, tokenizer and chat template of a checkpoint and of the adapters merged into it.

    Returns:
        12 hexadecimal digits of a SHA-256 over the names and contents, in the order of folders and names; texts
        count with LF line ends.
    """
    whole = hashlib.sha256()
    for folder in folders:
        for path in _deciding(folder):
            whole.update(f"{path.name}\n{_digest(path)}\n".encode())
    return whole.hexdigest()[:12]


def _deciding(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    template = TEMPLATE if (folder / TEMPLATE).is_file() else OLD_TEMPLATE
    yield from (folder / name for name in (TOKENIZER, template, ADAPTER) if (folder / name).is_file())


def _digest(path: Path) -> str:
    if path.name == ADAPTER:
        settings = json.loads(path.read_bytes())
        return hashlib.sha256(canonical({k: v for k, v in settings.items() if k not in _NOT_THE_MODEL})).hexdigest()
    if path.name in (TEMPLATE, OLD_TEMPLATE, TOKENIZER):
        return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
