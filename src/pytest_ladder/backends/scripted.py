"""A model that says what it is told to: for unit tests and documentation, never a stand-in in a real ladder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.errors import ModelFailed, message

Script = Mapping[str, str] | Callable[[Request], str | Reply]


@dataclass
class ScriptedModel:
    """A `Model` of `core.ports` that answers from a script and keeps every request."""

    replies: Script
    """Last message -> reply; or a function of the request. What the function raises is raised on."""
    name: str = "scripted"
    requests: list[Request] = field(default_factory=list)
    """Every request so far, in the order of arrival."""
    closed: int = 0
    """How often it was closed."""

    async def complete(self, request: Request, /) -> Reply:
        """Answer from the script; tokens are counted as words, cost and latency are 0.

        Raises:
            ModelFailed: the script has no reply for the last message.
        """
        self.requests.append(request)
        told = self.replies(request) if callable(self.replies) else self._look_up(request)
        if isinstance(told, Reply):
            return told
        asked = sum(len(str(part.get("content", "")).split()) for part in request.messages)
        return Reply(told, model_returned=self.name, prompt_tokens=asked, completion_tokens=len(told.split()))

    def _look_up(self, request: Request) -> str:
        assert not callable(self.replies)
        last = str(request.messages[-1].get("content", "")) if request.messages else ""
        if last not in self.replies:
            raise ModelFailed(message(self.name, "the script has no reply to this message", got=last))
        return self.replies[last]

    def close(self) -> None:
        """Count the call; a scripted model holds nothing."""
        self.closed += 1
