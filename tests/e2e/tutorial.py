"""The ladder of the tutorial, taken from its page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-ladder.md"
README = ROOT / "README.md"
LADDER = Path("evals/capitals")


def files(page: Path = PAGE) -> dict[str, str]:
    """The files that a page shows: a line that ends in a path, or begins with one, then a block."""
    text = page.read_text(encoding="utf-8")
    return dict(re.findall(r"(?ms)^[^`\n]*`([^`\n]+/[^`\n]+\.\w+)`[^\n]*:\n\n```\w+\n(.*?)^```", text))


def write(pytester: pytest.Pytester, page: Path = PAGE) -> Path:
    """Write a page's files into a project of their own; returns the ladder's folder."""
    for name, body in files(page).items():
        path = pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    pytester.makefile(".ini", pytest="[pytest]\n")
    return next(path.parent for path in pytester.path.glob("evals/*/ladder.toml"))


def entries(folder: Path) -> list[dict[str, Any]]:
    """The log's entries, in the order of the file."""
    return [json.loads(line) for line in (folder / "escalation.jsonl").read_text(encoding="utf-8").splitlines()]
