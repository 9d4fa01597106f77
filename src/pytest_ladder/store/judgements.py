"""People's word on answers: the labels that a judge is held against."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.judged import Judgement
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.faults import check_keys, text_at
from pytest_ladder.store.jsonl import read_lines
from pytest_ladder.store.paths import relative

FILE = "judgements.jsonl"
_NEEDED = ("case", "rung", "metric", "by", "at")
_EITHER = ("score", "verdict")
_MORE = ("fingerprint", "repeat")


def read_judgements(path: Path, rootdir: Path) -> tuple[Judgement, ...]:
    """Read the labels in file order; none where the file is missing.

    Args:
        path: judgements.jsonl.
        rootdir: Paths in messages are relative to it.

    Raises:
        InvalidFile: A line is not a label; `path:line` says where.
    """
    if not path.exists():
        return ()
    where = relative(path, rootdir)
    return tuple(_judgement(value, f"{where}:{number}") for number, value in read_lines(path, rootdir, torn_ok=False))


def _judgement(value: dict[str, Json], where: str) -> Judgement:
    check_keys(value, _NEEDED, (*_EITHER, *_MORE), where)
    texts = {key: text_at(value, key, where) for key in _NEEDED}
    if sum(key in value for key in _EITHER) != 1:
        raise InvalidFile(message(where, "a label has either a 'score' or a 'verdict'", got=sorted(value)))
    verdict = text_at(value, "verdict", where) if "verdict" in value else None
    fingerprint = text_at(value, "fingerprint", where) if "fingerprint" in value else ""
    return Judgement(
        texts["case"], texts["rung"], texts["metric"], texts["by"], _moment(texts["at"], where),
        _score(value, where) if "score" in value else None, verdict, fingerprint, _repeat(value, where), where,
    )  # fmt: skip


def _score(value: dict[str, Json], where: str) -> float:
    score = value["score"]
    if not isinstance(score, int | float) or isinstance(score, bool) or not 0 <= score <= 1:
        raise InvalidFile(message(where, "wrong 'score'", got=score, expected="a number from 0 to 1"))
    return float(score)


def _repeat(value: dict[str, Json], where: str) -> int:
    repeat = value.get("repeat", 0)
    if type(repeat) is not int or repeat < 0:
        raise InvalidFile(message(where, "wrong 'repeat'", got=repeat, expected="a whole number from 0"))
    return repeat


def _moment(at: str, where: str) -> datetime:
    """A moment in UTC; of a date alone its last, for the label was made in its course."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise InvalidFile(
            message(where, "wrong 'at'", got=at, expected="an ISO 8601 date or time, as 2026-01-31")
        ) from None
    if len(at) <= len("2026-01-31"):
        return datetime.combine(moment.date(), time.max, UTC)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
