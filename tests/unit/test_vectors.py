"""The embeddings on disk."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pytest_ladder.backends.vectors import MOST_SMALL, Vectors


def vector(number: float) -> np.ndarray:
    return np.array([number, 1.0], np.float32)


def key(number: int) -> bytes:
    return bytes([number]) * 32


def numbers(vectors: Vectors, *wanted: int) -> dict[int, float]:
    return {found[0]: float(one[0]) for found, one in vectors.get(map(key, wanted)).items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".ladder-cache" / "embeddings" / "abc"


def test_what_was_added_is_there_in_the_next_run(folder: Path):
    Vectors(folder).add({key(1): vector(10), key(2): vector(20)})
    assert numbers(Vectors(folder), 1, 2, 3) == {1: 10, 2: 20}


def test_the_cache_keeps_itself_out_of_git(folder: Path, tmp_path: Path):
    Vectors(folder).add({key(1): vector(10)})
    assert (tmp_path / ".ladder-cache/.gitignore").read_text() == "*\n"


def test_without_a_folder_it_lasts_as_long_as_the_object(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    vectors = Vectors(None)
    vectors.add({key(1): vector(10)})
    assert numbers(vectors, 1) == {1: 10}
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path):
    (tmp_path / "file").write_text("")
    vectors = Vectors(tmp_path / "file" / "inside")
    vectors.add({key(1): vector(10)})
    assert numbers(vectors, 1) == {1: 10}


@pytest.mark.parametrize("damage", [
    lambda data: data[:-30], lambda data: b"", lambda data: b"PK" + data[:50], lambda data: b"[]\n",
    lambda data: data.replace(vector(10).tobytes(), vector(11).tobytes()),
], ids=["cut", "empty", "torn", "text", "one value changed"])  # fmt: skip
def test_a_damaged_file_is_removed_and_its_vectors_are_unknown(folder: Path, damage):
    Vectors(folder).add({key(1): vector(10)})
    Vectors(folder).add({key(2): vector(20)})
    path = next(path for path in folder.glob("*.npz") if vector(10).tobytes() in path.read_bytes())
    changed = damage(path.read_bytes())
    assert changed != path.read_bytes()
    path.write_bytes(changed)
    assert numbers(Vectors(folder), 1, 2) == {2: 20}
    assert not path.exists()
    Vectors(folder).add({key(1): vector(10)})
    assert numbers(Vectors(folder), 1, 2) == {1: 10, 2: 20}


def test_many_small_files_become_one(folder: Path):
    for number in range(MOST_SMALL + 5):
        Vectors(folder).add({key(number): vector(number)})
        assert len(list(folder.iterdir())) <= MOST_SMALL
    assert numbers(Vectors(folder), *range(MOST_SMALL + 5)) == {n: n for n in range(MOST_SMALL + 5)}


def test_two_writers_do_not_see_each_other_and_lose_nothing(folder: Path):
    one, other = Vectors(folder), Vectors(folder)
    for number in range(40):
        (one if number % 2 else other).add({key(number): vector(number)})
    assert len(numbers(Vectors(folder), *range(40))) == 40


def test_nothing_half_written_is_left(folder: Path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.replace", full)
    Vectors(folder).add({key(1): vector(10)})
    assert list(folder.iterdir()) == []


def test_processes_that_write_at_once_lose_nothing_and_repeat_nothing(folder: Path):
    code = (
        "import hashlib, sys\nfrom pathlib import Path\nimport numpy as np\n"
        "from pytest_ladder.backends.vectors import Vectors\n"
        "store = Vectors(Path(sys.argv[1]))\n"
        "for n in range(30):\n"
        "    key = hashlib.sha256(f'{sys.argv[2]} {n}'.encode()).digest()\n"
        "    store.add({key: np.full(4, n, np.float32)})\n"
    )
    commands = [[sys.executable, "-c", code, str(folder), name] for name in "abc"]
    running = [subprocess.Popen(command) for command in commands]
    assert [process.wait(timeout=120) for process in running] == [0, 0, 0]
    keys = {hashlib.sha256(f"{name} {n}".encode()).digest(): n for name in "abc" for n in range(30)}
    found = Vectors(folder).get(keys)
    assert {key: vector.tolist() for key, vector in found.items()} == {key: [n] * 4 for key, n in keys.items()}
