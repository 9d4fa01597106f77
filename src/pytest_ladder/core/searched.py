"""What a search of prompts came to, as it stands in the front matter of the prompt that it wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_ladder.core.answers import Usage
from pytest_ladder.core.canonical import Json, digest, short
from pytest_ladder.core.searching import Point

KEYS = ("optimizer", "search", "text", "instruction", "demonstrations", "dev", "start", "found", "used", "trajectory")
"""Keys of the front matter, besides those of any prompt, in the order written."""

_SCORE = re.compile(r"([\d.]+), ([\d.]+) to ([\d.]+)")
_USED = re.compile(r"(\d+) calls, (\d+) prompt tokens, (\d+) completion tokens, ([\d.]+) USD")
_POINT = re.compile(r"(\d+) calls: ([\d.]+) on (\d+)")


@dataclass(frozen=True, slots=True)
class DevScore:
    """A mean score on dev cases, with its one-sided bounds."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f}, {self.low:.3f} to {self.high:.3f}"


@dataclass(frozen=True, slots=True)
class Searched:
    """One search."""

    optimizer: str
    search: str
    """Digest of all that decided it."""
    text: str
    """First digits of the digest of the prompt below the front matter, as the search wrote it."""
    instruction: str
    """Where the instruction comes from."""
    demonstrations: int
    cases: int
    """Dev cases on which both scores stand."""
    start: DevScore
    """Of the prompt that the search began with."""
    found: DevScore
    """Of the prompt that it wrote; chosen among many by these very cases, so rather too high."""
    used: Usage
    """Of the whole search, replayed calls among it."""
    trajectory: tuple[Point, ...]
    edited: bool = False
    """Whether the prompt was changed since."""

    def front_matter(self) -> str:
        """The front matter of the prompt, fences included; `dev` tells the cases."""
        used = self.used
        values = {
            "version": 1,
            "description": "found by a search on dev; edit it as any prompt, and raise the version",
            "optimizer": self.optimizer, "search": self.search, "text": self.text, "instruction": self.instruction,
            "demonstrations": self.demonstrations, "dev": f"{self.cases} cases", "start": self.start,
            "found": self.found,
            "used": f"{used.calls} calls, {used.prompt_tokens} prompt tokens, {used.completion_tokens} completion "
            f"tokens, {used.cost_usd:.6f} USD",
            "trajectory": "; ".join(f"{p.calls} calls: {p.score:.3f} on {p.cases}" for p in self.trajectory),
        }  # fmt: skip
        return "".join(["---\n", *(f"{key}: {value}\n" for key, value in values.items()), "---\n"])

    def as_dict(self) -> dict[str, Json]:
        """The search as a JSON object, for reports."""
        scores = {"start": self.start, "found": self.found}
        return {
            "optimizer": self.optimizer, "search": self.search, "instruction": self.instruction,
            "demonstrations": self.demonstrations, "cases": self.cases, "edited": self.edited,
            **{key: {"mean": of.mean, "low": of.low, "high": of.high} for key, of in scores.items()},
            "calls": self.used.calls, "prompt_tokens": self.used.prompt_tokens,
            "completion_tokens": self.used.completion_tokens, "cost_usd": self.used.cost_usd,
            "trajectory": [{"calls": p.calls, "score": p.score, "cases": p.cases} for p in self.trajectory],
        }  # fmt: skip


def text_digest(body: str) -> str:
    """The first digits of the digest of a prompt's body; blank lines around it do not count."""
    return short(digest(body.strip()))


def searched(front_matter: Mapping[str, str], body: str) -> Searched | None:
    """Read what `front_matter` wrote; None where that is not there, or was changed beyond reading."""
    try:
        return Searched(
            front_matter["optimizer"], front_matter["search"], front_matter["text"], front_matter["instruction"],
            int(front_matter["demonstrations"]), int(front_matter["dev"].partition(" ")[0]),
            _score(front_matter["start"]), _score(front_matter["found"]), _usage(front_matter["used"]),
            _points(_POINT.findall(front_matter["trajectory"])), edited=text_digest(body) != front_matter["text"],
        )  # fmt: skip
    except (KeyError, ValueError):
        return None


def _score(text: str) -> DevScore:
    return DevScore(*map(float, _parts(_SCORE, text)))


def _usage(text: str) -> Usage:
    calls, prompt, completion, cost = _parts(_USED, text)
    return Usage(int(calls), int(prompt), int(completion), float(cost))


def _parts(pattern: re.Pattern[str], text: str) -> Sequence[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return found.groups()


def _points(found: Sequence[Sequence[str]]) -> tuple[Point, ...]:
    return tuple(Point(int(calls), float(score), int(cases)) for calls, score, cases in found)
