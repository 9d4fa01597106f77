"""The user's own functions."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.user_code import load


@pytest.fixture(autouse=True)
def clean_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "evals").mkdir()
    return tmp_path


def write(root: Path, text: str, name: str = "evals/systems.py") -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def get(root: Path, reference: str = "systems.py:answer"):
    return load(reference, root / "evals", root, "evals/ladder.toml: [rungs.rag] system")


def test_a_function_of_a_file_beside_the_ladder_is_loaded(root: Path):
    write(root, "def answer(case):\n    return case * 2\n")

    assert get(root)(2) == 4
    assert get(root) is get(root)


def test_a_file_may_import_its_neighbours_and_hold_dataclasses(root: Path):
    write(root, "VALUE = 7\n", "evals/neighbour_of_it.py")
    write(
        root,
        "from __future__ import annotations\nfrom dataclasses import dataclass\nimport neighbour_of_it\n"
        "@dataclass\nclass A:\n    x: int = neighbour_of_it.VALUE\ndef answer(case):\n    return A().x\n",
    )

    assert get(root)(None) == 7


def test_files_of_one_name_in_two_ladders_stay_apart(root: Path):
    write(root, "def answer(case):\n    return 1\n")
    write(root, "def answer(case):\n    return 2\n", "other/systems.py")

    assert get(root)(None) == 1
    assert load("systems.py:answer", root / "other", root, "x")(None) == 2
    assert get(root)(None) == 1


def test_a_file_that_changed_is_loaded_anew_even_within_a_second(root: Path):
    write(root, "def answer(case):\n    return 1\n")
    assert get(root)(None) == 1
    state = (root / "evals/systems.py").stat()

    write(root, "def answer(case):\n    return 2\n")
    os.utime(root / "evals/systems.py", ns=(state.st_atime_ns, state.st_mtime_ns + 1000))

    assert get(root)(None) == 2


def test_a_function_of_a_package_is_loaded(root: Path):
    write(root, "", "package_of_it/__init__.py")
    write(root, "def answer(case):\n    return 3\n", "package_of_it/inner.py")

    assert get(root, "package_of_it.inner:answer")(None) == 3


@pytest.mark.parametrize(
    ("text", "reference", "fault"),
    [
        ("", "gone.py:answer", "^evals/ladder.toml: .*there is no such file, got 'gone.py'"),
        ("", "../../x.py:answer", "leaves the rootdir"),
        ("def answer(:\n", "systems.py:answer", r"^evals/systems.py:1: not Python"),
        ("import no_such_thing\n", "systems.py:answer", r"ModuleNotFoundError: .*no_such_thing.*evals/systems.py:1"),
        ("x = 1\n\n1 / 0\n", "systems.py:answer", r"ZeroDivisionError.*evals/systems.py:3"),
        ("import sys\nsys.exit(3)\n", "systems.py:answer", r"SystemExit: 3, evals/systems.py:2"),
        ("def answers(case): ...\n", "systems.py:answer", "has no function 'answer'. Did you mean 'answers'"),
        ("", "systems.py:answer", "systems.py has no function 'answer'"),
        ("answer = 1\n", "systems.py:answer", "systems.py:answer is not a function, got 1"),
        ("", "no_such_package:answer", "no_such_package cannot be imported"),
        ("", "answer", "not a reference"),
        ("", "systems.py:", "not a reference"),
    ],
)
def test_what_cannot_be_loaded_is_named(root: Path, text: str, reference: str, fault: str):
    write(root, text)

    with pytest.raises(InvalidFile, match=fault):
        get(root, reference)


def test_a_file_that_failed_is_tried_again(root: Path):
    write(root, "1 / 0\n")
    with pytest.raises(InvalidFile):
        get(root)

    write(root, "def answer(case):\n    return 1\n")

    assert get(root)(None) == 1
