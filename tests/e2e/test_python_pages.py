"""The examples of the pages on Python, done as they say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e import tutorial

REFERENCE = tutorial.ROOT / "docs" / "reference" / "python.md"
OWN_ASSERTS = tutorial.ROOT / "docs" / "how-to" / "own-asserts.md"


def examples() -> list[str]:
    """The whole tests of the page on asserts."""
    blocks: list[str] = re.findall(r"(?ms)^```python\n(.*?)^```", OWN_ASSERTS.read_text(encoding="utf-8"))
    return blocks


@pytest.fixture
def faq(pytester: pytest.Pytester) -> Path:
    """The folder of the README's ladder."""
    return tutorial.write(pytester, tutorial.README)


def test_the_ladder_of_the_reference_runs(pytester: pytest.Pytester, faq: Path):
    changed = tutorial.files(REFERENCE)
    assert len(changed) == 5
    for name, body in changed.items():
        (pytester.path / name).write_text(body, encoding="utf-8")

    ran = pytester.runpytest_subprocess("--ladder", "-p", "no:randomly")

    ran.stdout.fnmatch_lines(["*2 passed, 1 short, 1 selected*"])
    answers = [json.loads(line) for path in (faq / "recordings" / "rag").glob("*.jsonl")
               for line in path.read_text(encoding="utf-8").splitlines()]  # fmt: skip
    assert [answer["answer"]["retrieved"] for answer in answers] == [["open"], ["delivery"]]
    again = pytester.runpytest_subprocess("--ladder", "--ladder-record=none", "-p", "no:randomly")
    assert again.ret == 0


def test_the_imports_of_the_reference_are_all_there_is():
    import pytest_ladder

    block = re.search(r"(?ms)^```python\n(from.*?)^```", REFERENCE.read_text(encoding="utf-8"))
    assert block is not None
    names: dict[str, object] = {}
    exec(block[1], names)

    assert set(names) - {"__builtins__"} == set(pytest_ladder.__all__)


@pytest.mark.parametrize("number", range(5))
def test_each_example_of_own_asserts_runs(pytester: pytest.Pytester, faq: Path, number: int):
    (faq / "test_faq.py").write_text(examples()[number], encoding="utf-8")

    ran = pytester.runpytest_subprocess("--ladder", "-p", "no:randomly")

    assert ran.ret == 0
    ran.stdout.fnmatch_lines(["*1 short, 1 selected*"])


def test_there_are_five_examples_of_own_asserts():
    assert len(examples()) == 5


@pytest.mark.parametrize(
    ("number", "old", "new", "told"),
    [(0, "delivery == 1.0", "delivery == 0.5", "*1 failed, 1 short*"),
     (1, "empty == []", "empty == ['x']", "*2 failed*"),
     (2, '["open"]', '["post"]', "*1 short, 1 selected*"),
     (3, '].lost == ()', '].won == ()', "*1 failed, 1 short*"),
     (4, ">= 0.9", ">= 0.99", "*1 failed, 1 short, 1 selected*")],
    ids=["after check", "after evaluate", "another case", "another rung", "contract"],
)  # fmt: skip
def test_an_own_assert_that_fails_ends_as_the_page_says(
    pytester: pytest.Pytester, faq: Path, number: int, old: str, new: str, told: str
):
    body = examples()[number]
    assert old in body
    (faq / "test_faq.py").write_text(body.replace(old, new), encoding="utf-8")

    pytester.runpytest_subprocess("--ladder", "-p", "no:randomly").stdout.fnmatch_lines([told])

    decisions = [entry["selected"] for entry in tutorial.entries(faq) if entry["kind"] == "decision"]
    assert decisions == ["rag"]
