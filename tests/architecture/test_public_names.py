"""The public face: every name is there, is told of, and can be found."""

from __future__ import annotations

import inspect

import pytest

import pytest_ladder


def test_the_names_are_sorted_and_unique():
    assert pytest_ladder.__all__ == sorted(set(pytest_ladder.__all__))


@pytest.mark.parametrize("name", pytest_ladder.__all__)
def test_the_name_resolves_and_has_a_docstring_of_its_own(name: str):
    value = getattr(pytest_ladder, name)

    assert inspect.isclass(value) or callable(value)
    docstring = inspect.getdoc(value) or ""
    assert docstring.strip()
    assert not docstring.startswith(f"{name}("), "a generated signature is no docstring"


def test_dir_shows_the_public_names():
    assert set(pytest_ladder.__all__) <= set(dir(pytest_ladder))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        pytest_ladder.no_such_name  # noqa: B018
