"""Human failure labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.ladder import Label
from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.labels import read_labels

GOOD = {"case": "c1", "rung": "rag", "kind": "form", "by": "ann", "at": "2026-01-31T10:00:00Z"}


def read(tmp_path: Path, *lines: object, **known: object) -> tuple[Label, ...]:
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return read_labels(path, tmp_path, **known)


def test_labels_are_read_in_file_order(tmp_path: Path):
    assert read(tmp_path, GOOD, {**GOOD, "at": "2026-01-31"}) == (Label(**GOOD), Label(**{**GOOD, "at": "2026-01-31"}))


def test_no_file_is_no_label(tmp_path: Path):
    assert read_labels(tmp_path / "labels.jsonl", tmp_path) == ()


@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_kind_may_be_named(tmp_path: Path, kind: FailureKind):
    assert read(tmp_path, {**GOOD, "kind": str(kind)})[0].kind == kind


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"kind": "forms"}, "unknown kind, got 'forms'; expected facts, .*unknown. Did you mean 'form'"),
        ({"at": "yesterday"}, "wrong 'at', got 'yesterday'"),
        ({"by": ""}, "wrong 'by'"),
        ({"note": "x"}, "unknown key, got 'note'"),
        ({"rung": "rga"}, "unknown rung, got 'rga'.*'rag'"),
        ({"case": "c9"}, "unknown case, got 'c9'"),
    ],
)
def test_a_bad_label_is_named_by_line(tmp_path: Path, change: dict[str, str], fault: str):
    with pytest.raises(InvalidFile, match=rf"^labels\.jsonl:2: {fault}"):
        read(tmp_path, GOOD, {**GOOD, **change}, cases={"c1"}, rungs=["prompt", "rag"])
