"""Recorded answers."""

from __future__ import annotations

import gc
import json
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ladder.core.answers import Answer, Call, Record, Reply, answers_digest
from pytest_ladder.core.canonical import digest
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.errors import InvalidFile, InvalidRequest, SystemFailed
from pytest_ladder.store.call_index import CallIndex
from pytest_ladder.store.record_lines import record_line
from pytest_ladder.store.recordings import (
    Recordings,
    clear_pending,
    is_pending,
    mark_pending,
    recorded_inputs,
    recordings_path,
    versions,
)
from tests.builders import case

FINGERPRINT = digest("one version")


def call(name: str = "r1", text: str = "reply") -> Call:
    return Call(digest(name), "m", Reply(text, "m-1", "stop", 3, 2, 0.5, 0.25, 1, ({"name": "f"},)))


def record(id_: str = "c1", text: str = "yes", repeat: int = 0, **parts: object) -> Record:
    whole = Answer(text, {"a": [1, None]}, ("d1",), ({"name": "f"},), ("step",), {"ok": True}, "length")
    made = Record(id_, case(id_).input_digest, repeat, FINGERPRINT, whole, (call(),), 0.5)
    return replace(made, **parts)


def opened(folder: Path, **parts: bool) -> Recordings:
    return Recordings(folder, "rag", FINGERPRINT, folder, **parts)


def test_what_is_added_is_on_disk_at_once(tmp_path: Path):
    mine = opened(tmp_path)
    mine.add(record())

    again = opened(tmp_path)

    assert again.path == tmp_path / "recordings/rag" / f"{FINGERPRINT[7:19]}.jsonl"
    assert again.get("c1", case("c1").input_digest, 0) == record() == mine.get("c1", case("c1").input_digest, 0)
    assert again.lines == mine.lines == 1


def test_what_is_taken_is_on_record_with_the_next_flush(tmp_path: Path):
    mine = opened(tmp_path)
    for name in ("c1", "c2"):
        mine.take(record(name))
    assert (mine.lines, mine.records()) == (0, ())
    assert not mine.path.exists()

    mine.flush()

    assert opened(tmp_path).records() == mine.records() == (record("c1"), record("c2"))


def test_a_closed_file_holds_what_was_taken(tmp_path: Path):
    mine = opened(tmp_path)
    mine.take(record())
    mine.close()

    assert opened(tmp_path).lines == mine.lines == 1


def test_what_the_disk_did_not_take_is_not_on_record(tmp_path: Path):
    mine = opened(tmp_path)
    mine.path.parent.mkdir(parents=True)
    mine.path.mkdir()
    mine.take(record())
    with pytest.raises(OSError, match=mine.path.name):
        mine.flush()

    assert (mine.lines, mine.records()) == (0, ())

    mine.path.rmdir()  # there is room again
    mine.close()
    assert opened(tmp_path).lines == mine.lines == 1


def test_a_line_holds_the_keys_of_the_contract(tmp_path: Path):
    opened(tmp_path).add(record())

    line = json.loads(opened(tmp_path).path.read_text(encoding="utf-8"))

    assert set(line) == {
        "schema", "case", "input_digest", "repeat", "fingerprint", "answer", "calls", "latency_s"
    }  # fmt: skip
    assert set(line["answer"]) == {
        "text", "parsed", "retrieved", "tool_calls", "steps", "validation", "finish_reason"
    }  # fmt: skip


def test_an_answer_is_found_by_its_input_under_another_id(tmp_path: Path):
    mine = opened(tmp_path)
    mine.add(record("old"))

    found = mine.get("new", record("old").input_digest, 0)

    assert found == replace(record("old"), case="new")
    assert mine.get("new", record("old").input_digest, 1) is None
    assert mine.get("old", "sha256:other", 0) is None


def test_a_case_s_own_answer_goes_before_that_of_the_same_input(tmp_path: Path):
    mine = opened(tmp_path)
    mine.add(record("a", "mine"))
    mine.add(record("b", "other", input_digest=record("a").input_digest))

    found = mine.get("a", record("a").input_digest, 0)

    assert found is not None
    assert found.answer.text == "mine"


def test_the_last_line_of_a_key_wins(tmp_path: Path):
    mine = opened(tmp_path)
    for text in ("first", "second"):
        mine.add(record(text=text))

    assert [one.answer.text for one in opened(tmp_path).records()] == ["second"]
    assert opened(tmp_path).lines == 2


