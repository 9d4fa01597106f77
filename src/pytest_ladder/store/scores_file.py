"""Scores without texts: what is committed where the answers themselves may not be.

Two kinds of line. One an answer: what it took. One an answer and metric: its score. Both carry a keyed digest of the
answer, which only a holder of the key can compare with a text.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_ladder.core.answers import Answer, Record, Usage
from pytest_ladder.core.canonical import Json, canonical, normalised, rounded, short
from pytest_ladder.core.scores import Outcome, Score, Unscored
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.faults import check_keys, text_at, texts_at
from pytest_ladder.store.jsonl import read_lines, replace_file
from pytest_ladder.store.paths import relative
from pytest_ladder.store.recordings import FOLDER

SCORES = "scores"
SCHEMA = 1
_PLACE = ("schema", "case", "input_digest", "repeat", "answer")
_ANSWER = ("latency_s", "usage", "model_returned")
_USAGE = ("calls", "prompt_tokens", "completion_tokens", "cost_usd")
_VERSION = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """What may be known of an answer without its text."""

    case: str
    input_digest: str
    repeat: int
    answer: str
    """Keyed digest of the answer."""
    outcomes: Mapping[str, Outcome]
    """Metric -> score; of an unscored answer the reason is left out, since it may quote the answer."""
    latency_s: float = 0.0
    usage: Usage = field(default_factory=Usage)
    model_returned: tuple[str, ...] = ()


def scores_path(folder: Path, rung: str, fingerprint: str) -> Path:
    """Where the scores of one version of a rung lie; the fingerprint may be its first 12 digits."""
    return folder / SCORES / rung / f"{short(fingerprint)}.jsonl"


def scores_versions(folder: Path) -> list[tuple[str, str]]:
    """(rung id, first 12 digits of the fingerprint) of each version that has scores, sorted."""
    found = (folder / SCORES).glob("*/*.jsonl")
    return sorted((path.parent.name, path.stem) for path in found if _VERSION.fullmatch(path.stem))


def answer_digest(answer: Answer, key: bytes) -> str:
    """Keyed digest of an answer: HMAC-SHA256 over its canonical JSON."""
    return "hmac-sha256:" + hmac.new(key, canonical(normalised(answer.as_dict())), "sha256").hexdigest()


def local_key(folder: Path) -> bytes:
    """The ladder's key, made at the first call: 32 random bytes in `recordings/.key`, for its owner's eyes only.

    Raises:
        InvalidFile: The file is there and holds no key.
    """
    path = folder / FOLDER / ".key"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _make_key(path)
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        key = b""
    if len(key) < 16:
        raise InvalidFile(message(f"{FOLDER}/.key", "the file holds no key", next_step="remove it: a new one is made"))
    return key


def _make_key(path: Path) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    try:
        os.write(fd, secrets.token_hex(32).encode())
    finally:
        os.close(fd)


def write_scores(
    folder: Path, rung: str, fingerprint: str, rows: Iterable[tuple[Record, Mapping[str, Outcome]]], key: bytes,
    keep: Collection[str] = (),
) -> Path:  # fmt: skip
    """Write the scores of a version, in place of what was written before; equal content leaves the file untouched.

    Args:
        folder: The ladder's folder.
        rung: The rung's id.
        fingerprint: The version's digest.
        rows: Each answer with its outcome by metric.
        key: From `local_key`.
        keep: Input digests whose lines stay, unless they are among the rows: those of the ladder's other set of cases.

    Returns:
        The file.
    """
    lines = [line for record, outcomes in rows for line in _lines(record, outcomes, key)]
    path = scores_path(folder, rung, fingerprint)
    lines += _kept(path, set(keep) - {str(line["input_digest"]) for line in lines})
    ordered = sorted(
        lines, key=lambda line: (line["case"], line["input_digest"], line["repeat"], line.get("metric", ""))
    )
    data = b"".join(canonical(rounded(line)) + b"\n" for line in ordered)
    if not path.exists() or path.read_bytes() != data:
        replace_file(path, data)
    return path


def _kept(path: Path, keep: Collection[str]) -> Iterator[dict[str, Json]]:
    """The lines of a file that stay as they are; what is no line of scores goes."""
    for line in path.read_bytes().splitlines() if keep and path.exists() else ():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and value.get("input_digest") in keep and {*_PLACE} <= value.keys():
            yield value


def _lines(record: Record, outcomes: Mapping[str, Outcome], key: bytes) -> Iterable[dict[str, Json]]:
    place = {
        "schema": SCHEMA, "case": record.case, "input_digest": record.input_digest, "repeat": record.repeat,
        "answer": answer_digest(record.answer, key),
    }  # fmt: skip
    usage = record.usage
    yield {
        **place, "latency_s": record.latency_s, "usage": {name: getattr(usage, name) for name in _USAGE},
        "model_returned": sorted({call.reply.model_returned for call in record.calls}),
    }  # fmt: skip
    for metric, outcome in outcomes.items():
        said: dict[str, Json] = {"unscored": True}
        if isinstance(outcome, Score):
            said = {"score": float(outcome.value)}
        elif outcome.unjudged:
            said["unjudged"] = True
        yield {**place, "metric": metric, **said}


def read_scores(folder: Path, rung: str, fingerprint: str, rootdir: Path) -> tuple[ScoredAnswer, ...]:
    """Read the scores of a version, sorted by case; none where the file is missing.

    Raises:
        InvalidFile: A line is not as it should be, or a score belongs to no answer; `path:line` says where.
    """
    path = scores_path(folder, rung, fingerprint)
    where = relative(path, rootdir)
    answers: dict[tuple[str, str, int], dict[str, Json]] = {}
    outcomes: dict[tuple[str, str, int], dict[str, Outcome]] = {}
    for number, value in read_lines(path, rootdir, torn_ok=False) if path.exists() else ():
        at = f"{where}:{number}"
        place = _place(value, at)
        if "metric" in value:
            if answers.get(place, {}).get("answer") != value["answer"]:
                raise InvalidFile(message(at, "a score that belongs to no answer above it", got=value["case"]))
            outcomes[place][text_at(value, "metric", at)] = _outcome(value, at)
        else:
            _check_answer(value, at)
            answers[place], outcomes[place] = value, {}
    return tuple(_scored(place, answers[place], outcomes[place]) for place in answers)


def _place(value: dict[str, Json], where: str) -> tuple[str, str, int]:
    extra = ("metric", "score", "unscored", "unjudged") if "metric" in value else _ANSWER
    check_keys(value, _PLACE, extra, where)
    if value["schema"] != SCHEMA or type(value["repeat"]) is not int:
        got = {"schema": value["schema"], "repeat": value["repeat"]}
        raise InvalidFile(message(where, "wrong line", got=got, expected=f"schema {SCHEMA}, and an integer repeat"))
    text_at(value, "answer", where)
    return text_at(value, "case", where), text_at(value, "input_digest", where), value["repeat"]


def _outcome(value: dict[str, Json], where: str) -> Outcome:
    score = value.get("score")
    if "score" not in value and value.get("unscored") is True:
        return Unscored("not scored when it was answered", unjudged=value.get("unjudged") is True)
    if not isinstance(score, int | float) or isinstance(score, bool) or not 0 <= score <= 1 or "unscored" in value:
        raise InvalidFile(message(where, "wrong 'score'", got=score, expected="a number from 0 to 1"))
    return Score(float(score))


def _check_answer(value: dict[str, Json], where: str) -> None:
    check_keys(value, (*_PLACE, *_ANSWER), (), where)
    texts_at(value, "model_returned", where)
    usage = value["usage"]
    if not isinstance(usage, dict):
        raise InvalidFile(message(where, "wrong 'usage'", got=usage, expected="an object"))
    check_keys(usage, _USAGE, (), where)
    for name, number in {**usage, "latency_s": value["latency_s"]}.items():
        if not isinstance(number, int | float) or isinstance(number, bool) or number < 0:
            raise InvalidFile(message(where, f"wrong {name!r}", got=number, expected="a number from 0"))


def _scored(place: tuple[str, str, int], value: dict[str, Json], outcomes: dict[str, Outcome]) -> ScoredAnswer:
    usage = value["usage"]
    spent = Usage(usage["calls"], usage["prompt_tokens"], usage["completion_tokens"], float(usage["cost_usd"]))
    return ScoredAnswer(
        *place, value["answer"], outcomes, float(value["latency_s"]), spent, tuple(value["model_returned"])
    )
