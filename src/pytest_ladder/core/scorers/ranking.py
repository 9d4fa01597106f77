"""Scorers of retrieval, apart from what was made of it: the documents found against the case's evidence.

The evidence is what is relevant, each document alike; the answer's `retrieved` is the ranking, best first. A document
that stands in it twice counts at its first place. A case without evidence is unscored.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_ladder.core.scores import Outcome, Score, Scored, Unscored

NOT_APPLICABLE = Unscored("not applicable: the rung retrieves nothing")
"""What they say of a rung without a corpus, where no threshold asks for them."""
NAMED = 5
"""Documents that a note names, at most."""


@dataclass(frozen=True, kw_only=True)
class Ranking(ABC):
    """A scorer of the first k documents; of all of them without k."""

    k: int | None = None
    """How many of the documents are looked at."""

    def __call__(self, scored: Scored, /) -> Outcome:
        """Score the ranking of an answer."""
        relevant = frozenset(scored.case.evidence)
        if not relevant:
            return Unscored("the case names no evidence")
        ranking = list(dict.fromkeys(scored.answer.retrieved))[: self.k]
        if not ranking:
            return Score(0.0, "nothing was retrieved")
        return Score(
            self.score([id_ in relevant for id_ in ranking], len(relevant)), _lacking(relevant.difference(ranking))
        )

    @abstractmethod
    def score(self, hits: Sequence[bool], relevant: int, /) -> float:
        """Score a ranking: whether each place holds a relevant document, and how many there are at all."""


@dataclass(frozen=True, kw_only=True)
class RecallAtK(Ranking):
    """The share of the evidence that is among the documents."""

    def score(self, hits: Sequence[bool], relevant: int, /) -> float:
        """Relevant documents found, of all that are relevant."""
        return sum(hits) / relevant


@dataclass(frozen=True, kw_only=True)
class PrecisionAtK(Ranking):
    """The share of the documents that is evidence; of k, where fewer were found."""

    def score(self, hits: Sequence[bool], relevant: int, /) -> float:  # noqa: ARG002 - what was not found is no matter
        """Relevant documents found, of the places looked at."""
        return sum(hits) / (self.k or len(hits))


@dataclass(frozen=True, kw_only=True)
class ContextPrecision(Ranking):
    """How far up the evidence stands among the documents: the mean of the precision at each place that holds some.

    It looks at the evidence that was found alone: what was not found lowers `RecallAtK`, the context recall.

    Source: the context precision of the library ragas, with the case's evidence in place of a judge; over all evidence
    instead of that found it would be the average precision of trec_eval.
    """

    def score(self, hits: Sequence[bool], relevant: int, /) -> float:  # noqa: ARG002 - what was not found is no matter
        """0 where none is found."""
        places = [at for at, hit in enumerate(hits, 1) if hit]
        return math.fsum(found / at for found, at in enumerate(places, 1)) / len(places) if places else 0.0


@dataclass(frozen=True, kw_only=True)
class ReciprocalRank(Ranking):
    """One over the place of the first document that is evidence; its mean is the MRR.

    Source: Voorhees, "The TREC-8 Question Answering Track Report", TREC-8 (1999).
    """

    def score(self, hits: Sequence[bool], relevant: int, /) -> float:  # noqa: ARG002 - the first is enough
        """0 where none is found."""
        return 1 / (hits.index(True) + 1) if True in hits else 0.0


@dataclass(frozen=True, kw_only=True)
class NdcgAtK(Ranking):
    """How far up the evidence stands, each place discounted by its logarithm, against the best possible ranking.

    Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20 (2002), with the
    discount 1 / log2(place + 1).
    """

    def score(self, hits: Sequence[bool], relevant: int, /) -> float:
        """The discounted gain over that of a ranking that begins with all the evidence."""
        places = min(relevant, self.k) if self.k else relevant
        return math.fsum(_discount(at) for at, hit in enumerate(hits) if hit) / math.fsum(map(_discount, range(places)))


def _lacking(missing: Iterable[str]) -> str:
    """What is not among the documents: the first few, and how many more."""
    ids = sorted(missing)
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return f"not among: {', '.join(ids[:NAMED])}{more}" if ids else ""


def _discount(at: int) -> float:
    return 1 / math.log2(at + 2)