def test_reading_holds_little_besides_the_file_and_its_answers(tmp_path: Path):
    path = recordings_path(tmp_path, "prompt", FINGERPRINT)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(record_line(record(f"c{number}")) + b"\n" for number in range(1000)))
    gc.collect()
    tracemalloc.start()
    try:
        recordings = Recordings(tmp_path, "prompt", FINGERPRINT, tmp_path)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(recordings.records()) == 1000
    assert peak - kept < 2 * path.stat().st_size


def test_today_s_cases_are_selected_in_their_order(tmp_path: Path):
    mine = opened(tmp_path)
    for id_, repeat in (("c1", 0), ("c2", 0), ("c2", 1), ("gone", 0)):
        mine.add(record(id_, repeat=repeat))

    found = mine.select(EvalSet((case("c2"), case("c1"), case("c3"))), repeats=2)

    assert [(one.case, one.repeat) for one in found] == [("c2", 0), ("c2", 1), ("c1", 0)]


def test_read_only_recordings_take_nothing(tmp_path: Path):
    with pytest.raises(InvalidRequest, match="read-only"):
        opened(tmp_path, read_only=True).add(record())

    assert not (tmp_path / "recordings").exists()


def test_an_answer_of_another_version_is_refused(tmp_path: Path):
    with pytest.raises(InvalidRequest, match="another version"):
        opened(tmp_path).add(record(fingerprint=digest("other")))


def test_an_answer_that_is_not_json_fails_the_system_and_leaves_no_line(tmp_path: Path):
    mine = opened(tmp_path)

    with pytest.raises(SystemFailed, match="case c1: the answer is not JSON"):
        mine.add(record(answer=Answer(parsed=float("nan"))))

    assert mine.lines == 0
    assert not mine.path.exists()


def test_threads_lose_no_answer(tmp_path: Path):
    mine = opened(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: mine.add(record(f"c{n}")), range(100)))

    assert {one.case for one in opened(tmp_path).records()} == {f"c{n}" for n in range(100)}


def edited(**parts: object) -> dict[str, object]:
    return {**json.loads(record_line(record())), **parts}


def with_call(**parts: object) -> dict[str, object]:
    return edited(calls=[{**call().as_dict(), **parts}])


