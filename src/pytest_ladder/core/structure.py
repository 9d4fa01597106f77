"""Whether a corpus is records rather than prose: what retrieval by words serves badly, and a tool well.

A heuristic on the form of the text alone. A document counts as a record where all of it is

- JSON: an object or a list;
- `key: value` or `key = value` lines: two or more, at least four fifths of those that are not indented, which are at
  least half of all; a value that is a sentence does not count;
- rows of a table: every line has as many cells as the others, three or more, and short ones; cells stand between `|`,
  tabs, `;`, or commas without a blank behind them;
- numbers: more than half of its letters and digits are digits.

A corpus is structured where at least half of its documents are. Facts written as sentences are prose, however regular.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

STRUCTURED = 0.5
"""Share of documents from which a corpus is called structured."""
LINES = 0.8
"""Share of a document's lines that must be `key: value`."""

JSON, PAIRS, ROWS, NUMBERS = "JSON", "key: value lines", "table rows", "numbers"

_PAIR = re.compile(r"^[-*]?\s*\w[\w .()/-]{0,38}\s*[:=]\s*(\S.*)$")
_SENTENCE = re.compile(r"^(?:\S+\s+){4,}.*[.!?]['\")]*$", re.DOTALL)
_CELLS = re.compile(r"\||\t|;|,(?=\S)")
_RULE = re.compile(r"^[\s|:+=-]+$")
_LEAST_CELLS = 3
_CELL_WORDS = 4
_CELL_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Structure:
    """How much of a corpus is records."""

    share: float
    """Of its documents, 0 to 1."""
    form: str
    """What most of them are."""

    @property
    def structured(self) -> bool:
        """Whether the corpus as a whole is."""
        return self.share >= STRUCTURED


def structure(texts: Sequence[str]) -> Structure:
    """Look at the documents of a corpus; without any, nothing is structured."""
    found = Counter(form for text in texts if (form := form_of(text)))
    most = found.most_common(1)
    return Structure(found.total() / len(texts) if texts else 0.0, most[0][0] if most else "")


def form_of(text: str) -> str:
    """What kind of record a document is; empty for prose."""
    if _is_json(text):
        return JSON
    lines = [line for line in text.splitlines() if line.strip() and not _RULE.match(line)]
    if not lines:
        return ""
    if _are_pairs(lines):
        return PAIRS
    if _are_rows(lines):
        return ROWS
    digits = sum(sign.isdigit() for sign in text)
    return NUMBERS if 2 * digits > sum(sign.isalnum() for sign in text) else ""


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _are_pairs(lines: Sequence[str]) -> bool:
    own = [line for line in lines if not line[0].isspace()]
    pairs = sum(map(_is_pair, own))
    return pairs > 1 and pairs >= LINES * len(own) and 2 * len(own) >= len(lines)


def _is_pair(line: str) -> bool:
    found = _PAIR.match(line)
    return found is not None and not _SENTENCE.match(found[1].strip())


def _are_rows(lines: Sequence[str]) -> bool:
    rows = [_CELLS.split(line.strip().strip("|")) for line in lines]
    if len({len(row) for row in rows}) != 1 or len(rows[0]) < _LEAST_CELLS:
        return False
    return all(len(cell) <= _CELL_LENGTH and len(cell.split()) <= _CELL_WORDS for row in rows for cell in row)
