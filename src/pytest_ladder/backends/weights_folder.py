"""Where the weights of an embedder or a reranker lie, and which ones they are."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_ladder.backends.require import require
from pytest_ladder.errors import InvalidRequest, message

LOCAL = "local:"
PACKAGE = "package:"
EXTRA = "embed"
FOLDER = "a folder with a model's weights, `*.safetensors` or `*.bin`"
FORMS = "a model's id on the Hugging Face hub, `local:FOLDER`, or `package:NAME/FOLDER`"
_WEIGHTS = (".safetensors", ".bin")
_TEXTS = (".json", ".txt", ".jinja", ".model")


def weights_path(name: str, home: Path, where: str) -> str:
    """Where a model's files lie: a folder, or an id on the Hugging Face hub, which may still have to be fetched.

    Args:
        name: `local:FOLDER`, relative to `home`; `package:NAME/FOLDER`, a folder inside an installed package, which
            is not imported; or a hub id.
        home: The ladder's folder.
        where: Begins the message of an error.

    Raises:
        InvalidRequest: the folder or the package is not there, or the folder holds no weights.
    """
    if name.startswith(PACKAGE):
        return str(_existing(_in_package(name, where), name, where))
    if name.startswith(LOCAL):
        written = name.removeprefix(LOCAL)
        return str(_existing(home / os.path.expanduser(written), name, where))
    if not name.strip() or ":" in name:
        raise InvalidRequest(message(where, "no model has such a name", got=name, expected=FORMS))
    return name


def _in_package(name: str, where: str) -> Path:
    package, _, inner = name.removeprefix(PACKAGE).partition("/")
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        fault, next_step = f"the package `{package}` is not installed", f"install {package}"
        raise InvalidRequest(message(where, fault, got=name, next_step=next_step))
    return Path(spec.submodule_search_locations[0]) / inner


def _existing(folder: Path, name: str, where: str) -> Path:
    if not has_weights(folder):
        fault = "there are no weights in this folder" if folder.is_dir() else "there is no such folder"
        raise InvalidRequest(message(where, fault, got=name, expected=FOLDER))
    return folder


def has_weights(folder: Path) -> bool:
    """Whether the weights of a model lie in a folder, or in one below it."""
    return any(path.suffix in _WEIGHTS for path in folder.rglob("*"))


def weights_folder(path: str) -> Path | None:
    """The folder of a model's files on this machine; None where they are not here yet."""
    if Path(path).is_dir():
        return Path(path)
    found: Any = require("huggingface_hub", "models of the Hugging Face hub", EXTRA).try_to_load_from_cache(
        path, "config.json"
    )
    return Path(found).parent if isinstance(found, str) else None


def folder_digest(folder: Path) -> str:
    """Digest every file of a folder that decides what its model computes; texts count with LF line ends.

    Returns:
        64 hexadecimal digits of a SHA-256 over names and contents.
    """
    whole = hashlib.sha256()
    for path in _deciding(folder):
        whole.update(f"{path.relative_to(folder).as_posix()}\n{_digest(path)}\n".encode())
    return whole.hexdigest()


def _deciding(folder: Path) -> Iterator[Path]:
    """The weights, once where they lie in two formats, and the texts: configuration, tokenizer, pooling."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    weights = [path for path in files if path.suffix == ".safetensors"]
    yield from weights or [path for path in files if path.suffix == ".bin"]
    yield from (path for path in files if path.suffix in _TEXTS)


def _digest(path: Path) -> str:
    if path.suffix in _TEXTS:
        return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
