"""Prompt files: a template, and optionally a version above it that must change whenever the text does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_ladder.core.entries import Entry, RungEntry
from pytest_ladder.core.prompts import PromptText, split_front_matter
from pytest_ladder.core.searched import KEYS as SEARCHED
from pytest_ladder.core.searched import Searched, searched
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.content import file_digest
from pytest_ladder.store.faults import unknown
from pytest_ladder.store.paths import read_text

KEYS = ("version", "description", *SEARCHED)
"""What front matter may say; all but the first two is written by a search."""

VERSIONS = "prompt_versions"
"""Where an entry's environment keeps the versions: path -> version."""


@dataclass(frozen=True, slots=True)
class PromptFile:
    """A prompt as it stands in its file."""

    version: str | None
    """What the front matter declares; None where it declares none."""
    body: str
    """The template, without the front matter, with LF line ends."""
    digest: str
    """Digest of the whole file, as in an entry's artifacts."""
    description: str = ""
    where: str = ""
    """What messages call it."""
    searched: Searched | None = None
    """The search that wrote it; None where none did."""


def read_prompt(path: Path, where: str | None = None) -> PromptFile:
    """Read a prompt file.

    Args:
        path: The file.
        where: Begins the message of an error; the file's name where it is not given.

    Raises:
        InvalidFile: The file is missing, no text or empty, or its front matter is not `key: value` lines.
    """
    shown = where or path.name
    declared, body, _ = _parts(read_text(path, shown), shown)
    if not body.strip():
        raise InvalidFile(message(shown, "the prompt is empty below its front matter", expected="a template"))
    version = declared.get("version")
    digest = file_digest(path, shown)
    return PromptFile(version, body, digest, declared.get("description", ""), shown, searched(declared, body))


def prompt_version(text: str, where: str = "prompt") -> str | None:
    """The version that a prompt's front matter declares; None where there is none."""
    return _parts(text, where).front_matter.get("version")


def _parts(text: str, where: str) -> PromptText:
    parts = split_front_matter(text, where)
    for key in parts.front_matter:
        if key not in KEYS:
            line = next(n for n, row in enumerate(text.splitlines(), 1) if row.partition(":")[0].strip() == key)
            raise InvalidFile(unknown(f"{where}:{line}", "front matter key", key, KEYS))
    return parts


def check_versions(prompt_files: Mapping[str, PromptFile], log: Iterable[Entry]) -> None:
    """Refuse a text that changed while its declared version did not.

    Args:
        prompt_files: Path, as in an entry's artifacts, -> the file as it is today.
        log: Entries whose environment tells `prompt_versions`.

    Raises:
        InvalidFile: The log knows the same path and version with another content.
    """
    for entry in log:
        if isinstance(entry, RungEntry):
            for path, version in _recorded(entry).items():
                _check_version(path, version, entry, prompt_files.get(path))


def _recorded(entry: RungEntry) -> Mapping[str, object]:
    found = entry.environment.get(VERSIONS)
    return found if isinstance(found, dict) else {}


def _check_version(path: str, version: object, entry: RungEntry, today: PromptFile | None) -> None:
    recorded = entry.artifacts.get(path)
    if today and today.version and version == today.version and recorded not in (None, today.digest):
        fault = f"the text changed, and its version is still {today.version!r}, as measured {entry.at or 'before'}"
        step = "raise `version` in the front matter, or restore the text"
        raise InvalidFile(message(today.where or path, fault, next_step=step))
