"""Verification before an answer ships: a model says yes or no."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import LLM, Document, Kit
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.rungs.prompting.asides import ask, read_aside
from pytest_ladder.rungs.prompting.chat import context_of
from pytest_ladder.rungs.prompting.template import PromptTemplate

SEEN = ("input", "metadata", "answer", "parsed", "context", "documents")
"""What the verifier's template sees: the documents are those that were put before the answering model."""
REJECTED, UNREADABLE = "rejected", "unreadable"
_WORD = re.compile(r"\b(yes|no)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the verifier made of an answer."""

    reason: str
    """Why it is not accepted, in a word; empty where it is."""
    reply: str

    @property
    def step(self) -> Json:
        """The verification in the trace of an answer."""
        return {"step": "verify", "accepted": not self.reason, "said": self.reply}


class Verifier:
    """Shows a model the question, the answer and its documents, and reads yes or no out of what it replies."""

    def __init__(
        self, llm: LLM, template: PromptTemplate, found: Callable[[Collection[str]], Sequence[Document]]
    ) -> None:
        """Take the verifier's model and prompt; `found` gives documents by their ids."""
        self._llm, self._template, self._found = llm, template, found

    async def of(self, question: Question, answer: Answer) -> Opinion:
        """Ask. The first `yes` or `no` in the reply counts; a reply without either accepts nothing."""
        documents = self._found(answer.retrieved)
        listed = [{"id": document.id, "title": document.title, "text": document.text} for document in documents]
        values = {
            "input": question.input, "metadata": question.metadata, "answer": answer.text, "parsed": answer.parsed,
            "context": context_of(documents), "documents": listed,
        }  # fmt: skip
        reply = (await ask(self._llm, self._template, **values)).strip()
        word = _WORD.search(reply)
        if word is None:
            return Opinion(UNREADABLE, reply)
        return Opinion("" if word[1].lower() == "yes" else REJECTED, reply)


def read_verifier(spec: RungSpec, kit: Kit) -> Verifier | None:
    """What `verify_prompt` and `verifier` ask for; None without. InvalidFile where the prompt shows no answer."""
    if "verify_prompt" not in spec.options:
        return None
    template = read_aside(spec, kit, "verify_prompt", "", SEEN, "answer")
    return Verifier(kit.other("verifier"), template, kit.found)
