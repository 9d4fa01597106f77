"""Retrieval measures against trec_eval's own code."""

from __future__ import annotations

import random

import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Case
from pytest_ladder.core.scorers import apply, build_scorer
from pytest_ladder.core.scores import Score, Scored

pytrec_eval = pytest.importorskip("pytrec_eval", reason="pytrec-eval-terrier comes with the extra `dev`")

MEASURES = {
    "recall_at_k": "recall_5", "precision_at_k": "P_5", "ndcg_at_k": "ndcg_cut_5", "reciprocal_rank": "recip_rank",
}  # fmt: skip


def drawn(seed: int) -> tuple[list[str], list[str]]:
    source = random.Random(seed)
    documents = [f"d{i}" for i in range(12)]
    return source.sample(documents, source.randint(1, 12)), source.sample(documents, source.randint(1, 5))


@pytest.mark.parametrize(("name", "measure"), MEASURES.items())
def test_it_agrees_with_trec_eval(name: str, measure: str):
    rankings = {f"q{seed}": drawn(seed) for seed in range(200)}
    relevant = {query: dict.fromkeys(evidence, 1) for query, (_, evidence) in rankings.items()}
    run = {query: {d: float(-at) for at, d in enumerate(found)} for query, (found, _) in rankings.items()}
    theirs = pytrec_eval.RelevanceEvaluator(relevant, set(pytrec_eval.supported_measures)).evaluate(run)
    scorer = build_scorer(name, {} if name == "reciprocal_rank" else {"k": 5})

    for query, (found, evidence) in rankings.items():
        scored = Scored(Case(query, "q", evidence=tuple(evidence)), Answer("", retrieved=tuple(found)))
        outcome = apply(scorer, scored)
        assert isinstance(outcome, Score)
        assert outcome.value == pytest.approx(theirs[query][measure]), query


def test_context_precision_is_trec_evals_average_precision_over_the_evidence_that_was_found():
    scorer = build_scorer("context_precision", {"k": 5})
    for seed in range(200):
        found, evidence = drawn(seed)
        run = {"q": {d: float(-at) for at, d in enumerate(found)}}
        judged = pytrec_eval.RelevanceEvaluator({"q": dict.fromkeys(evidence, 1)}, {"map_cut.5", "recall.5"})
        theirs = judged.evaluate(run)["q"]
        outcome = apply(scorer, Scored(Case("q", "q", evidence=tuple(evidence)), Answer("", retrieved=tuple(found))))
        assert isinstance(outcome, Score)
        assert outcome.value * theirs["recall_5"] == pytest.approx(theirs["map_cut_5"]), seed
