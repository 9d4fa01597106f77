"""Symbolic links among a ladder's files: git and code owners guard the link, not what it leads to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.paths import relative

GUARDED = "waivers.toml"
"""Read only where it is a file itself."""
_KEPT = (
    "escalation.jsonl", "labels.jsonl", "recordings", "scores", "recordings/*", "scores/*", "recordings/*/*.jsonl",
    "optimized", "optimized/*", "optimized/*/*.md",
)  # fmt: skip


def check_links(folder: Path, rootdir: Path) -> None:
    """Refuse evidence that lies outside the rootdir, and waivers that lie elsewhere than in their own file.

    Raises:
        InvalidFile: A file or folder of the ladder is such a link.
    """
    if (folder / GUARDED).is_symlink():
        raise InvalidFile(
            message(
                relative(folder, rootdir) + f"/{GUARDED}", "this is a symbolic link", expected="a file of its own",
                next_step="copy the waivers here: who owns the link need not own what it leads to",
            )
        )  # fmt: skip
    for path in _links(folder):
        if not path.resolve().is_relative_to(rootdir.resolve()):
            where = f"{relative(folder, rootdir)}/{path.relative_to(folder).as_posix()}"
            raise InvalidFile(
                message(
                    where, "this symbolic link leaves the rootdir", expected="evidence that is in the repository",
                    next_step="put the file itself here",
                )
            )  # fmt: skip


def _links(folder: Path) -> Iterator[Path]:
    return (path for pattern in _KEPT for path in sorted(folder.glob(pattern)) if path.is_symlink())
