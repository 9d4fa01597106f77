"""What a file says, as a digest: the same whatever the line ends of a checkout."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pytest_ladder.core.canonical import digest_bytes
from pytest_ladder.store.jsonl import BOM
from pytest_ladder.store.paths import read_bytes

_SNIFFED = 8192


def content_digest(data: bytes) -> str:
    """Digest bytes; of a text, line ends and a byte order mark do not count."""
    if b"\0" in data[:_SNIFFED]:
        return digest_bytes(data)
    return digest_bytes(data.removeprefix(BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n"))


def file_digest(path: Path, where: str) -> str:
    """Digest the content of a file; InvalidFile, beginning with `where`, where it is missing."""
    if path.is_file() and path.stat().st_size > 1 << 24:
        with path.open("rb") as file:
            if b"\0" in file.read(_SNIFFED):
                file.seek(0)
                return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    return content_digest(read_bytes(path, where))
