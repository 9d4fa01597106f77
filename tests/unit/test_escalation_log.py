"""The escalation log on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ladder.core.answers import Usage
from pytest_ladder.core.canonical import canonical, digest
from pytest_ladder.core.entries import DecisionEntry, Entry, Figure, RungEntry, Verdict
from pytest_ladder.core.rungs import Kind
from pytest_ladder.errors import Altered, InvalidFile
from pytest_ladder.store.escalation_log import append_entries, read_log

RUNG = RungEntry(
    "support", "rag", Kind.RAG, digest("e"), digest("c"), digest("f"), digest("a"), 20, 1,
    {"answer": {"all": Figure(0.85, 20, 0.7, 0.93, 0), "hard": Figure(None, 0, None, None, 2)}}, Verdict.SHORT,
    model="m", model_returned=("m-1",), limits={"latency_p95": None}, errors=2, diagnosis={"form": 3},
    ceilings={"gold": {"n": 1}}, reason="prompt was short", after=(digest("x"),), usage=Usage(20, 100, 10, 0.25),
    latency={"p50": 0.5, "p95": None}, artifacts={"kb.jsonl": digest("k")}, environment={"python": "3.11"},
).sealed("2026-01-31T10:00:00Z")  # fmt: skip
DECISION = DecisionEntry("support", "rag", (RUNG.id,), "keep", "it meets").sealed("2026-01-31T10:00:01Z")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evals/escalation.jsonl"


def read(path: Path) -> tuple[Entry, ...]:
    return read_log(path, path.parents[1])


def rewritten(path: Path, **parts: object) -> None:
    """A log whose second line is the rung entry with other parts, under an id that fits."""
    body = {**RUNG.as_dict(), **parts}
    body["id"] = digest({key: value for key, value in body.items() if key != "id"})
    append_entries(path, [DECISION])
    path.write_bytes(path.read_bytes() + canonical(body) + b"\n")


def test_what_is_appended_is_read_back(path: Path):
    append_entries(path, [RUNG])
    append_entries(path, [DECISION])

    assert read(path) == (RUNG, DECISION)
    assert path.read_bytes() == canonical(RUNG.as_dict()) + b"\n" + canonical(DECISION.as_dict()) + b"\n"


def test_a_missing_log_is_empty(path: Path):
    assert read(path) == ()


def test_nothing_to_append_touches_nothing(path: Path):
    append_entries(path, [])

    assert not path.exists()


def test_what_stands_there_stays_byte_for_byte(path: Path):
    before = json.dumps(RUNG.as_dict(), indent=None).encode() + b"\r\n\n"
    path.parent.mkdir()
    path.write_bytes(before)

    append_entries(path, [DECISION])

    assert path.read_bytes() == before + canonical(DECISION.as_dict()) + b"\n"
    assert read(path) == (RUNG, DECISION)


@pytest.mark.parametrize("entry", [replace(RUNG, id=""), replace(RUNG, cases=21), replace(DECISION, reason="other")])
def test_an_entry_that_is_not_sealed_is_not_appended(path: Path, entry: Entry):
    with pytest.raises(ValueError, match="must be sealed"):
        append_entries(path, [entry])

    assert not path.exists()


def test_an_altered_entry_is_named_by_line(path: Path):
    append_entries(path, [DECISION, RUNG])
    path.write_bytes(path.read_bytes().replace(b'"mean":0.85', b'"mean":0.95'))

    with pytest.raises(Altered, match=r"^evals/escalation\.jsonl:2: the entry was altered"):
        read(path)


def test_an_entry_that_a_merge_doubled_counts_once(path: Path):
    append_entries(path, [RUNG, DECISION, RUNG])

    assert read(path) == (RUNG, DECISION)


def test_conflict_markers_are_an_error_with_the_mend(path: Path):
    append_entries(path, [RUNG])
    path.write_bytes(b"<<<<<<< HEAD\n" + path.read_bytes() + b"=======\n>>>>>>> other\n")

    with pytest.raises(InvalidFile, match=r"^evals/escalation\.jsonl:1: a conflict marker.*Keep both sides"):
        read(path)


def test_a_last_line_that_was_cut_is_left_out_and_replaced_by_the_next_entry(path: Path):
    append_entries(path, [RUNG, DECISION])
    path.write_bytes(path.read_bytes()[:-20])
    assert read(path) == (RUNG,)

    append_entries(path, [DECISION])

    assert read(path) == (RUNG, DECISION)


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"schema": 2}, "wrong 'schema', got 2; expected 1. .*later version"),
        ({"schema": None}, "wrong 'schema'"),
        ({"kind": "rungs"}, "wrong 'kind', got 'rungs'; expected rung or decision"),
        ({"rung_kind": "ragg"}, "unknown rung_kind, got 'ragg'.*'rag'"),
        ({"verdict": "good"}, "unknown verdict, got 'good'; expected met, short, inconclusive or error"),
        ({"cases": "20"}, "wrong 'cases', got '20'; expected an integer"),
        ({"cases": True}, "wrong 'cases', got True"),
        ({"model": 1}, "wrong 'model', got 1; expected a string or null"),
        ({"after": [1]}, "wrong 'after'.*a list of strings"),
        ({"usage": {"calls": 1}}, "the key 'prompt_tokens' is missing"),
        ({"scores": {"answer": 1}}, "wrong 'scores.answer', got 1; expected an object"),
        ({"scores": {"answer": {"all": {}}}}, "the key 'mean' is missing"),
        ({"diagnosis": {"form": 0.5}}, "wrong 'diagnosis.form'"),
        ({"latency": {"p50": "x"}}, "wrong 'latency.p50'"),
        ({"artifacts": {"a": 1}}, "wrong 'artifacts.a'"),
        ({"verdictt": "met"}, "unknown key, got 'verdictt'.*'verdict'"),
    ],
)
def test_a_line_that_is_no_entry_is_named(path: Path, parts: dict[str, object], fault: str):
    rewritten(path, **parts)

    with pytest.raises(InvalidFile, match=rf"^evals/escalation\.jsonl:2: {fault}"):
        read(path)


def test_a_key_that_is_missing_is_named(path: Path):
    path.parent.mkdir()
    path.write_bytes(canonical({"schema": 1, "kind": "decision"}) + b"\n")

    with pytest.raises(InvalidFile, match=r":1: the key 'ladder' is missing"):
        read(path)
