"""A scorer of groundedness without a judge: what of an answer's words its documents have."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_ladder.core.scorers.expected import text_of
from pytest_ladder.core.scorers.options import choice
from pytest_ladder.core.scores import Outcome, Score, Scored, Unscored


@dataclass(frozen=True, kw_only=True)
class Groundedness:
    """The share of the answer's words that stand in the documents: low where it makes things up.

    It measures copying, not truth: a right answer in other words scores low, and a wrong one in the documents' words
    high. Numbers count like words. Words of fewer than `shortest` letters are left out.

    Source: the precision of ROUGE-1 against the evidence, Lin, "ROUGE: A Package for Automatic Evaluation of
    Summaries", ACL 2004 workshop; with words counted once.
    """

    against: str = choice("evidence", "retrieved")
    """`evidence`: the case's own documents. `retrieved`: those that were put before the model."""
    shortest: int = 3
    """Letters that a word must have to count; numbers always do."""
    answer_field: str | None = None

    def __call__(self, scored: Scored, /) -> Outcome:
        """Look each word up; the note names some that no document has."""
        ids = scored.case.evidence if self.against == "evidence" else scored.answer.retrieved
        texts = [scored.documents[id_] for id_ in ids if id_ in scored.documents]
        if not texts:
            return Unscored(f"there is no text of the {self.against}")
        words = dict.fromkeys(self._words([text_of(scored.answer, self.answer_field)]))
        if not words:
            return Unscored("the answer has no word that counts")
        known = set(self._words(texts))
        strange = [word for word in words if word not in known]
        return Score(
            1 - len(strange) / len(words), f"not in the documents: {', '.join(strange[:5])}" if strange else ""
        )

    def _words(self, texts: Iterable[str]) -> list[str]:
        found = [word for text in texts for word in re.findall(r"\w+", unicodedata.normalize("NFC", text).casefold())]
        return [word for word in found if len(word) >= self.shortest or any(map(str.isdigit, word))]
