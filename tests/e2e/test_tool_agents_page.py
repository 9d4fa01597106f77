"""The ladder of the page on tool agents runs as the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_ladder.core.tool_schema import TYPES
from pytest_ladder.rungs.tools.rules import Limits, Rule
from pytest_ladder.rungs.tools.talk import TOOL_PROMPT
from tests.e2e import tutorial

PAGE = tutorial.ROOT / "docs" / "how-to" / "tool-agents.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture
def orders(pytester: pytest.Pytester) -> Path:
    """The folder of the page's ladder."""
    return tutorial.write(pytester, PAGE)


def answers(folder: Path) -> dict[str, dict[str, Any]]:
    (path,) = (folder / "recordings" / "decompose").glob("*.jsonl")
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {line["case"]: line["answer"] for line in lines}


def test_the_ladder_of_the_page_is_climbed(pytester: pytest.Pytester, orders: Path):
    ran = pytester.runpytest_subprocess("--ladder", "-p", "no:randomly")

    ran.stdout.fnmatch_lines(["*1 selected*"])
    made = answers(orders)
    assert [call["name"] for call in made["cancel"]["tool_calls"]] == ["look_up", "identify", "cancel"]
    assert [call["name"] for call in made["guest"]["tool_calls"]] == ["look_up"]
    assert made["where"]["validation"] == {"valid": True, "attempts": 1, "error": None}
    assert pytester.runpytest_subprocess("--ladder", "--ladder-record=none", "-p", "no:randomly").ret == 0


def test_a_model_without_the_field_climbs_it_in_text(pytester: pytest.Pytester, orders: Path):
    text = (orders / "models.py").read_text(encoding="utf-8")
    shim = """

def spoken(messages):
    told = messages[0]["content"]
    names = [name for name in ("identify", "look_up", "cancel") if f"\\n{name}: " in told]
    parts = [{"role": "tool", "content": part["content"].partition(": ")[2]} if part["content"].startswith("RESULT ")
             else part for part in messages]
    said = reply(parts, tools=[{"function": {"name": name}} for name in names])
    if isinstance(said, str):
        return said
    call = said["tool_calls"][0]
    return f"CALL {call['name']} {json.dumps(call['arguments'])}"
"""
    (orders / "models.py").write_text(text + shim, encoding="utf-8")
    toml = (orders / "ladder.toml").read_text(encoding="utf-8")
    (orders / "ladder.toml").write_text(toml.replace("models.py:reply", "models.py:spoken"), encoding="utf-8")

    ran = pytester.runpytest_subprocess("--ladder", "-p", "no:randomly")

    ran.stdout.fnmatch_lines(["*1 selected*"])
    assert {answer["steps"][-1]["mode"] for answer in answers(orders).values()} == {"text"}


def test_without_the_rule_a_guest_cancels(pytester: pytest.Pytester, orders: Path):
    toml = (orders / "ladder.toml").read_text(encoding="utf-8")
    assert 'when = { role = "customer" }\n' in toml
    (orders / "ladder.toml").write_text(toml.replace('when = { role = "customer" }\n', ""), encoding="utf-8")

    assert pytester.runpytest_subprocess("--ladder", "-p", "no:randomly").ret == 1
    assert answers(orders)["guest"]["text"] == "cancelled"


def test_the_page_shows_the_prompt_as_it_is():
    assert f"```text\n{TOOL_PROMPT}```" in TEXT


def test_the_page_names_every_rule_limit_and_type():
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", TEXT)) >= {*Rule.__dataclass_fields__} - {"name"}
    for key, value in (("max_steps", Limits.max_steps), ("max_tool_calls", Limits.max_tool_calls),
                       ("max_result", Limits.max_result)):  # fmt: skip
        assert f"| `{key}` | {value} |" in TEXT
    assert all(f"`{name}`" in TEXT for name in re.findall(r"\w+", TYPES.partition(", or")[0]))
