"""waivers.toml: signed exceptions, in a file of their own so that code owners can guard it."""

from __future__ import annotations

from pathlib import Path

from pytest_ladder.core.ladder import Waiver
from pytest_ladder.store.schema import WaiversFile
from pytest_ladder.store.toml_file import Document


def read_waivers(path: Path, rootdir: Path) -> tuple[Waiver, ...]:
    """Read the waivers in file order; none where the file is missing. Whether a kind is known, the gate decides.

    Raises:
        InvalidFile: The file is not TOML, or a waiver lacks a key or has a wrong one; `path:line` says where.
    """
    if not path.exists():
        return ()
    document = Document(path, rootdir)
    parsed = document.check(WaiversFile, document.values)
    document.finish()
    found = parsed.waiver if parsed else []
    return tuple(Waiver(one.ladder, one.kind, one.reason, one.approved_by, one.expires) for one in found)
