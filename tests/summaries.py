"""Finished runs to render: one that has a bit of everything, and parts to change it by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_ladder.core.answers import Usage
from pytest_ladder.core.entries import Figure, RungEntry, Verdict
from pytest_ladder.core.rungs import Kind
from pytest_ladder.core.summary import LadderSummary, Miss, Refusal, RungRow, RunSummary, State


def figure(mean: float | None, n: int = 218, unscored: int = 0) -> Figure:
    """A figure with bounds 0.04 to both sides."""
    if mean is None:
        return Figure(None, 0, None, None, unscored)
    return Figure(mean, n, max(0.0, mean - 0.04), min(1.0, mean + 0.04), unscored)


def entry(rung: str, verdict: Verdict, answer: float, edge: float, note: float, **parts: Any) -> RungEntry:
    """An entry of the ladder `support`, with two metrics and two limits."""
    scores = {"answer": {"all": figure(answer), "policy-edge": figure(edge, 56)}, "note": {"all": figure(note)}}
    parts.setdefault("rung_kind", Kind(rung))
    known = RungEntry(
        ladder="support", rung=rung, evalset="e", contract="c", fingerprint="f", answers="a", cases=218, repeats=1,
        scores=scores, verdict=verdict, limits={"cost_per_case": 0.0021, "latency_p95": 1.3},
        usage=Usage(218, 91_234, 8_123, 0.4312), latency={"p50": 0.61, "p95": 1.3}, **parts,
    )  # fmt: skip
    return known.sealed("2026-10-05T12:00:00Z")


MISSES = (
    Miss("c-017", "answer", 0.0, "How long may I keep a rented bicycle?", "until Tuesday", "For one week."),
    Miss("c-023", "answer", None, "May I pay later?", "14 days", None, "the judge timed out"),
)
REFUSALS = (
    Refusal("met", "rung rag already meets the target", "Use rag, or raise the thresholds"),
    Refusal("effort", "1 version of prompt was measured, 2 are asked", "Change the prompt and run `pytest --ladder`"),
)
PROMPT = RungRow(
    "prompt", Kind.PROMPT, State.SHORT, from_log=True,
    entry=entry("prompt", Verdict.SHORT, 0.612, 0.411, 0.98962, diagnosis={"facts": 31, "unknown": 2}),
)  # fmt: skip
FEW_SHOT = RungRow(
    "few_shot", Kind.FEW_SHOT, State.SHORT, entry("few_shot", Verdict.SHORT, 0.688, 0.5, 0.996), misses=MISSES
)
RAG = RungRow("rag", Kind.RAG, State.SELECTED, entry("rag", Verdict.MET, 0.963, 0.911, 1.0), recall=0.973)
SKIPPED = RungRow("advanced_rag", Kind.ADVANCED_RAG, State.NOT_NEEDED, note="not needed: rag meets the target")
LADDER = LadderSummary(
    name="support", where="evals/support/ladder.toml", task="Answer a support question.",
    rows=(PROMPT, FEW_SHOT, RAG, SKIPPED), cases=218, selected="rag",
    thresholds={"answer": {"all": 0.9, "policy-edge": 0.8}, "note": {"all": 0.99}},
    limits={"cost_per_case": 0.01, "latency_p95": 2.0}, decided="rag is the lowest rung that meets every threshold",
    recommendation="ship rag", waivers=("fixed_format, approved by J. Doe, expires 2027-03-31",),
    notes=("evidence of prompt is 80 days old",), checklist={"narrow": "declared"},
)  # fmt: skip


def run(*ladders: LadderSummary, **parts: Any) -> RunSummary:
    """A run of these ladders, or of the sample with some parts changed."""
    return RunSummary(ladders or (replace(LADDER, **parts),), "2026-10-05T12:00:00Z", "0.1.0")
