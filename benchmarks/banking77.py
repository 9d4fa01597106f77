"""Does each step of retrieval gain on real data? BANKING77: settings from training data, one look at the test set."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that wait leave the cores to others

import pytrec_eval
from banking_choice import choose
from banking_data import EMBEDDER, base, documents, read, split
from banking_project import RUNGS, answers, climb, write
from banking_rerank import MADE_OF, Recipe, groups_of, made_of, mined, train

from pytest_ladder.backends.embedder import Embedder
from pytest_ladder.core.differences import SliceComparison
from pytest_ladder.core.pairing import Pairs, compare_family

SHARE, SEED = 0.15, 1
"""Of the training data set aside to choose settings on, and of the draw."""
RERANKER = "reranker"
CUTS = {"recall_10": "recall_10", "mrr_10": "recip_rank", "ndcg_10": "ndcg_cut_10"}
"""Metric of the ladder -> trec_eval's name of it."""

Rungs = Mapping[str, Mapping[str, Any]]


def main() -> None:
    """Train, choose, climb, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.csv and test.csv of BANKING77")
    parser.add_argument("--work", type=Path, default=Path("build/banking77"), help="default build/banking77")
    given = parser.parse_args()
    home = given.work / "ladder"
    home.mkdir(parents=True, exist_ok=True)
    weights, rows = base(), read(given.data, "train")
    fit, dev = split(rows, SHARE, SEED)
    _train(weights, home, fit)
    chosen = choose(home, fit, dev, RERANKER, log)
    write(home, rows, read(given.data, "test"), chosen, RERANKER)
    rungs = {rung["id"]: rung for rung in climb(home)["ladders"][0]["rungs"]}
    found = {name: answers(home, name, rungs[name]["entry"]["fingerprint"]) for name in RUNGS if _ran(rungs, name)}
    print(_accuracy(rungs, home, found), _retrieval(rungs, home, found), sep="\n\n")


def log(line: str) -> None:
    """Tell how far it is, at once."""
    print(line, flush=True)


def _ran(rungs: Rungs, name: str) -> bool:
    return name in rungs and rungs[name]["entry"] is not None


def _train(weights: Path, home: Path, fit: Sequence[Any]) -> None:
    recipe, made = Recipe(), home / RERANKER / MADE_OF
    if made.exists() and made.read_text(encoding="utf-8") == made_of(fit, recipe):
        return
    found = mined(fit, documents(fit, titled=False), Embedder(EMBEDDER, home, "cpu"), recipe.depth)
    train(weights, groups_of(fit, found, recipe), recipe, home / RERANKER, log)
    made.write_text(made_of(fit, recipe), encoding="utf-8")


def _cases(home: Path) -> dict[str, dict[str, Any]]:
    lines = (home / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    return {case["id"]: case for case in map(json.loads, lines)}


def _accuracy(rungs: Rungs, home: Path, found: Mapping[str, Mapping[str, Any]]) -> str:
    """Each rung's accuracy with its bounds, and its paired tests against the rung before and the best before."""
    cases = _cases(home)
    right = {
        name: {id_: float(answer["text"] == cases[id_]["expected"]) for id_, answer in made.items()}
        for name, made in found.items()
    }
    lines = [
        "| rung | accuracy | over the rung before | over the best before | median answer |",
        "|---|---|---|---|---|",
    ]
    for place, name in enumerate(right):
        entry, before = rungs[name]["entry"], list(right)[:place]
        all_ = entry["scores"]["answer"]["all"]
        told = ["", ""]
        if before:
            best = max(before, key=lambda other: sum(right[other].values()))
            pairs = {other: Pairs(right[other], right[name], {"all": tuple(cases)}) for other in (before[-1], best)}
            compared = compare_family(pairs, confidence=0.95, min_effect=0.0, seed=SEED)
            told = [f"{other}: {_told(compared[other].slices['all'])}" for other in (before[-1], best)]
        bounds = f"{all_['mean']:.1%} [{all_['low']:.1%}, {all_['high']:.1%}]"
        lines.append(f"| {name} | {bounds} | {told[0]} | {told[1]} | {1000 * entry['latency']['p50']:.0f} ms |")
    return "\n".join(lines)


def _told(one: SliceComparison) -> str:
    return f"{one.difference:+.1%} [{one.low:+.1%}, {one.high:+.1%}], p = {one.adjusted:.2g}, {one.verdict}"


def _retrieval(rungs: Rungs, home: Path, found: Mapping[str, Mapping[str, Any]]) -> str:
    """The metrics of retrieval of each rung that retrieves; trec_eval must say the same."""
    cases = _cases(home)
    relevant = {id_: dict.fromkeys(case["evidence"], 1) for id_, case in cases.items()}
    judge = pytrec_eval.RelevanceEvaluator(relevant, {"recall.10", "recip_rank", "ndcg_cut.5,10", "success.5"})
    most = sum(min(10, len(ids)) / len(ids) for ids in relevant.values()) / len(relevant)
    lines = [
        f"| rung | recall@10 (at most {most:.3f}) | MRR@10 | nDCG@10 | context precision@10 | nDCG@5 | any of 5 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, made in found.items():
        if not any(answer["retrieved"] for answer in made.values()):
            continue
        run = {id_: {doc: float(-at) for at, doc in enumerate(a["retrieved"][:10])} for id_, a in made.items()}
        theirs = judge.evaluate(run)
        scores = rungs[name]["entry"]["scores"]
        for metric, measure in CUTS.items():
            mean = sum(one[measure] for one in theirs.values()) / len(cases)
            assert abs(mean - scores[metric]["all"]["mean"]) < 1e-6, (name, metric, mean)
        five = [sum(one[measure] for one in theirs.values()) / len(cases) for measure in ("ndcg_cut_5", "success_5")]
        shown = [_bounded(scores[metric]["all"]) for metric in (*CUTS, "context_precision_10")]
        lines.append(f"| {name} | {' | '.join(shown)} | {five[0]:.3f} | {five[1]:.1%} |")
    return "\n".join(lines)


def _bounded(figure: Mapping[str, float]) -> str:
    return f"{figure['mean']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


if __name__ == "__main__":
    main()
