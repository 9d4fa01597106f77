"""What a search of prompts came to: the dev score against the calls that it took."""

from __future__ import annotations

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.searched import DevScore, Searched
from pytest_ladder.core.summary import RungRow
from pytest_ladder.report import numbers

EDITED = "edited since"
_MOST_POINTS = 6


def searched_words(row: RungRow) -> str:
    """One line on the search that wrote a rung's prompt; empty where none did."""
    found = row.searched
    if found is None:
        return ""
    parts = [
        f"dev {numbers.score(found.start.mean)} -> {_bounded(found.found)} on {numbers.plural(found.cases, 'case')}",
        _spent(found), f"{numbers.plural(found.demonstrations, 'demonstration')}, {found.optimizer}",
        *([EDITED] if found.edited else []),
    ]  # fmt: skip
    return f"searched: {'; '.join(parts)}"


def _bounded(score: DevScore) -> str:
    return f"{numbers.score(score.mean)} [{numbers.score(score.low)}, {numbers.score(score.high)}]"


def _spent(found: Searched) -> str:
    """The calls, and the best score on all cases after so many of them."""
    whole = [point for point in found.trajectory if point.cases == found.cases]
    steps = whole if len(whole) <= _MOST_POINTS else [*whole[: _MOST_POINTS - 1], whole[-1]]
    told = ", ".join(f"{numbers.score(point.score)} after {numbers.count(point.calls)}" for point in steps)
    return f"{numbers.plural(found.used.calls, 'call')}, {numbers.money(found.used.cost_usd)} ({told})"


def searched_json(found: Searched | None) -> Json:
    """The search as JSON; None where there was none."""
    return found.as_dict() if found else None


def searched_schema() -> Json:
    """The JSON Schema of what `searched_json` writes."""
    share: Json = {"type": "number", "minimum": 0, "maximum": 1}
    count: Json = {"type": "integer", "minimum": 0}
    text: Json = {"type": "string"}
    score = _object({"mean": share, "low": share, "high": share})
    return _object({
        "optimizer": text, "search": {**text, "description": "Digest of all that decided it."}, "instruction": text,
        "demonstrations": count, "cases": {**count, "description": "Dev cases that both scores stand on."},
        "edited": {"type": "boolean", "description": "Whether the prompt was changed since."},
        "start": {**score, "description": "Of the prompt that it began with, with one-sided bounds."},
        "found": {**score, "description": "Of the prompt that it chose by these very cases: rather too high."},
        "calls": {**count, "description": "Of the whole search, replayed ones among them."}, "prompt_tokens": count,
        "completion_tokens": count, "cost_usd": {"type": "number", "minimum": 0},
        "trajectory": {
            "type": "array", "items": _object({"calls": count, "score": share, "cases": count}),
            "description": "The best prompt's score after so many calls, on so many cases.",
        },
    })  # fmt: skip


def _object(properties: dict[str, Json]) -> Json:
    return {"type": "object", "properties": properties, "required": sorted(properties), "additionalProperties": False}
