"""Human failure labels: why a case failed at a rung, in a person's word."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.ladder import Label
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.faults import check_keys, text_at, unknown
from pytest_ladder.store.jsonl import read_lines
from pytest_ladder.store.paths import relative

_KEYS = ("case", "rung", "kind", "by", "at")


def read_labels(
    path: Path, rootdir: Path, *, cases: Collection[str] | None = None, rungs: Collection[str] | None = None
) -> tuple[Label, ...]:
    """Read labels in file order; none where the file is missing.

    Args:
        path: labels.jsonl.
        rootdir: Paths in messages are relative to it.
        cases: Ids that a label may name; None lets any pass.
        rungs: Ids that a label may name; None lets any pass.

    Raises:
        InvalidFile: A line is not a label, or names what is not there; `path:line` says where.
    """
    if not path.exists():
        return ()
    where = relative(path, rootdir)
    labels = []
    for number, value in read_lines(path, rootdir, torn_ok=False):
        label = _label(value, f"{where}:{number}")
        for what, name, known in (("case", label.case, cases), ("rung", label.rung, rungs)):
            if known is not None and name not in known:
                raise InvalidFile(_missing(f"{where}:{number}", what, name, known))
        labels.append(label)
    return tuple(labels)


def _missing(where: str, what: str, name: str, known: Collection[str]) -> str:
    return unknown(where, what, name, known) if len(known) <= 12 else message(where, f"unknown {what}", got=name)


def _label(value: dict[str, Json], where: str) -> Label:
    check_keys(value, _KEYS, (), where)
    texts = {key: text_at(value, key, where) for key in _KEYS}
    if texts["kind"] not in list(FailureKind):
        raise InvalidFile(unknown(where, "kind", texts["kind"], FailureKind))
    try:
        datetime.fromisoformat(texts["at"])
    except ValueError:
        raise InvalidFile(
            message(where, "wrong 'at'", got=texts["at"], expected="an ISO 8601 date or time, as 2026-01-31")
        ) from None
    return Label(**texts)
