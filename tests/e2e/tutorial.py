"""The ladder of the tutorial, taken from its page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-ladder.md"
LADDER = Path("evals/capitals")


def files() -> dict[str, str]:
    """The files that the page shows: a line that begins with a path, then a block."""
    page = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"(?ms)^`([^`\n]+)`[^\n]*:\n\n```\w+\n(.*?)^```", page))


def write(pytester: pytest.Pytester) -> Path:
    """Write the files into a project of their own; returns the ladder's folder."""
    for name, body in files().items():
        path = pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    pytester.makefile(".ini", pytest="[pytest]\n")
    return pytester.path / LADDER


def entries(folder: Path) -> list[dict[str, Any]]:
    """The log's entries, in the order of the file."""
    return [json.loads(line) for line in (folder / "escalation.jsonl").read_text(encoding="utf-8").splitlines()]
