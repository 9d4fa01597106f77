"""Writers that are killed at any moment, and files that are not what they should be."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ladder.core.canonical import canonical, digest
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.entries import DecisionEntry
from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.cases_file import read_cases
from pytest_ladder.store.corpus import read_documents, read_examples
from pytest_ladder.store.escalation_log import read_log
from pytest_ladder.store.jsonl import read_lines
from pytest_ladder.store.labels import read_labels
from pytest_ladder.store.recordings import Recordings, recordings_path
from pytest_ladder.store.spec import read_ladder
from pytest_ladder.store.waivers import read_waivers

APPEND = """
import itertools, json, sys
from pathlib import Path
from pytest_ladder.store.appending import append_lines
path, name = Path(sys.argv[1]), sys.argv[2]
for n in itertools.count():
    append_lines(path, [json.dumps({"writer": name, "n": n, "text": "x" * (n % 7) * 3000}).encode()])
    print(n, flush=True)
"""

REPLACE = """
import itertools, sys
from pathlib import Path
from pytest_ladder.core.entries import DecisionEntry
from pytest_ladder.store.escalation_log import append_entries
for n in itertools.count():
    entry = DecisionEntry("support", None, (), "r" * 5000, sys.argv[2] + str(n)).sealed("now")
    append_entries(Path(sys.argv[1]), [entry])
    print(n, flush=True)
