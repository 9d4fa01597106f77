"""What a model is told of a tool, read from the function."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

import pytest

from pytest_ladder.core.tool_schema import describe, fitted, read_docstring
from pytest_ladder.errors import InvalidFile

if TYPE_CHECKING:
    from pytest_ladder.core.cases import Question


def look_up(number: str, limit: int = 5, exact: bool = False, weight: float = 1, case: Question | None = None) -> str:
    """Look an order up,
    by its number.

    Use it before anything else.

    Args:
        number: The order's number,
            as on the bill: eight digits.
        limit (int): Most lines.

    Returns:
        number: not this.
    """
    return number


def described(function: Callable[..., Any]) -> Any:
    return describe(function, getattr(function, "__name__", "f"), "ladder.toml:3: [rungs.a] tools")


def schema_of(hint: Any) -> Any:
    def tool(x: Any) -> None:
        """Do it."""

    tool.__annotations__["x"] = hint
    return described(tool).parameters["properties"]["x"]


def test_name_words_and_parameters_come_from_the_function():
    found = described(look_up)

    assert found.name == "look_up"
    assert found.description == "Look an order up, by its number.\nUse it before anything else."
    assert found.takes_case
    assert found.parameters == {
        "type": "object", "required": ["number"], "additionalProperties": False,
        "properties": {
            "number": {"type": "string", "description": "The order's number, as on the bill: eight digits."},
            "limit": {"type": "integer", "description": "Most lines.", "default": 5},
            "exact": {"type": "boolean", "default": False},
            "weight": {"type": "number", "default": 1},
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        ("list[str]", {"type": "array", "items": {"type": "string"}}),
        (list, {"type": "array"}),
        (dict, {"type": "object"}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (list[dict[str, list[bool]]], {"type": "array", "items": {"type": "object", "additionalProperties": {
            "type": "array", "items": {"type": "boolean"}}}}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),  # noqa: UP045
        ("None | list[str]", {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]}),
    ],
)  # fmt: skip
def test_a_type_becomes_a_schema(hint: Any, schema: Any):
    assert schema_of(hint) == schema


@pytest.mark.parametrize(
    "hint",
    [bytes, complex, tuple[int, int], set[str], Any, object, int | str, Union[int, str, None], dict[int, str],  # noqa: UP007
     list[bytes], Literal[b"a"], Callable, None, "Question"],
    ids=str,
)  # fmt: skip
def test_another_type_is_told_with_the_parameter(hint: Any):
    with pytest.raises(InvalidFile) as told:
        schema_of(hint)

    assert str(told.value).startswith("ladder.toml:3: [rungs.a] tools: tool: parameter x: its type cannot be ")
    assert "expected str, int, float, bool, Literal, list, dict, or one of these `| None`" in str(told.value)


def bare(x):
    """Do it."""


def rest(*words: str):
    """Do it."""


def keys(**words: str):
    """Do it."""


def first(x: str, /):
    """Do it."""


def silent(x: str):
    pass


def wrong_default(x: int = "5"):  # type: ignore[assignment]
    """Do it."""


def none_default(x: str = None):  # type: ignore[assignment]  # noqa: RUF013
    """Do it."""


def object_default(x: dict = {1: 2}):  # type: ignore[type-arg]  # noqa: B006
    """Do it."""


def whole_as_float(x: int = 5.0):  # type: ignore[assignment]
    """Do it."""


class Klass:
    """Do it."""


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (bare, "bare: parameter x: it has no type; expected str"),
        (rest, "rest: a parameter that the model cannot name, got 'words'"),
        (keys, "keys: a parameter that the model cannot name"),
        (first, "first: a parameter that the model cannot name, got 'x'"),
        (silent, "silent: the tool has no docstring. Say in a docstring what it does"),
        (wrong_default, "wrong_default: parameter x: its default does not fit its type, got '5'"),
        (none_default, "none_default: parameter x: its default does not fit its type"),
        (object_default, "object_default: parameter x: its default does not fit its type, got {1: 2}"),
        (Klass, "Klass: it is a class, not a function"),
        (lambda x: x, "tools: a tool of this name cannot be offered, got '<lambda>'"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_function_that_cannot_be_offered_is_told(function: Any, told: str):
    with pytest.raises(InvalidFile) as error:
        described(function)

    assert told in str(error.value)


def test_a_decorated_function_and_a_method_are_read_as_they_are():
    @functools.wraps(look_up)
    def wrapper(*args: Any, **kwargs: Any) -> str:
        return look_up(*args, **kwargs)

    class Shop:
        def __call__(self, number: str) -> str:
            """Look up."""
            return number

        def find(self, number: str) -> str:
            """Find."""
            return number

    assert described(wrapper) == described(look_up)
    assert list(described(Shop().find).parameters["properties"]) == ["number"]
    assert list(describe(functools.partial(look_up), "part", "x").parameters["properties"]) == [
        "number", "limit", "exact", "weight"
    ]  # fmt: skip


def test_a_docstring_without_sections_is_all_description():
    assert read_docstring("Do it.\n\nNote: it is slow.") == ("Do it.\nNote: it is slow.", {})
    assert read_docstring("") == ("", {})
    assert read_docstring("Do.\n\nArgs:\n  a: one\n  b (str, optional): two:\n    more\n  c:\n    three\n")[1] == {
        "a": "one", "b": "two: more", "c": "three"
    }  # fmt: skip


def test_whole_numbers_are_ints_where_ints_are_asked_for():
    numbers: dict[str, Any] = {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]}
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "number"}, "c": numbers}}

    made = fitted({"a": 3.0, "b": 3.0, "c": [1.0, 2]}, schema)

    assert [type(made["a"]), type(made["b"]), [type(one) for one in made["c"]]] == [int, float, [int, int]]
    assert fitted({"c": None}, schema) == {"c": None}
