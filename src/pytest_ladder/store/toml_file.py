"""TOML files checked against their models: every fault at once, each with its line."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.names import mend
from pytest_ladder.core.places import Path as Place
from pytest_ladder.core.places import Source
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.faults import names
from pytest_ladder.store.jsonl import LARGEST, conflict_marker
from pytest_ladder.store.paths import read_text, relative
from pytest_ladder.store.schema import TABLES
from pytest_ladder.store.schema_types import Fault, Table
from pytest_ladder.store.toml_lines import locate

_T = TypeVar("_T", bound=Table)
_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True)
class Problem:
    """One fault of a document, with its place."""

    line: int
    text: str


class Document:
    """A TOML file, its values, and the faults found in it so far.

    Raises:
        InvalidFile: The file cannot be read, or is not TOML.
    """

    def __init__(self, path: Path, rootdir: Path) -> None:
        self.where = relative(path, rootdir)
        text = read_text(path, self.where, empty_ok=True)
        self.values = _parse(text, self.where)
        self.lines = locate(text)
        self.source = Source(self.where, self.lines)
        self.problems: list[Problem] = []
        for place, fault in _no_json(self.values, ()):
            self.report(place, fault)

    def report(
        self, place: Place, fault: str, *, got: object = None, expected: str | None = None, next_step: str | None = None
    ) -> None:
        """Note a fault at a key."""
        told = message(self.source.at(*place), fault, got=got, expected=expected, next_step=next_step)
        self.problems.append(Problem(self.lines.of(place), told))

    def check(
        self, model: type[_T], value: Json, place: Place = (), elsewhere: Mapping[str, str] | None = None
    ) -> _T | None:
        """Check a table against its model; its faults are noted, and None is returned where there are any.

        Args:
            model: What the table may hold.
            value: The table.
            place: Where it stands.
            elsewhere: Key that is unknown here -> the next step for whoever writes it.
        """
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self._report(detail, model, place, elsewhere or {})
            return None

    def _report(self, detail: ErrorDetails, model: type[Table], place: Place, elsewhere: Mapping[str, str]) -> None:
        inner: Place = tuple(part for part in detail["loc"] if part != "[key]")
        whole = (*place, *inner)
        kind, got = detail["type"], detail["input"]
        if kind == "extra_forbidden":
            self._unknown(whole, _table_at(model, inner).keys(), elsewhere if len(inner) == 1 else {})
        elif kind == "missing":
            self.report(whole, "the key is missing")
        else:
            fault = detail.get("ctx", {}).get("error")
            step = fault.next_step if isinstance(fault, Fault) else None
            expected = fault.expected if isinstance(fault, Fault) else _expected(detail)
            self.report(whole, str(fault or "wrong value"), got=got, expected=expected, next_step=step)

    def _unknown(self, place: Place, known: Iterable[str], elsewhere: Mapping[str, str]) -> None:
        choices = list(known)
        step = elsewhere.get(str(place[-1])) or mend(str(place[-1]), choices)
        self.report(place, "unknown key", got=place[-1], expected=names(choices), next_step=step)

    def finish(self) -> None:
        """Raise InvalidFile with every fault noted, in the order of their lines; nothing where there is none."""
        if self.problems:
            ordered = sorted(self.problems, key=lambda problem: problem.line)
            raise InvalidFile("\n".join(dict.fromkeys(problem.text for problem in ordered)))


def _parse(text: str, where: str) -> dict[str, Json]:
    for number, line in enumerate(text.split("\n"), start=1):
        if conflict_marker(line.encode()):
            raise InvalidFile(
                message(f"{where}:{number}", "a conflict marker of git", next_step="resolve the merge in this file")
            )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _POSITION.search(str(error))
        line, column = (found[1], found[2]) if found and found[1] else (str(text.rstrip("\n").count("\n") + 1), "")
        place = f"at column {column}" if column else "at the end of the file"
        fault = _POSITION.sub("", str(error))
        raise InvalidFile(message(f"{where}:{line}", f"not TOML {place}: {fault[0].lower()}{fault[1:]}")) from None
    except RecursionError:
        raise InvalidFile(message(where, "nested too deeply")) from None


def _no_json(value: Json, place: Place) -> Iterable[tuple[Place, str]]:
    """Places of numbers that JSON cannot hold: they would have no digest."""
    if isinstance(value, float) and not math.isfinite(value):
        yield place, f"{value} is not a number that can be used"
    elif isinstance(value, int) and abs(value) > LARGEST:
        yield place, "the integer is beyond 2**53"
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _no_json(item, (*place, key))


def _table_at(model: type[Table], inner: Place) -> type[Table]:
    """The model of the table that holds a key."""
    return TABLES.get(str(inner[0]), model) if len(inner) > 1 else model


def _expected(detail: ErrorDetails) -> str:
    if detail["type"] == "too_short" and detail["ctx"]["field_type"] == "List":
        return f"a list of at least {detail['ctx']['min_length']}"
    text = detail["msg"]
    for opening in ("Input should be ", "Input should "):
        if text.startswith(opening):
            return text.removeprefix(opening).removeprefix("a valid ").replace("instance of ", "")
    return text[0].lower() + text[1:]
