"""Name -> factory: one registry for each family of backends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from pytest_ladder.core.names import nearest
from pytest_ladder.errors import InvalidRequest, message

T = TypeVar("T")


def unknown(where: str, family: str, name: str, known: Iterable[str]) -> InvalidRequest:
    """The error for a name that a family does not know: it lists the known names and proposes the nearest."""
    names = sorted(known)
    close = nearest(name, names)
    fault = f"there is no {family} of this name"
    next_step = f"did you mean `{close}`?" if close else None
    return InvalidRequest(message(where, fault, got=name, expected=" | ".join(names), next_step=next_step))


class Registry(Generic[T]):
    """The members of one family by name."""

    def __init__(self, family: str) -> None:
        """Begin an empty registry; `family` is what messages call a member: `retriever`."""
        self.family = family
        self._factories: dict[str, Callable[..., T]] = {}

    def add(self, name: str, factory: Callable[..., T]) -> None:
        """Register a factory; a name that is taken raises ValueError."""
        if name in self._factories:
            raise ValueError(f"{self.family} {name!r} is registered twice")
        self._factories[name] = factory

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that can be built, sorted."""
        return tuple(sorted(self._factories))

    def get(self, name: str, where: str) -> Callable[..., T]:
        """The factory of a name; one that is unknown raises InvalidRequest, whose text `where` begins."""
        if name in self._factories:
            return self._factories[name]
        raise unknown(where, self.family, name, self._factories)
