"""Takes secrets and personal data out of an answer before anything is written or scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pytest_ladder.core.answers import Answer, Call, Record
from pytest_ladder.core.canonical import Json
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.secrets import Redactor


@dataclass(frozen=True)
class Scrubber:
    """Applies the secrets filter, then the user's own `[privacy] redact` functions, to every text of a record."""

    secrets: Redactor
    redact: Sequence[Callable[[str], str]] = ()

    def text(self, text: str) -> str:
        """One text, scrubbed.

        Raises:
            InvalidFile: a redactor raised, or gave something else than a text; nothing is to be written.
        """
        text = self.secrets.clean(text)
        for function in self.redact:
            text = _redacted(function, text)
        return text

    def value(self, value: Json) -> Json:
        """A JSON value with every text in it scrubbed; keys stay."""
        if not value:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def record(self, record: Record) -> Record:
        """A record with its answer and its model calls scrubbed; ids of documents stay."""
        answer = record.answer
        clean = Answer(
            self.text(answer.text), self.value(answer.parsed), answer.retrieved,
            tuple(self.value(answer.tool_calls)), tuple(self.value(answer.steps)), self.value(answer.validation),
            answer.finish_reason,
        )  # fmt: skip
        return replace(record, answer=clean, calls=tuple(map(self.call, record.calls)))

    def call(self, call: Call) -> Call:
        """A model call with its reply scrubbed."""
        reply = call.reply
        tools = tuple(self.value(reply.tool_calls))
        return replace(call, reply=replace(reply, text=self.text(reply.text), tool_calls=tools))


def _redacted(function: Callable[[str], str], text: str) -> str:
    where = f"[privacy] redact: {getattr(function, '__name__', 'the function')}"
    try:
        redacted = function(text)
    except Exception as error:  # noqa: BLE001 - its text may hold what was to be redacted
        raise InvalidFile(message(where, f"it raised {type(error).__name__}", next_step="mend the function")) from None
    if not isinstance(redacted, str):
        raise InvalidFile(message(where, f"it returned a {type(redacted).__name__}", expected="a text"))
    return redacted
