"""The built-in scorers, by name: pure functions of a case and an answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.names import unknown
from pytest_ladder.core.scorers.fields import JsonFields
from pytest_ladder.core.scorers.grounding import Abstention, Citation
from pytest_ladder.core.scorers.labels import Label, TokenF1
from pytest_ladder.core.scorers.matching import Contains, ExactMatch, Regex
from pytest_ladder.core.scorers.numeric import Numeric
from pytest_ladder.core.scorers.options import from_options
from pytest_ladder.core.scorers.outcome import aapply, apply
from pytest_ladder.core.scorers.overlap import Groundedness
from pytest_ladder.core.scorers.ranking import (
    ContextPrecision,
    NdcgAtK,
    PrecisionAtK,
    Ranking,
    RecallAtK,
    ReciprocalRank,
)
from pytest_ladder.core.scorers.schema import JsonSchema
from pytest_ladder.core.scorers.steps import Steps
from pytest_ladder.core.scorers.style import Length, Style
from pytest_ladder.core.scorers.tools import ToolCalls
from pytest_ladder.core.scores import Scorer, ScorerFactory
from pytest_ladder.errors import InvalidRequest

__all__ = ["RETRIEVAL", "SCORERS", "aapply", "apply", "build_scorer"]

_CLASSES: Mapping[str, type[Any]] = {
    "exact_match": ExactMatch,
    "contains": Contains,
    "regex": Regex,
    "numeric": Numeric,
    "label": Label,
    "token_f1": TokenF1,
    "json_schema": JsonSchema,
    "json_fields": JsonFields,
    "citation": Citation,
    "groundedness": Groundedness,
    "abstention": Abstention,
    "recall_at_k": RecallAtK,
    "precision_at_k": PrecisionAtK,
    "reciprocal_rank": ReciprocalRank,
    "ndcg_at_k": NdcgAtK,
    "context_precision": ContextPrecision,
    "context_recall": RecallAtK,
    "steps": Steps,
    "tool_calls": ToolCalls,
    "length": Length,
    "style": Style,
}

SCORERS: Mapping[str, ScorerFactory] = MappingProxyType(
    {name: partial(from_options, name, scorer) for name, scorer in _CLASSES.items()}
)
"""Name -> what builds the scorer from a metric's options."""
RETRIEVAL = frozenset(name for name, scorer in _CLASSES.items() if issubclass(scorer, Ranking))
"""Those that judge what was retrieved, whatever was made of it."""


def build_scorer(name: str, options: Mapping[str, Json]) -> Scorer:
    """Build a built-in scorer by its name.

    Raises:
        InvalidRequest: no such name, or an option that the scorer cannot use.
    """
    if name not in SCORERS:
        raise InvalidRequest(unknown("scorers", "scorer", name, SCORERS))
    return SCORERS[name](options)