"""


def killed(program: str, path: Path, name: str, delay_s: float) -> int:
    """Kill a writer a moment after its first write; return the last write that it reported."""
    process = subprocess.Popen([sys.executable, "-c", program, str(path), name], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(delay_s)
    process.kill()
    rest, _ = process.communicate()
    reported = [line for line in rest.split("\n")[:-1] if line]
    return int(reported[-1] if reported else first)


def test_a_killed_writer_loses_nothing_that_it_reported(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    reported = {f"w{n}": killed(APPEND, path, f"w{n}", random.uniform(0, 0.05)) for n in range(5)}

    found: dict[str, list[int]] = {}
    for _, value in read_lines(path, tmp_path, torn_ok=True):
        found.setdefault(value["writer"], []).append(value["n"])

    assert found.keys() == reported.keys()
    for name, last in reported.items():
        assert found[name] == list(range(len(found[name])))
        assert len(found[name]) > last


def test_writers_side_by_side_tear_no_line(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    arguments = [[sys.executable, "-c", APPEND, str(path), f"w{n}"] for n in range(2)]
    processes = [subprocess.Popen(one, stdout=subprocess.PIPE, text=True) for one in arguments]
    for process in processes:
        assert process.stdout is not None
        for _ in range(50):
            process.stdout.readline()
    for process in processes:
        process.kill()
        process.communicate()

    found = [value for _, value in read_lines(path, tmp_path, torn_ok=True)]

    for name in ("w0", "w1"):
        mine = [value["n"] for value in found if value["writer"] == name]
        assert mine == list(range(len(mine)))
        assert len(mine) >= 50


def test_a_log_whose_writer_is_killed_is_whole(tmp_path: Path):
    path = tmp_path / "escalation.jsonl"
    for name in "abcd":
        before = len(read_log(path, tmp_path)) if path.exists() else 0
        last = killed(REPLACE, path, name, random.uniform(0, 0.05))
        lines = path.read_bytes()

        assert lines.endswith(b"\n")
        assert len(read_log(path, tmp_path)) == lines.count(b"\n") > before + last


FILES: dict[str, tuple[str, Callable[[Path, Path], object], dict[str, object] | None]] = {
    "cases": ("cases.jsonl", read_cases, {"id": "c1", "input": "x"}),
    "documents": ("kb.jsonl", read_documents, {"id": "d1", "text": "x"}),
    "examples": ("examples.jsonl", lambda p, r: read_examples(p, r, EvalSet(())), {"input": "x", "expected": "y"}),
    "labels": (
        "labels.jsonl", read_labels, {"case": "c", "rung": "r", "kind": "form", "by": "a", "at": "2026-01-31"},
    ),
    "log": (
        "escalation.jsonl", read_log, DecisionEntry("support", None, (), "", "").sealed("now").as_dict(),
    ),
    "recordings": (
        f"recordings/rag/{digest('f')[7:19]}.jsonl",
        lambda p, r: Recordings(p.parents[2], "rag", digest("f"), r),
        {
            "schema": 1, "case": "c", "input_digest": "i", "repeat": 0, "fingerprint": digest("f"), "calls": [],
            "latency_s": 0,
            "answer": {
                "text": "x", "parsed": None, "retrieved": [], "tool_calls": [], "steps": [], "validation": None,
                "finish_reason": "stop",
            },
        },
    ),
    "ladder": ("ladder.toml", read_ladder, None),
    "waivers": ("waivers.toml", read_waivers, None),
}  # fmt: skip
LINES = [name for name, (_, _, line) in FILES.items() if line]
MAY_BE_MISSING = {"labels", "log", "recordings", "waivers"}
MAY_BE_EMPTY = {"labels", "log", "recordings", "waivers"}
MAY_BE_TORN = {"log", "recordings"}
MAY_REPEAT = {"examples", "labels", "log", "recordings"}


def reading(root: Path, name: str, content: bytes | None) -> object:
    file, read, _ = FILES[name]
    path = root / "evals" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is not None:
        path.write_bytes(content)
    return read(path, root)


def line(name: str, **parts: object) -> bytes:
    return json.dumps({**(FILES[name][2] or {}), **parts}).encode() + b"\n"


def refused(root: Path, name: str, content: bytes | None, place: str) -> None:
    with pytest.raises(InvalidFile, match=rf"^evals/{FILES[name][0]}{place}: "):
        reading(root, name, content)


BROKEN = {
    "not json": b"{'id': 1}\n",
    "no object": b"[]\n",
    "text": b"hello\n",
    "nan": b'{"id": NaN}\n',
    "twice": b'{"id": 1, "id": 1}\n',
    "unknown key": b'{"surprise": 1}\n',
    "binary": b"\x00\x01\x02\xff\n",
    "not utf-8": b'{"id": "\xff"}\n',
    "utf-16": '{"id": 1}\n'.encode("utf-16"),
    "conflict": b"<<<<<<< HEAD\n",
    "deep": b"[" * 100_000 + b"\n",
}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("name", LINES)
def test_a_bad_line_is_refused_by_path_and_line(tmp_path: Path, name: str, fault: str):
    refused(tmp_path, name, line(name) + BROKEN[fault], ":2")


@pytest.mark.parametrize("name", LINES)
def test_a_good_line_is_read(tmp_path: Path, name: str):
    assert reading(tmp_path, name, line(name))


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(tmp_path: Path, name: str):
    if name in MAY_BE_MISSING:
        reading(tmp_path, name, None)
    else:
        refused(tmp_path, name, None, "")


@pytest.mark.parametrize("name", FILES)
def test_an_empty_file(tmp_path: Path, name: str):
    if name in MAY_BE_EMPTY:
        reading(tmp_path, name, b"")
    else:
        refused(tmp_path, name, b"", "(:1)?")


@pytest.mark.parametrize("name", LINES)
def test_a_torn_last_line(tmp_path: Path, name: str):
    torn = line(name) + line(name)[:-10]
    if name in MAY_BE_TORN:
        reading(tmp_path, name, torn)
    else:
        refused(tmp_path, name, torn, ":2")


@pytest.mark.parametrize("name", LINES)
def test_a_torn_line_in_the_middle_is_refused(tmp_path: Path, name: str):
    refused(tmp_path, name, line(name)[:-10] + b"\n" + line(name), ":1")


@pytest.mark.parametrize("name", LINES)
def test_a_line_that_stands_twice(tmp_path: Path, name: str):
    if name in MAY_REPEAT:
        reading(tmp_path, name, line(name) * 2)
    else:
        refused(tmp_path, name, line(name) * 2, ":2")


@pytest.mark.parametrize("name", ["ladder", "waivers"])
@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"\x00\x01", ""), (b"a = '\xff'\n", ":1"), (b"a = \n", ":1"), (b"\na = 1\na = 1\n", ":3"),
        (b"surprise = 1\n", ":1"), (b"\n<<<<<<< HEAD\n", ":2"), (b"a = nan\n", ":1"),
    ],
)  # fmt: skip
def test_a_bad_toml_file_is_refused_by_path_and_line(tmp_path: Path, name: str, content: bytes, place: str):
    refused(tmp_path, name, content, place)


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_a_file_s_place_is_refused(tmp_path: Path, name: str):
    (tmp_path / "evals" / FILES[name][0]).mkdir(parents=True)

    refused(tmp_path, name, None, "")


@pytest.mark.parametrize("key", ["evalset", "dev", "holdout"])
@pytest.mark.parametrize("written", ["../../x.jsonl", "/x.jsonl", "C:/x.jsonl"])
def test_a_path_outside_the_rootdir_is_refused(tmp_path: Path, key: str, written: str):
    content = f'schema = 1\n{key} = "{written}"\n'.encode()

    with pytest.raises(InvalidFile, match=rf"evals/ladder\.toml:2: {key}: the path (leaves|is absolute)"):
        reading(tmp_path, "ladder", content)


def test_recordings_that_end_in_a_torn_line_are_continued(tmp_path: Path):
    path = recordings_path(tmp_path, "rag", digest("f"))
    path.parent.mkdir(parents=True)
    path.write_bytes(line("recordings") + line("recordings")[:-10])
    opened = Recordings(tmp_path, "rag", digest("f"), tmp_path)
    first = opened.records()[0]

    opened.add(first.renamed("c2"))

    assert [one.case for one in Recordings(tmp_path, "rag", digest("f"), tmp_path).records()] == ["c", "c2"]
    assert canonical(json.loads(path.read_bytes().splitlines()[1]))
