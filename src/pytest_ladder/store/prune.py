"""Removes the versions that nothing rests on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from pytest_ladder.core.canonical import short
from pytest_ladder.core.entries import Entry, RungEntry
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.store.digests import OPTIMIZED
from pytest_ladder.store.judge_calls import old_judges
from pytest_ladder.store.paths import beside
from pytest_ladder.store.recordings import FOLDER, clear_pending, rungs_on_record, versions
from pytest_ladder.store.scores_file import scores_path, scores_versions


def prune(
    folder: Path, entries: Iterable[Entry], ladder: Ladder, current: Mapping[str, str], dry_run: bool,
    judges: Mapping[str, str], artifacts: Collection[str] = (),
) -> list[Path]:  # fmt: skip
    """Remove recordings, scores and searched prompts that no entry of the log and no current fingerprint names.

    What judges said goes with the judge: no entry of the log rests on another than today's.

    Args:
        folder: The ladder's folder.
        entries: The ladder's log.
        ladder: The ladder; entries of others do not count.
        current: Rung id -> fingerprint of today.
        dry_run: Whether the files stay.
        judges: Judged metric -> digest of its judge of today.
        artifacts: Files of today's rungs, by their paths from the folder.

    Returns:
        The files removed, or that would be, sorted.
    """
    own = [entry for entry in entries if isinstance(entry, RungEntry) and entry.ladder == ladder.name]
    kept = {(entry.rung, short(entry.fingerprint)) for entry in own}
    kept |= {(rung, short(digest)) for rung, digest in current.items()}
    named = {*artifacts, *(path for entry in own for path in entry.artifacts)}
    prompts = [path for path in (folder / OPTIMIZED).glob("*/*.md") if beside(path, folder) not in named]
    found = sorted([*(path for path, key in _files(folder) if key not in kept), *old_judges(folder, judges), *prompts])
    if not dry_run:
        for path in found:
            clear_pending(folder, path.parent.name, path.stem)
            path.unlink()
            _remove_if_empty(path.parent)
    return found


def _files(folder: Path) -> Iterable[tuple[Path, tuple[str, str]]]:
    for rung in rungs_on_record(folder):
        for version in versions(folder, rung):
            yield folder / FOLDER / rung / f"{version}.jsonl", (rung, version)
    for rung, version in scores_versions(folder):
        yield scores_path(folder, rung, version), (rung, version)


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
