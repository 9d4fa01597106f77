"""Metrics of retrieval, where nothing says whether a rung retrieves but its answers."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.core.scorers.ranking import NOT_APPLICABLE
from pytest_ladder.core.scores import MetricSpec, Score
from pytest_ladder.session.measuring.applicable import applied, unmeetable
from tests.builders import ladder, record

PROMPT = RungSpec("prompt", Kind.PROMPT)
OUTCOMES = {("c1", 0, "found"): Score(0.8), ("c1", 0, "answer"): Score(1.0)}


def files(**thresholds: float) -> Any:
    """A ladder with a metric of retrieval, and a rung whose table names neither a corpus nor a system."""
    metrics = (MetricSpec("answer", "exact_match"), MetricSpec("found", "recall_at_k"))
    made = ladder({"answer": {"all": 0.5}, **({"found": thresholds} if thresholds else {})}, metrics=metrics)
    made = replace(made, rungs=(PROMPT,))
    assembler = SimpleNamespace(added=lambda rung: None)
    return SimpleNamespace(ladder=made, assembler=assembler, fingerprint=lambda rung: SimpleNamespace(digest="d"))


PRINTS: Any = SimpleNamespace(digest="d")
RETRIEVED = record("c1", retrieved=["kb-1"])


def test_of_a_rung_that_retrieves_nothing_they_say_nothing():
    told = applied(files(), PROMPT, PRINTS, [record("c1")], OUTCOMES)

    assert told["c1", 0, "found"] == NOT_APPLICABLE
    assert told["c1", 0, "answer"] == Score(1.0)


@pytest.mark.parametrize("thresholds", [{}, {"all": 0.5}])
def test_what_an_answer_retrieved_counts_whatever_the_table_says(thresholds: dict[str, float]):
    known = files(**thresholds)

    assert applied(known, PROMPT, PRINTS, [record("c2"), RETRIEVED], OUTCOMES) == OUTCOMES
    assert unmeetable(known, PROMPT, PRINTS, [RETRIEVED]) == ()


def test_a_threshold_that_cannot_be_met_is_told():
    (told,) = unmeetable(files(all=0.5), PROMPT, PRINTS, [record("c1")])

    assert "cannot meet found[all]" in told
