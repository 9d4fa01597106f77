"""Corpora and worked examples on disk: one object a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_ladder.core.canonical import Json, canonical
from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.ports import Document, Example
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.faults import check_keys, text_at
from pytest_ladder.store.jsonl import read_lines
from pytest_ladder.store.paths import relative


def read_documents(path: Path, rootdir: Path) -> tuple[Document, ...]:
    """Read a corpus in file order: `{"id", "text", "title"?, "metadata"?}` a line.

    Raises:
        InvalidFile: No document, one that is not as it should be, or an id used twice; `path:line` says where.
    """
    where = relative(path, rootdir)
    documents: list[Document] = []
    lines: dict[str, int] = {}
    for number, value in read_lines(path, rootdir, torn_ok=False):
        document = _document(value, f"{where}:{number}")
        if document.id in lines:
            fault = f"the id is taken by line {lines[document.id]}"
            raise InvalidFile(message(f"{where}:{number}", fault, got=document.id, expected="unique document ids"))
        lines[document.id] = number
        documents.append(document)
    if not documents:
        raise InvalidFile(message(where, "no documents", expected="one JSON object a line with 'id' and 'text'"))
    return tuple(documents)


def _document(value: dict[str, Json], where: str) -> Document:
    check_keys(value, ("id", "text"), ("title", "metadata"), where)
    title = value.get("title", "")
    if not isinstance(title, str):
        raise InvalidFile(message(where, "wrong 'title'", got=title, expected="a string"))
    metadata = value.get("metadata", {})
    if not isinstance(metadata, dict):
        raise InvalidFile(message(where, "wrong 'metadata'", got=metadata, expected="an object"))
    return Document(text_at(value, "id", where), text_at(value, "text", where), title, metadata)


def read_examples(path: Path, rootdir: Path, evalset: EvalSet) -> tuple[Example, ...]:
    """Read worked examples in file order: `{"input", "expected", "id"?, "metadata"?}` a line.

    Args:
        path: The file.
        rootdir: Paths in messages are relative to it.
        evalset: No example may ask what one of its cases asks, white space and upper case apart.

    Raises:
        InvalidFile: No example, one that is not as it should be, or one that is a case; `path:line` says where.
    """
    where = relative(path, rootdir)
    taken = {comparable(case.input): case for case in evalset}
    examples: list[Example] = []
    for number, value in read_lines(path, rootdir, torn_ok=False):
        example = _example(value, f"{where}:{number}")
        case = taken.get(comparable(example.input))
        if case:
            raise _leak(value, case, evalset, f"{where}:{number}")
        examples.append(example)
    if not examples:
        raise InvalidFile(message(where, "no examples", expected="one JSON object a line with 'input' and 'expected'"))
    return tuple(examples)


def read_pool(path: Path, rootdir: Path, evalsets: Sequence[EvalSet]) -> tuple[Case, ...]:
    """Read worked examples as cases, none of which is one of the sets' cases; ids are `example-1`, `example-2`, ...

    Raises:
        InvalidFile: As `read_examples` does.
    """
    for evalset in evalsets:
        read_examples(path, rootdir, evalset)
    read = read_lines(path, rootdir, torn_ok=False)
    return tuple(
        Case(
            f"example-{place}", value["input"], value["expected"], tuple(value.get("slices") or ()),
            metadata=value.get("metadata") or {}, line=number,
        )
        for place, (number, value) in enumerate(read, 1)
    )  # fmt: skip


def shared_case(cases: EvalSet, others: EvalSet) -> tuple[Case, Case] | None:
    """A case, and the one of another set that asks the same, white space and upper case apart; None for none."""
    known = {comparable(case.input): case for case in others}
    return next(((case, known[key]) for case in cases if (key := comparable(case.input)) in known), None)


def comparable(value: Json) -> bytes:
    """An input as it counts for likeness: white space runs and upper case do not matter."""
    return canonical(_folded(value))


def _folded(value: Json) -> Json:
    if isinstance(value, str):
        return " ".join(value.casefold().split())
    if isinstance(value, dict):
        return {key: _folded(item) for key, item in value.items()}
    return [_folded(item) for item in value] if isinstance(value, list) else value


def _example(value: dict[str, Json], where: str) -> Example:
    check_keys(value, ("input", "expected"), ("id", "slices", "metadata"), where)
    found = value["input"]
    if not isinstance(found, str | dict) or not found:
        raise InvalidFile(message(where, "wrong 'input'", got=found, expected="a non-empty string or object"))
    return Example(found, value["expected"])


def _leak(value: dict[str, Json], case: Case, evalset: EvalSet, where: str) -> InvalidFile:
    name = f"the example {value['id']!r}" if isinstance(value.get("id"), str) else "the example"
    fault = f"{name} is the case {case.id!r} ({evalset.name}:{case.line}): what is asked must not be shown"
    return InvalidFile(message(where, fault, next_step="take the example out, or write one of your own"))