BAD = {
    "schema": (edited(schema=2), "wrong 'schema', got 2; expected 1"),
    "case": (edited(case=1), "wrong 'case', got 1; expected a string"),
    "repeat": (edited(repeat=True), "wrong 'repeat', got True; expected an integer"),
    "fingerprint": (edited(fingerprint=digest("x")), "an answer of another version"),
    "answer": (edited(answer="yes"), "wrong 'answer'.*an object"),
    "answer key": (edited(answer={"text": "x"}), "the key 'parsed' is missing"),
    "retrieved": (edited(answer={**record().answer.as_dict(), "retrieved": [1]}), "wrong 'retrieved'"),
    "calls": (edited(calls=[{}]), "the key 'request_digest' is missing"),
    "unknown": (edited(lateny_s=1), "unknown key, got 'lateny_s'.*'latency_s'"),
    "latency": (edited(latency_s="1"), "wrong 'latency_s'.*a number"),
    "missing": ({"schema": 1}, "the key 'case' is missing"),
    "parts": (
        with_call(usage={"prompt_tokens": 1, "completion_tokens": 1, "parts": {"question": 0.5}}),
        "wrong 'parts'.*a whole number for each part",
    ),
    "no parts": (with_call(usage={"prompt_tokens": 1, "completion_tokens": 1, "parts": 3}), "wrong 'parts'.*an object"),
    "flags": (with_call(flags=["cold", 1]), "wrong 'flags'.*a list of strings"),
    "no flags": (with_call(flags="cold"), "wrong 'flags'.*a list"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_is_named_by_path_and_line(tmp_path: Path, name: str):
    line, fault = BAD[name]
    path = recordings_path(tmp_path, "rag", FINGERPRINT)
    path.parent.mkdir(parents=True)
    path.write_bytes(record_line(record("ok")) + b"\n" + json.dumps(line).encode() + b"\n")

    with pytest.raises(InvalidFile, match=rf"^recordings/rag/{FINGERPRINT[7:19]}\.jsonl:2: .*{fault}"):
        opened(tmp_path)


def test_parts_and_flags_of_a_call_are_kept_and_belong_to_no_digest(tmp_path: Path):
    plain = record(calls=(call(),))
    told = record(calls=(replace(call(), parts={"question": 3, "instructions": 4}, flags=("cold", "repair")),))
    opened(tmp_path).add(told)

    assert next(iter(opened(tmp_path).records())).calls == told.calls
    assert answers_digest([told]) == answers_digest([plain])


def test_versions_are_the_files_of_answers(tmp_path: Path):
    opened(tmp_path).add(record())
    CallIndex(tmp_path).add("rag", [call()])

    assert versions(tmp_path, "rag") == [FINGERPRINT[7:19]]
    assert versions(tmp_path, "prompt") == []


def test_a_version_tells_its_inputs_without_its_whole_fingerprint(tmp_path: Path):
    opened(tmp_path).add(record())

    found = recorded_inputs(opened(tmp_path).path)

    assert found == {("c1", record().input_digest, 0): record()}
    assert recorded_inputs(tmp_path / "recordings/rag/000000000000.jsonl") == {}


def test_a_version_of_another_name_is_an_error(tmp_path: Path):
    opened(tmp_path).add(record())
    moved = opened(tmp_path).path.rename(tmp_path / "recordings/rag/000000000000.jsonl")

    with pytest.raises(InvalidFile, match=r"^recordings/rag/000000000000\.jsonl:1: an answer of another version"):
        recorded_inputs(moved)


def test_a_pending_version_stays_so_until_it_is_cleared(tmp_path: Path):
    assert not is_pending(tmp_path, "rag", FINGERPRINT)
    mark_pending(tmp_path, "rag", FINGERPRINT)
    assert is_pending(tmp_path, "rag", FINGERPRINT)
    assert not is_pending(tmp_path, "rag", digest("other"))
    clear_pending(tmp_path, "rag", FINGERPRINT)
    clear_pending(tmp_path, "rag", FINGERPRINT)
    assert not is_pending(tmp_path, "rag", FINGERPRINT)


def test_calls_are_found_over_all_rungs_and_versions(tmp_path: Path):
    opened(tmp_path).add(record(calls=(call("r1"), call("r2"))))
    other = Recordings(tmp_path, "prompt", digest("v2"), tmp_path)
    other.add(record(fingerprint=digest("v2"), calls=(call("r3"),)))
    CallIndex(tmp_path).add("prompt", [call("r4"), call("r5")])

    index = CallIndex(tmp_path)

    assert [index.get(digest(name)) for name in ("r1", "r2", "r3", "r4", "r5")] == [
        call(name) for name in ("r1", "r2", "r3", "r4", "r5")
    ]
    assert index.get(digest("never")) is None


def test_calls_made_in_this_run_are_known(tmp_path: Path):
    index = CallIndex(tmp_path)
    assert index.get(digest("r1")) is None

    index.add("rag", [call("r1")])
    index.remember([call("r2")])

    assert index.get(digest("r1")) == call("r1")
    assert index.get(digest("r2")) == call("r2")
    assert json.loads((tmp_path / "recordings/rag/calls.jsonl").read_bytes())["schema"] == 1


def test_the_last_recorded_reply_to_a_request_is_the_one(tmp_path: Path):
    mine = opened(tmp_path)
    for text in ("old", "new"):
        mine.add(record(calls=(call("r1", text),)))

    found = CallIndex(tmp_path).get(digest("r1"))

    assert found is not None
    assert found.reply.text == "new"


def test_a_call_in_an_answer_s_text_is_no_call(tmp_path: Path):
    quoted = json.dumps(call("quoted").as_dict(), separators=(",", ":"))
    opened(tmp_path).add(record(text=quoted, answer=Answer(quoted, parsed=call("quoted").as_dict())))

    assert CallIndex(tmp_path).get(digest("quoted")) is None


def test_a_call_in_a_line_that_was_cut_is_not_known(tmp_path: Path):
    mine = opened(tmp_path)
    mine.add(record(calls=(call("r1"),)))
    mine.add(record("c2", calls=(call("r2"),)))
    mine.path.write_bytes(mine.path.read_bytes()[:-3])

    index = CallIndex(tmp_path)

    assert index.get(digest("r1")) == call("r1")
    assert index.get(digest("r2")) is None


def test_a_bad_line_with_a_wanted_call_is_named(tmp_path: Path):
    path = recordings_path(tmp_path, "rag", FINGERPRINT)
    path.parent.mkdir(parents=True)
    path.write_bytes(
        record_line(record(calls=())) + b'\n{"calls":[{"request_digest":"' + digest("r1").encode() + b'"}]}\n'
    )

    with pytest.raises(InvalidFile, match=rf"recordings/rag/{path.name}:2: the key 'schema' is missing"):
        CallIndex(tmp_path).get(digest("r1"))
