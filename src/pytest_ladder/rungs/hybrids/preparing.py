"""Systems that other systems use: each is prepared once."""

from __future__ import annotations

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Prepared, System


class Once:
    """A system that several others use: what comes before the first question is done for the first of them alone."""

    def __init__(self, system: System) -> None:
        """Wrap a system."""
        self._system = system
        self._prepared = False

    async def prepare(self) -> None:
        """Prepare the system, where that is still to be done; not to be called twice at the same time."""
        if not self._prepared:
            await prepare_system(self._system)
            self._prepared = True

    async def answer(self, question: Question, /) -> Answer:
        """Let it answer."""
        return await self._system.answer(question)


async def prepare_system(system: System) -> None:
    """Let a system do what it has to do before the first question."""
    if isinstance(system, Prepared):
        await system.prepare()
