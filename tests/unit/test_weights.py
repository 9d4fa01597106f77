from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ladder.backends.weights import weights_digest


def folder(root: Path, name: str = "m", **changes: bytes | None) -> Path:
    files = {
        "model.safetensors": b"\x00\r\n\x01", "tokenizer.json": b"{\n}\n", "chat_template.jinja": b"{{ x }}\n",
        "config.json": b"{}", "README.md": b"hello", **{key.replace("__", "."): data for key, data in changes.items()},
    }  # fmt: skip
    path = root / name
    path.mkdir()
    for file, data in files.items():
        if data is not None:
            (path / file).write_bytes(data)
    return path


def test_the_digest_is_twelve_digits_and_does_not_depend_on_the_place(tmp_path):
    one, two = weights_digest(folder(tmp_path, "one")), weights_digest(folder(tmp_path, "two"))
    assert one == two
    assert len(one) == 12
    assert int(one, 16) >= 0


@pytest.mark.parametrize(
    "change",
    [
        {"model__safetensors": b"\x00\n\x01"}, {"tokenizer__json": b"{ }\n"}, {"chat_template__jinja": b"{{ y }}\n"},
        {"model-2__safetensors": b""},
        {"chat_template__jinja": None, "tokenizer_config__json": b"{}"},
    ],
)  # fmt: skip
def test_whatever_decides_replies_changes_it(tmp_path, change):
    assert weights_digest(folder(tmp_path, "one")) != weights_digest(folder(tmp_path, "two", **change))


@pytest.mark.parametrize(
    "change",
    [
        {"README__md": b"other"}, {"tokenizer__json": b"{\r\n}\r\n"}, {"chat_template__jinja": b"{{ x }}\r\n"},
        {"tokenizer_config__json": b"{}"}, {"training__bin": b"x"},
    ],
)  # fmt: skip
def test_nothing_else_does(tmp_path, change):
    assert weights_digest(folder(tmp_path, "one")) == weights_digest(folder(tmp_path, "two", **change))


def adapter(root: Path, name: str, weights: bytes, **settings: object) -> Path:
    path = root / name
    path.mkdir()
    (path / "adapter_model.safetensors").write_bytes(weights)
    (path / "adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return path


def test_an_adapter_counts_by_its_weights_and_settings_and_not_by_where_its_base_lay(tmp_path):
    base = folder(tmp_path)
    first = adapter(tmp_path, "a", b"1", lora_alpha=16, base_model_name_or_path="/here")
    moved = adapter(tmp_path, "b", b"1", lora_alpha=16, base_model_name_or_path="/there")
    scaled = adapter(tmp_path, "c", b"1", lora_alpha=32, base_model_name_or_path="/here")
    other = adapter(tmp_path, "d", b"2", lora_alpha=16, base_model_name_or_path="/here")
    digests = [weights_digest(base, path) for path in (first, moved, scaled, other)]
    assert digests[0] == digests[1]
    assert len({weights_digest(base), *digests}) == 4
