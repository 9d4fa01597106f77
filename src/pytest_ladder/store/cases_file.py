"""The eval set on disk: one case a line."""

from __future__ import annotations

from pathlib import Path

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import ALL, Case, EvalSet
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.faults import check_keys, text_at, texts_at
from pytest_ladder.store.garbage import uncollected
from pytest_ladder.store.jsonl import each_line
from pytest_ladder.store.paths import relative

_OPTIONAL = ("expected", "slices", "evidence", "evidence_needed", "steps", "tools", "metadata")


def read_cases(path: Path, rootdir: Path) -> EvalSet:
    """Read an eval set.

    Raises:
        InvalidFile: No case, a case that is not as it should be, or an id used twice; `path:line` says where.
    """
    where = relative(path, rootdir)
    cases: dict[str, Case] = {}
    with uncollected():
        for number, value in each_line(path, rootdir, torn_ok=False):
            case = _case(value, number, f"{where}:{number}")
            if case.id in cases:
                fault = f"the id is taken by line {cases[case.id].line}"
                raise InvalidFile(message(f"{where}:{number}", fault, got=case.id, expected="unique case ids"))
            cases[case.id] = case
    if not cases:
        raise InvalidFile(message(where, "no cases", expected="one JSON object a line with 'id' and 'input'"))
    return EvalSet(tuple(cases.values()), path.name)


def _case(value: dict[str, Json], number: int, where: str) -> Case:
    check_keys(value, ("id", "input"), _OPTIONAL, where)
    return Case(
        id=text_at(value, "id", where),
        input=_input(value["input"], where),
        expected=value.get("expected"),
        slices=_slices(value, where),
        evidence=texts_at(value, "evidence", where),
        evidence_needed=_needed(value, where),
        steps=_objects(value, "steps", ("input", "expected"), where),
        tools=_objects(value, "tools", ("name",), where),
        metadata=_metadata(value, where),
        line=number,
    )


def _input(value: Json, where: str) -> Json:
    if not isinstance(value, str | dict) or not value or (isinstance(value, str) and not value.strip()):
        raise InvalidFile(message(where, "wrong 'input'", got=value, expected="a non-empty string or object"))
    return value


def _slices(value: dict[str, Json], where: str) -> tuple[str, ...]:
    slices = texts_at(value, "slices", where)
    if ALL in slices:
        raise InvalidFile(
            message(where, f"the slice name {ALL!r} is reserved: it is the whole set, and holds each case")
        )
    return slices


def _needed(value: dict[str, Json], where: str) -> int | None:
    if "evidence_needed" not in value:
        return None
    found, named = value["evidence_needed"], len(set(texts_at(value, "evidence", where)))
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= named:
        expected = f"a whole number from 1 to {named}, of its `evidence`" if named else "`evidence` beside it"
        raise InvalidFile(message(where, "wrong 'evidence_needed'", got=found, expected=expected))
    return found


def _objects(value: dict[str, Json], key: str, needed: tuple[str, ...], where: str) -> tuple[Json, ...]:
    if key not in value:
        return ()
    found = value[key]
    shape = f"a list of objects with {' and '.join(map(repr, needed))}"
    if not isinstance(found, list):
        raise InvalidFile(message(where, f"wrong {key!r}", got=found, expected=shape))
    for item in found:
        if not isinstance(item, dict) or any(name not in item for name in needed):
            raise InvalidFile(message(where, f"wrong item in {key!r}", got=item, expected=shape))
    return tuple(found)


def _metadata(value: dict[str, Json], where: str) -> dict[str, Json]:
    found = value.get("metadata", {})
    if not isinstance(found, dict):
        raise InvalidFile(message(where, "wrong 'metadata'", got=found, expected="an object"))
    return found
