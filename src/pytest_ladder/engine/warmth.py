"""Which models have answered before in this process: a first call may wait for a start, a later one does not."""

from __future__ import annotations

from weakref import WeakValueDictionary

from pytest_ladder.core.ports import Model

_answered: WeakValueDictionary[int, Model] = WeakValueDictionary()


def is_cold(model: Model) -> bool:
    """Whether a model has given no reply yet."""
    return _answered.get(id(model)) is not model


def warmed(model: Model) -> None:
    """Note that a model has given a reply."""
    if is_cold(model):
        _answered[id(model)] = model
