"""What holds for all files: nothing is lost, nothing altered goes unnoticed, nothing incidental counts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ladder.core.answers import Answer, Call, Record, Reply, Usage, answer_json, answers_digest, call_json
from pytest_ladder.core.canonical import canonical, digest
from pytest_ladder.core.entries import DecisionEntry, Figure, RungEntry, Verdict
from pytest_ladder.core.prompt_parts import FLAGS, PARTS
from pytest_ladder.core.rungs import Kind
from pytest_ladder.errors import Altered, InvalidFile
from pytest_ladder.store.appending import append_lines
from pytest_ladder.store.cases_file import read_cases
from pytest_ladder.store.content import content_digest
from pytest_ladder.store.escalation_log import append_entries, read_log
from pytest_ladder.store.jsonl import parse_line, read_lines, torn
from pytest_ladder.store.record_lines import parse_record, record_line
from pytest_ladder.store.recordings import Recordings
from pytest_ladder.store.secrets import Redactor

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6).filter(str.strip)
counts = st.integers(0, 10**6)
amounts = st.floats(0, 1e6, allow_nan=False)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False, width=32)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
answers = st.builds(
    Answer, texts, values, st.lists(texts, max_size=3).map(tuple), st.lists(values, max_size=2).map(tuple),
    st.lists(values, max_size=2).map(tuple), values, texts,
)  # fmt: skip
replies = st.builds(
    Reply, texts, texts, texts, counts, counts, amounts, amounts.map(lambda s: round(s, 6)), counts,
    st.lists(values, max_size=1).map(tuple),
)  # fmt: skip
parts = st.dictionaries(st.sampled_from(PARTS), counts, max_size=2)
flags = st.lists(st.sampled_from(FLAGS), max_size=2).map(tuple)
calls = st.builds(Call, texts, texts, replies, parts, flags)
FINGERPRINT = digest("version")
records = st.builds(
    Record, texts, texts, counts, st.just(FINGERPRINT), answers, st.lists(calls, max_size=2).map(tuple),
    amounts.map(lambda s: round(s, 6)),
)  # fmt: skip


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for one example; hypothesis runs many in one test."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@given(records)
def test_a_record_is_read_as_it_was_written(record: Record):
    line = parse_line(record_line(record), "x:1")

    assert line is not None
    assert parse_record(line, "x:1") == record


@given(records)
def test_a_line_is_canonical_json(record: Record):
    line = record_line(record)

    assert line == canonical(parse_line(line, "x:1"))
    assert answer_json(record.answer).encode() == canonical(record.answer.as_dict())
    for call in record.calls:
        assert call_json(call).encode() == canonical(call.as_dict())


@given(st.lists(records, min_size=1, max_size=3), st.data())
def test_any_cut_of_a_recordings_file_loads_all_whole_lines(made: list[Record], data: st.DataObject):
    lines = [record_line(record) for record in made]
    whole = b"".join(line + b"\n" for line in lines)
    cut = data.draw(st.integers(0, len(whole)))
    ends = [sum(len(line) + 1 for line in lines[: n + 1]) - 1 for n in range(len(lines))]
    with folder() as root:
        opened = Recordings(root, "rag", FINGERPRINT, root)
        opened.path.parent.mkdir(parents=True)
        opened.path.write_bytes(whole[:cut])

        assert Recordings(root, "rag", FINGERPRINT, root).lines == sum(end <= cut for end in ends)


@given(records, st.data())
def test_writing_goes_on_after_any_cut(record: Record, data: st.DataObject):
    line = record_line(record)
    cut = data.draw(st.integers(0, len(line)))
    with folder() as root:
        path = root / "a.jsonl"
        path.write_bytes(b'{"before":1}\n' + line[:cut])

        append_lines(path, [b'{"after":1}'])

        found = [value for _, value in read_lines(path, root, torn_ok=False)]
        assert found[0] == {"before": 1}
        assert found[-1] == {"after": 1}
        assert len(found) == (3 if cut == len(line) else 2)


@given(records)
def test_only_a_beginning_is_a_torn_line(record: Record):
    line = record_line(record)

    assert not torn(line)
    assert not torn(line + b"x")
    assert all(torn(line[:cut]) for cut in range(1, len(line)))


figures = st.builds(Figure, st.none() | st.floats(0, 1), counts, st.none() | st.floats(0, 1), st.none(), counts)
rung_entries = st.builds(
    RungEntry, texts, texts, st.sampled_from(Kind), texts, texts, texts, texts, counts, counts,
    st.dictionaries(texts, st.dictionaries(texts, figures, max_size=2), max_size=2), st.sampled_from(Verdict),
    model=st.none() | texts, model_returned=st.lists(texts, max_size=2).map(tuple),
    limits=st.dictionaries(texts, st.none() | amounts, max_size=1), errors=counts,
    diagnosis=st.dictionaries(texts, counts, max_size=2), ceilings=st.dictionaries(texts, values, max_size=1),
    reason=texts, after=st.lists(texts, max_size=2).map(tuple), usage=st.builds(Usage, counts, counts, counts, amounts),
    latency=st.dictionaries(texts, st.none() | amounts, max_size=1),
    artifacts=st.dictionaries(texts, texts, max_size=1),
    environment=st.dictionaries(texts, values, max_size=1), waiver=values,
)  # fmt: skip
decisions = st.builds(DecisionEntry, texts, st.none() | texts, st.lists(texts, max_size=2).map(tuple), texts, texts)
entries = (rung_entries | decisions).map(lambda entry: entry.sealed("2026-01-31T10:00:00Z"))


@given(st.lists(entries, max_size=4, unique_by=lambda entry: entry.id))
def test_a_log_is_read_as_it_was_written(made: list[RungEntry | DecisionEntry]):
    with folder() as root:
        for entry in made:
            append_entries(root / "log.jsonl", [entry])

        found = read_log(root / "log.jsonl", root)

    assert [entry.as_dict() for entry in found] == [entry.as_dict() for entry in made]


@given(st.lists(entries, min_size=1, max_size=2, unique_by=lambda entry: entry.id), st.data())
def test_any_edit_of_one_character_is_noticed_or_means_the_same(
    made: list[RungEntry | DecisionEntry], data: st.DataObject
):
    text = "".join(canonical(entry.as_dict()).decode() + "\n" for entry in made)
    at = data.draw(st.integers(0, len(text) - 1))
    written = data.draw(st.sampled_from('x0 1"{}:,\n\\-.<\0é') | st.characters(exclude_categories=["Cs"]))
    edited = data.draw(st.sampled_from([text[:at] + written + text[at + 1 :], text[:at] + written + text[at:]]))
    with folder() as root:
        (root / "log.jsonl").write_bytes(edited.encode())
        try:
            found = read_log(root / "log.jsonl", root)
        except (Altered, InvalidFile):
            return

    assert [canonical(entry.as_dict()) for entry in found] == [canonical(entry.as_dict()) for entry in made]


cases = st.lists(
    st.fixed_dictionaries(
        {"id": names, "input": names | st.dictionaries(names, values, min_size=1, max_size=2)},
        optional={"expected": values, "slices": st.lists(names.filter(lambda name: name != "all"), max_size=2)},
    ),
    min_size=1, max_size=4, unique_by=lambda case: case["id"],
)  # fmt: skip


@given(cases, st.randoms())
def test_neither_the_order_of_cases_nor_line_ends_change_their_digest(made: list[dict[str, object]], random):
    mixed = list(made)
    random.shuffle(mixed)
    with folder() as root:
        (root / "a.jsonl").write_bytes(b"".join(canonical(case) + b"\n" for case in made))
        (root / "b.jsonl").write_bytes(b"\r\n".join(canonical(case) for case in mixed))
        one, other = read_cases(root / "a.jsonl", root), read_cases(root / "b.jsonl", root)

    assert one.digest == other.digest
    assert {case.id: case.input_digest for case in one} == {case.id: case.input_digest for case in other}


@given(st.lists(records, max_size=4), st.randoms())
def test_the_order_of_answers_does_not_change_their_digest(made: list[Record], random):
    mixed = list(made)
    random.shuffle(mixed)

    assert answers_digest(mixed) == answers_digest(made)


@given(st.lists(texts.map(lambda text: text.replace("\r", "").replace("\n", "").replace("\0", ""))))
def test_line_ends_do_not_change_the_digest_of_a_text(lines: list[str]):
    unix, windows, mac = (end.join(lines).encode() for end in ("\n", "\r\n", "\r"))

    assert content_digest(unix) == content_digest(windows) == content_digest(mac)
    assert content_digest(unix) == content_digest(b"\xef\xbb\xbf" + unix)


@given(st.lists(st.text("ab[secrt]01", min_size=8, max_size=10), max_size=3), st.text("ab[secrt]01", max_size=40))
def test_cleaned_texts_are_clean(secrets: list[str], text: str):
    redactor = Redactor({f"KEY_{n}": secret for n, secret in enumerate(secrets)})

    once = redactor.clean(text)

    assert redactor.clean(once) == once
    assert not any(secret in once for secret in secrets if secret != "[secret]")


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_the_reader_takes_lines_as_git_may_write_them(tmp_path: Path, ends: bytes):
    (tmp_path / "a.jsonl").write_bytes(b'{"a":1}' + ends + b'{"b":2}' + ends)

    assert read_lines(tmp_path / "a.jsonl", tmp_path, torn_ok=False) == [(1, {"a": 1}), (2, {"b": 2})]
