"""Prompts as the search of `optimize` writes them: a prompt file with another instruction, and with demonstrations."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ladder.core.cases import Question
from pytest_ladder.core.prompts import split_front_matter
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs.prompting.template import ROLE_LINE, Messages, PromptTemplate

SHOWN_BY_TEMPLATE = ("examples", "context", "documents")
"""What a prompt of this rung cannot use: demonstrations are written out, and there is no corpus."""
_TAG = re.compile("[{][{%#]|[{]?[\0-\x08\x0b-\x1f\ud800-\udfff]")
"""What begins a tag of a template, and characters that a text file or its reader would not give back as they are."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A demonstration: a question as the prompt shows it, and a right answer."""

    user: str
    assistant: str


class Draft:
    """A prompt that demonstrations can be written into; what is written renders as it was meant, or is refused."""

    def __init__(self, text: str, where: str, probe: Question) -> None:
        """Read a prompt file, its front matter left aside.

        Args:
            text: The file.
            where: What messages call it.
            probe: A question that it must be able to put, on which what is written is tried.

        Raises:
            InvalidFile: it is no template, or it uses what this rung does not have.
        """
        self.body = split_front_matter(text, where).body.strip("\n") + "\n"
        self.where = where
        self._probe = probe
        self._template = PromptTemplate(text, where)
        used = sorted(self._template.uses & set(SHOWN_BY_TEMPLATE))
        if used:
            fault = f"a prompt of the rung `optimize` cannot use `{used[0]}`"
            step = "take it out: the search writes demonstrations into the prompt as turns"
            raise InvalidFile(message(where, fault, next_step=step))

    def turn(self, question: Question, answer: str) -> Turn | None:
        """A demonstration with this question; None where the prompt cannot put it, or the answer is blank."""
        try:
            messages = _put(self._template, question)
        except InvalidFile:
            return None
        asked = next(part["content"] for part in reversed(messages) if part["role"] == "user")
        return Turn(asked, answer.strip()) if answer.strip() else None

    def instructed(self, instruction: str) -> str:
        """The body with another text as its first system message; as one where it has none."""
        marks = list(ROLE_LINE.finditer(self.body))
        if not marks:
            return f"system:\n{literal(instruction)}\n\nuser:\n{self.body}"
        if marks[0][1] != "system":
            return f"system:\n{literal(instruction)}\n\n{self.body}"
        rest = self.body[marks[1].start() :] if len(marks) > 1 else ""
        return f"{self.body[: marks[0].end()]}\n{literal(instruction)}\n\n{rest}"

    def instruction(self) -> str:
        """The first system message as it is written; the whole body where there is none."""
        marks = list(ROLE_LINE.finditer(self.body))
        if not marks or marks[0][1] != "system":
            return self.body.strip()
        return self.body[marks[0].end() : marks[1].start() if len(marks) > 1 else None].strip()

    def written(self, turns: Sequence[Turn]) -> str:
        """The body with demonstrations before its last user message.

        Raises:
            InvalidFile: the prompt has no place for them, as where its last user message stands in a loop.
        """
        if not turns:
            return self.body
        marks = [mark for mark in ROLE_LINE.finditer(self.body) if mark[1] == "user"]
        shown = "".join(f"user:\n{literal(t.user)}\n\nassistant:\n{literal(t.assistant)}\n\n" for t in turns)
        place = marks[-1].start() if marks else 0
        text = f"{self.body[:place]}{shown}{'' if marks else 'user:' + chr(10)}{self.body[place:]}"
        self._check(text, turns)
        return text

    def _check(self, text: str, turns: Sequence[Turn]) -> None:
        """That the text renders to the prompt's own messages with the turns before the last one of the user."""
        own = list(_put(self._template, self._probe))
        last = max(place for place, part in enumerate(own) if part["role"] == "user")
        added = [
            {"role": role, "content": content.strip()}
            for turn in turns
            for role, content in (("user", turn.user), ("assistant", turn.assistant))
        ]
        if list(_put(PromptTemplate(text, self.where), self._probe)) != [*own[:last], *added, *own[last:]]:
            fault = "demonstrations cannot be written into this prompt"
            step = "let its last `user:` message stand outside of any block"
            raise InvalidFile(message(self.where, fault, next_step=step))


def _put(template: PromptTemplate, question: Question) -> Messages:
    return template.render(input=question.input, id=question.id, metadata=dict(question.metadata))


def literal(text: str) -> str:
    """A text as a template writes it: what looks like a tag, a role line or no text at all stands in an expression."""
    text = _TAG.sub(lambda found: _quoted(found[0]), text.strip())
    return ROLE_LINE.sub(lambda found: _quoted(found[0]), text)


def _quoted(text: str) -> str:
    return f"{{{{ {json.dumps(text)} }}}}"
