"""The escalation log: one canonical JSON object a line, each under the digest of its own content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pytest_ladder.core.canonical import Json, canonical, digest
from pytest_ladder.core.entries import SCHEMA, DecisionEntry, Entry, RungEntry, Verdict
from pytest_ladder.core.rungs import Kind
from pytest_ladder.errors import Altered, InvalidFile, message
from pytest_ladder.store.faults import check_keys, names, unknown
from pytest_ladder.store.jsonl import read_lines, replace_file, torn
from pytest_ladder.store.paths import relative

_Types = tuple[type, ...]
_TEXT: _Types = (str,)
_COUNT: _Types = (int,)
_NUMBER: _Types = (int, float)
_LIST: _Types = (list,)
_TABLE: _Types = (dict,)
_MAYBE_TEXT: _Types = (str, type(None))
_MAYBE_NUMBER: _Types = (int, float, type(None))
_ANY: _Types = (object,)

_RUNG: Mapping[str, _Types] = {
    "schema": _COUNT, "kind": _TEXT, "ladder": _TEXT, "rung": _TEXT, "rung_kind": _TEXT, "at": _TEXT,
    "evalset": _TEXT, "contract": _TEXT, "fingerprint": _TEXT, "answers": _TEXT, "model": _MAYBE_TEXT,
    "model_returned": _LIST, "cases": _COUNT, "repeats": _COUNT, "scores": _TABLE, "limits": _TABLE,
    "errors": _COUNT, "verdict": _TEXT, "diagnosis": _TABLE, "ceilings": _TABLE, "reason": _TEXT, "after": _LIST,
    "usage": _TABLE, "latency": _TABLE, "artifacts": _TABLE, "environment": _TABLE, "waiver": _ANY, "id": _TEXT,
}  # fmt: skip
_DECISION: Mapping[str, _Types] = {
    "schema": _COUNT, "kind": _TEXT, "ladder": _TEXT, "at": _TEXT, "selected": _MAYBE_TEXT, "rests_on": _LIST,
    "recommendation": _TEXT, "reason": _TEXT, "id": _TEXT,
}  # fmt: skip
_FIGURE: Mapping[str, _Types] = {
    "mean": _MAYBE_NUMBER, "n": _COUNT, "low": _MAYBE_NUMBER, "high": _MAYBE_NUMBER, "unscored": _COUNT,
}  # fmt: skip
_USAGE: Mapping[str, _Types] = {
    "calls": _COUNT, "prompt_tokens": _COUNT, "completion_tokens": _COUNT, "cost_usd": _NUMBER,
}  # fmt: skip
_SHAPES = {"rung": _RUNG, "decision": _DECISION}
_TEXT_LISTS = ("model_returned", "after", "rests_on")
_VALUES: Mapping[str, _Types] = {"diagnosis": _COUNT, "artifacts": _TEXT, "latency": _MAYBE_NUMBER}
_NAMES = {
    str: "a string", int: "an integer", float: "a number", list: "a list", dict: "an object", type(None): "null",
}  # fmt: skip


def read_log(path: Path, rootdir: Path) -> tuple[Entry, ...]:
    """Read the entries in file order, each id once; none where the file is missing.

    Raises:
        InvalidFile: A line is not an entry, or a conflict marker; the message begins with `path:line`.
        Altered: An entry's id is not the digest of its content.
    """
    if not path.exists():
        return ()
    where = relative(path, rootdir)
    entries: dict[str, Entry] = {}
    for number, value in read_lines(path, rootdir, torn_ok=True):
        entry = _entry(value, f"{where}:{number}")
        entries.setdefault(entry.id, entry)
    return tuple(entries.values())


def append_entries(path: Path, entries: Sequence[Entry]) -> None:
    """Append entries; what stands in the file stays byte for byte, apart from a last line that was cut short.

    Raises:
        ValueError: An entry is not sealed: it has no id, or its id is not that of its content.
    """
    for entry in entries:
        body = entry.as_dict()
        if body.pop("id", None) != digest(body):
            raise ValueError(f"an entry must be sealed before it is appended, got id={entry.id!r}")
    if entries:
        lines = b"".join(canonical(entry.as_dict()) + b"\n" for entry in entries)
        replace_file(path, _whole_lines(path) + lines)


def _whole_lines(path: Path) -> bytes:
    data = path.read_bytes() if path.exists() else b""
    tail = data.rpartition(b"\n")[2]
    if not tail:
        return data
    if torn(tail):
        return data[: len(data) - len(tail)]
    return data + b"\n"


def _entry(value: dict[str, Json], where: str) -> Entry:
    shape = _shape(value, where)
    check_keys(value, shape, (), where)
    _check_types(value, shape, where, "")
    for key in _TEXT_LISTS:
        if not all(isinstance(item, str) for item in value.get(key, ())):
            raise InvalidFile(message(where, f"wrong {key!r}", got=value[key], expected="a list of strings"))
    if shape is _RUNG:
        _check_rung(value, where)
    _check_id(value, where)
    return RungEntry.from_dict(value) if shape is _RUNG else DecisionEntry.from_dict(value)


def _shape(value: dict[str, Json], where: str) -> Mapping[str, _Types]:
    if value.get("schema") != SCHEMA:
        raise InvalidFile(
            message(
                where,
                "wrong 'schema'",
                got=value.get("schema"),
                expected=str(SCHEMA),
                next_step="the entry may be written by a later version of pytest-ladder",
            )
        )
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _SHAPES:
        raise InvalidFile(message(where, "wrong 'kind'", got=kind, expected=names(_SHAPES)))
    return _SHAPES[kind]


def _check_types(value: Mapping[str, Json], shape: Mapping[str, _Types], where: str, within: str) -> None:
    for key, types in shape.items():
        found = value[key]
        if not isinstance(found, types) or (isinstance(found, bool) and types is not _ANY):
            expected = names(dict.fromkeys(_NAMES[one] for one in types))
            raise InvalidFile(message(where, f"wrong {within + key!r}", got=found, expected=expected))


def _check_rung(value: dict[str, Json], where: str) -> None:
    _check_time(value["at"], where)
    for key, choices in (("rung_kind", list(Kind)), ("verdict", list(Verdict))):
        if value[key] not in choices:
            raise InvalidFile(unknown(where, key, value[key], choices))
    check_keys(value["usage"], _USAGE, (), where)
    _check_types(value["usage"], _USAGE, where, "usage.")
    for key, types in _VALUES.items():
        _check_types(value[key], dict.fromkeys(value[key], types), where, f"{key}.")
    for metric, slices in value["scores"].items():
        _check_types(value["scores"], {metric: _TABLE}, where, "scores.")
        for name, figure in slices.items():
            _check_types(slices, {name: _TABLE}, where, f"scores.{metric}.")
            check_keys(figure, _FIGURE, (), where)
            _check_types(figure, _FIGURE, where, f"scores.{metric}.{name}.")


def _check_time(at: str, where: str) -> None:
    try:
        datetime.fromisoformat(at)
    except ValueError:
        raise InvalidFile(message(where, "wrong 'at'", got=at, expected="a time, as 2026-01-31T10:00:00Z")) from None


def _check_id(value: dict[str, Json], where: str) -> None:
    content = digest({key: item for key, item in value.items() if key != "id"})
    if value["id"] != content:
        raise Altered(
            message(
                where,
                "the entry was altered: its id is not the digest of its content",
                got=value["id"],
                expected=content,
                next_step="restore the line from git",
            )
        )
